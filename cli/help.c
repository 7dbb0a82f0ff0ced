/* SPDX-License-Identifier: MIT */
#include "help.h"

#include <string.h>

enum {
	COLUMNS = 80,
	HELP_COLUMN = 28, /* where the words on an option begin */
};

/* Appends text broken between words; what stands in the line so far ends at `column`. */
static void append_wrapped(struct str *str, const char *text, size_t indent, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " ");
		if (column > indent && column + 1 + len >= COLUMNS) {
			str_printf(str, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			str_append_byte(str, ' ');
			column++;
		}
		str_append(str, text, len);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	str_append_byte(str, '\n');
}

/* "  -o, --output=FILE" */
static void append_option(struct str *str, const struct option_info *info)
{
	size_t start = str->len;
	if (info->letter)
		str_printf(str, "  -%c, ", info->letter);
	else
		str_append_text(str, "      ");
	str_printf(str, "--%s%s", info->kind == KIND_NEGATABLE ? "[no-]" : "", info->name);
	if (info->arg)
		str_printf(str, "=%s", info->arg);

	size_t column = str->len - start;
	if (column + 2 > HELP_COLUMN) {
		str_append_byte(str, '\n');
		column = 0;
	}
	str_printf(str, "%*s", (int)(HELP_COLUMN - column), "");

	struct str words = STR_INIT;
	str_append_text(&words, info->help);
	if (info->fallback)
		str_printf(&words, " [%s]", info->fallback);
	if (words.err)
		str->err = words.err;
	else
		append_wrapped(str, words.buf, HELP_COLUMN, HELP_COLUMN);
	str_release(&words);
}

static void append_group(struct str *str, enum command_id command, enum option_group group)
{
	bool has_title = false;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_info *info = &option_infos[i];
		if (info->group != group || !option_is_in((enum option_id)i, command))
			continue;
		if (!has_title)
			str_printf(str, "\n%s:\n", option_group_titles[group]);
		has_title = true;
		append_option(str, info);
	}
}

static void append_commands(struct str *str)
{
	str_append_text(str, "\nCommands:\n");
	for (size_t i = COMMAND_main + 1; i < COMMAND_COUNT; i++)
		str_printf(str, "  %-8s %s\n", command_infos[i].name, command_infos[i].summary);
	str_append_text(str, "  help     what a command does and its options: weir help sum\n");
}

void help_append(struct str *str, enum command_id command)
{
	const struct command_info *info = &command_infos[command];
	bool is_main = command == COMMAND_main;

	str_printf(str, "Usage: weir %s%s%s\n\n", is_main ? "" : info->name, is_main ? "" : " ",
		   info->usage);
	append_wrapped(str, info->story, 0, 0);
	if (is_main)
		append_commands(str);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		append_group(str, command, (enum option_group)i);
	if (is_main)
		str_append_text(str, "\nThe manual page weir(1) says more.\n");
	else
		str_printf(str, "\nThe manual page weir-%s(1) says more.\n", info->name);
}
