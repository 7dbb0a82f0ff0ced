/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int command_print(struct talk *talk, const struct str *text)
{
	int err = text->err;
	if (!err && (fwrite(text->buf, 1, text->len, stdout) != text->len || fflush(stdout)))
		err = -errno;
	if (!err)
		return EXIT_ALL_WELL;
	talk_say(talk, "standard output: write: %s", strerror(-err));
	return EXIT_UNUSABLE;
}

int command_reject(struct talk *talk, enum command_id command, const struct str *words)
{
	bool is_main = command == COMMAND_main;
	struct str text = STR_INIT;

	str_append_text(&text, "weir: ");
	str_append(&text, words->buf, words->len);
	str_printf(&text, "\nTry 'weir %s%s--help'.\n", is_main ? "" : command_infos[command].name,
		   is_main ? "" : " ");
	if (words->err)
		text.err = words->err;
	talk_write(talk, &text);
	str_release(&text);
	return EXIT_UNUSABLE;
}
