/* SPDX-License-Identifier: MIT */
/*
 * The option table and its parser.
 *
 * The parser is pure: it reads its arguments, allocates, and returns; it neither
 * prints nor exits nor looks at the environment. It reads options as GNU
 * getopt_long() does: `--opt=value`, `--opt value`, any unambiguous beginning
 * of a long name, bundled letters (`-zj4`), options after operands, and `--`
 * before what is not to be read as an option.
 */
#ifndef WEIR_CLI_OPTIONS_H
#define WEIR_CLI_OPTIONS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command_id {
#define COMMAND(id, usage, summary, story) COMMAND_##id,
#include "commands.def"
#undef COMMAND
	COMMAND_COUNT,
};

struct command_info {
	const char *name; /* COMMAND_main: that of the program */
	const char *usage, *summary, *story;
};

extern const struct command_info command_infos[COMMAND_COUNT];

enum option_group {
#define GROUP(id, title) GROUP_##id,
#define OPTION(...)
#include "options.def"
#undef GROUP
#undef OPTION
	GROUP_COUNT,
};

extern const char *const option_group_titles[GROUP_COUNT];

enum option_id {
#define GROUP(id, title)
#define OPTION(id, ...) OPTION_##id,
#include "options.def"
#undef GROUP
#undef OPTION
	OPTION_COUNT,
};

enum option_kind {
	KIND_FLAG,
	KIND_NEGATABLE,
	KIND_ANSWER,
	KIND_STRING,
	KIND_LIST,
	KIND_SIZE,
	KIND_RATE,
	KIND_COUNT,
};

struct option_info {
	const char *name;
	char letter; /* or NUL */
	enum option_kind kind;
	enum option_group group;
	uint32_t commands; /* set of 1 << enum command_id */
	const char *arg;   /* NULL: takes no value */
	const char *words, *fallback, *help, *text;
	uint64_t least;
	size_t offset; /* of its member in struct options */
};

extern const struct option_info option_infos[OPTION_COUNT];

static inline bool option_is_in(enum option_id id, enum command_id command)
{
	return option_infos[id].commands & (UINT32_C(1) << command);
}

struct option_list {
	const char **items;
	size_t count;
};

#define OPTION_TYPE_FLAG bool
#define OPTION_TYPE_NEGATABLE bool
#define OPTION_TYPE_ANSWER bool
#define OPTION_TYPE_STRING const char *
#define OPTION_TYPE_LIST struct option_list
#define OPTION_TYPE_SIZE uint64_t
#define OPTION_TYPE_RATE uint64_t
#define OPTION_TYPE_COUNT uint32_t

/* What was asked for. Strings are those of argv. All zeros holds nothing. */
struct options {
#define GROUP(id, title)
#define OPTION(id, commands, group, name, letter, kind, ...) OPTION_TYPE_##kind id;
#include "options.def"
#undef GROUP
#undef OPTION
	bool given[OPTION_COUNT];
	struct option_list operands;
};

/*
 * Parses the argc arguments in argv (without the program's and the command's
 * name). COMMAND_main takes everything from the first operand on as operands.
 * After an ANSWER nothing more is parsed. Returns 0; -EINVAL, and ret_error is
 * a sentence that names the argument; or -ENOMEM. ret_options is filled on
 * success only and is to be released.
 */
int options_parse(enum command_id command, size_t argc, const char *const *argv,
		  struct options *ret_options, struct str *ret_error);
void options_release(struct options *options);

/* COMMAND_main if there is none of that name. */
enum command_id command_find(const char *name);

#endif
