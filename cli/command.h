/* SPDX-License-Identifier: MIT */
/* What a command is to main.c: a function, found by its name in commands.def. */
#ifndef WEIR_CLI_COMMAND_H
#define WEIR_CLI_COMMAND_H

#include "base/str.h"
#include "options.h"
#include "talk.h"

enum exit_status {
	EXIT_ALL_WELL = 0,
	EXIT_SOME_FAILED = 1, /* a file failed or differs */
	EXIT_UNUSABLE = 2,    /* a mistake in the arguments, or nothing could be done */
};

/* Each returns an exit status. */
#define COMMAND(id, usage, summary, story) \
	int cmd_##id(const struct options *options, struct talk *talk);
#include "commands.def"
#undef COMMAND

/* Prints text on standard output; returns an exit status. */
int command_print(struct talk *talk, const struct str *text);

/* "weir: WORDS", and where to read more; returns EXIT_UNUSABLE. */
int command_reject(struct talk *talk, enum command_id command, const struct str *words);

#endif
