/* SPDX-License-Identifier: MIT */
#include "conflicts.h"

#include "visible.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum option_id excluding[][2] = {
	{OPTION_tag, OPTION_check},
	{OPTION_tag, OPTION_json},
	{OPTION_zero, OPTION_json},
	{OPTION_files0_from, OPTION_check},
	{OPTION_dereference, OPTION_check},
	{OPTION_one_file_system, OPTION_check},
	{OPTION_includes, OPTION_check},
	{OPTION_excludes, OPTION_check},
	{OPTION_min_size_bytes, OPTION_check},
	{OPTION_max_size_bytes, OPTION_check},
};

static const enum option_id only_with_check[] = {
	OPTION_ignore_missing,
	OPTION_status,
	OPTION_strict,
	OPTION_warn,
};

static bool some_exclude_each_other(const struct options *options, struct str *error)
{
	for (size_t i = 0; i < COUNT(excluding); i++) {
		const enum option_id *pair = excluding[i];
		if (!options->given[pair[0]] || !options->given[pair[1]])
			continue;
		str_printf(error, "options '--%s' and '--%s' exclude each other",
			   option_infos[pair[0]].name, option_infos[pair[1]].name);
		return true;
	}
	return false;
}

static bool check_is_missing(const struct options *options, struct str *error)
{
	for (size_t i = 0; i < COUNT(only_with_check); i++) {
		if (!options->given[only_with_check[i]] || options->check)
			continue;
		str_printf(error, "option '--%s' has a meaning only with '--check'",
			   option_infos[only_with_check[i]].name);
		return true;
	}
	return false;
}

static bool names_come_twice(const struct options *options, struct str *error)
{
	if (!options->files0_from || !options->operands.count)
		return false;
	str_append_text(error, "'--files0-from' and a PATH exclude each other: '");
	visible_append(error, options->operands.items[0], strlen(options->operands.items[0]));
	str_append_byte(error, '\'');
	return true;
}

static bool no_size_is_left(const struct options *options, struct str *error)
{
	if (!options->given[OPTION_max_size_bytes] ||
	    options->min_size_bytes <= options->max_size_bytes)
		return false;
	str_append_text(error, "'--min-size' is larger than '--max-size': no file is both");
	return true;
}

static bool nothing_is_given(const struct options *options, struct str *error)
{
	if (options->operands.count || options->files0_from)
		return false;
	str_printf(error, "no %s is given, and standard input is a terminal",
		   options->check ? "manifest" : "PATH");
	return true;
}

bool conflicts_find(const struct options *options, bool stdin_is_terminal, struct str *error)
{
	return some_exclude_each_other(options, error) || check_is_missing(options, error) ||
	       names_come_twice(options, error) || no_size_is_left(options, error) ||
	       (stdin_is_terminal && nothing_is_given(options, error));
}
