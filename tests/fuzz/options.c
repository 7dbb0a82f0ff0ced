/* SPDX-License-Identifier: MIT */
/* The option parser; the input is the arguments of `weir sum`, each ended by NUL. */
#include "options.h"

#include "base/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What holds whatever the arguments are. */
static void check_parsed(const struct options *options, size_t argc)
{
	VERIFY(options->operands.count <= argc);
	VERIFY(options->includes.count + options->excludes.count <= argc);
	VERIFY(!options->given[OPTION_jobs] || options->jobs > 0);
	VERIFY(!options->given[OPTION_output] || options->output[0]);
	VERIFY(!options->given[OPTION_rate_bytes_per_s] || options->rate_bytes_per_s > 0);
	for (size_t i = 0; i < options->includes.count; i++)
		VERIFY(options->includes.items[i][0]);
}

/* A message is one line without a byte that a terminal would take for a command. */
static void check_message(const struct str *error)
{
	VERIFY(error->len > 0);
	for (size_t i = 0; i < error->len; i++)
		VERIFY((unsigned char)error->buf[i] >= 0x20 && error->buf[i] != 0x7f);
}

static void parse(enum command_id command, size_t argc, const char *const *argv)
{
	struct options options = {0};
	struct str error = STR_INIT;
	int err = options_parse(command, argc, argv, &options, &error);

	VERIFY(err == 0 || err == -EINVAL);
	if (err)
		check_message(&error);
	else
		check_parsed(&options, argc);
	options_release(&options);
	str_release(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char **argv = calloc(size + 1, sizeof(*argv));
	size_t argc = 0;

	VERIFY(text && argv);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	for (size_t command = 0; command < COMMAND_COUNT; command++)
		parse((enum command_id)command, argc, argv);
	free(argv);
	free(text);
	return 0;
}
