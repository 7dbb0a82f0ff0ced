/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "base/units.h"
#include "typo.h"
#include "visible.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command_info command_infos[COMMAND_COUNT] = {
#define COMMAND(id, usage_, summary_, story_)                        \
	[COMMAND_##id] = {                                           \
		.name = COMMAND_##id == COMMAND_main ? "weir" : #id, \
		.usage = usage_,                                     \
		.summary = summary_,                                 \
		.story = story_,                                     \
	},
#include "commands.def"
#undef COMMAND
};

const char *const option_group_titles[GROUP_COUNT] = {
#define GROUP(id, title) [GROUP_##id] = title,
#define OPTION(...)
#include "options.def"
#undef GROUP
#undef OPTION
};

#define IN(command) (UINT32_C(1) << COMMAND_##command)

const struct option_info option_infos[OPTION_COUNT] = {
#define GROUP(id, title)
#define OPTION(id, commands_, group_, name_, letter_, kind_, arg_, words_, least_, fallback_, \
	       help_, text_)                                                                  \
	[OPTION_##id] = {                                                                     \
		.name = name_,                                                                \
		.letter = letter_,                                                            \
		.kind = KIND_##kind_,                                                         \
		.group = GROUP_##group_,                                                      \
		.commands = commands_,                                                        \
		.arg = arg_,                                                                  \
		.words = words_,                                                              \
		.fallback = fallback_,                                                        \
		.help = help_,                                                                \
		.text = text_,                                                                \
		.least = least_,                                                              \
		.offset = offsetof(struct options, id),                                       \
	},
#include "options.def"
#undef GROUP
#undef OPTION
};

#define NAME_SIZE (TYPO_MAX_BYTES + 1)

struct parser {
	enum command_id command;
	size_t argc, next; /* argv[next] is the next to look at */
	const char *const *argv;
	struct options *options;
	struct str *error;
};

/* An option as it stands in the arguments. */
struct found {
	enum option_id id;         /* OPTION_COUNT: there is none */
	bool is_negated;           /* --no-NAME */
	const char *value;         /* that came with it, or NULL */
	char shown[NAME_SIZE + 2]; /* "--jobs" or "-j", for messages */
};

enum command_id command_find(const char *name)
{
	for (size_t i = COMMAND_main + 1; i < COMMAND_COUNT; i++)
		if (!strcmp(name, command_infos[i].name))
			return (enum command_id)i;
	return COMMAND_main;
}

static int list_add(struct parser *parser, struct option_list *list, const char *item)
{
	if (!list->items) {
		list->items = calloc(parser->argc, sizeof(*list->items));
		if (!list->items)
			return -ENOMEM;
	}
	/* Each item comes from an argument of its own, so argc are enough. */
	list->items[list->count++] = item;
	return 0;
}

/* "option '--jobs': '" VALUE "' " COMPLAINT */
static int reject_value(struct parser *parser, const struct found *found, const char *complaint)
{
	str_printf(parser->error, "option '%s': '", found->shown);
	visible_append(parser->error, found->value, strlen(found->value));
	str_printf(parser->error, "' %s", complaint);
	return -EINVAL;
}

/* Digits and nothing else. */
static int parse_count(const char *text, uint64_t *ret_count)
{
	if (text[strspn(text, "0123456789")])
		return -EINVAL;
	errno = 0;
	unsigned long long count = strtoull(text, NULL, 10);
	if (errno || count > UINT32_MAX)
		return -ERANGE;
	*ret_count = count;
	return 0;
}

static int store_number(struct parser *parser, const struct found *found, void *member)
{
	const struct option_info *info = &option_infos[found->id];
	uint64_t number = 0;
	int err = info->kind == KIND_SIZE   ? units_parse_size(found->value, &number)
		  : info->kind == KIND_RATE ? units_parse_rate(found->value, &number)
					    : parse_count(found->value, &number);
	if (err == -ERANGE)
		return reject_value(parser, found, "is too large");
	if (err && info->kind == KIND_SIZE)
		return reject_value(parser, found, "is not a size such as 4096, 64KiB or 2GB");
	if (err && info->kind == KIND_RATE)
		return reject_value(parser, found, "is not a rate such as 200MiB/s");
	if (err)
		return reject_value(parser, found, "is not a whole number");
	if (number < info->least)
		return reject_value(parser, found, "is too small");

	if (info->kind == KIND_COUNT)
		*(uint32_t *)member = (uint32_t)number;
	else
		*(uint64_t *)member = number;
	return 0;
}

static int store(struct parser *parser, const struct found *found)
{
	const struct option_info *info = &option_infos[found->id];
	void *member = (char *)parser->options + info->offset;

	parser->options->given[found->id] = true;
	switch (info->kind) {
	case KIND_FLAG:
	case KIND_NEGATABLE:
	case KIND_ANSWER:
		*(bool *)member = !found->is_negated;
		return 0;
	case KIND_STRING:
		*(const char **)member = found->value;
		return 0;
	case KIND_LIST:
		return list_add(parser, member, found->value);
	case KIND_SIZE:
	case KIND_RATE:
	case KIND_COUNT:
		return store_number(parser, found, member);
	}
	return -EINVAL;
}

/* Finds the value of an option that needs one in the next argument, if it is not there yet. */
static int take_value(struct parser *parser, struct found *found)
{
	const struct option_info *info = &option_infos[found->id];

	if (!found->value && parser->next < parser->argc)
		found->value = parser->argv[parser->next++];
	if (found->value && found->value[0])
		return 0;
	str_printf(parser->error, "option '%s' needs a value: %s", found->shown, info->arg);
	return -EINVAL;
}

static int reject_surplus(struct parser *parser, const struct found *found)
{
	str_printf(parser->error, "option '%s' takes no value, but was given '", found->shown);
	visible_append(parser->error, found->value, strlen(found->value));
	str_append_byte(parser->error, '\'');
	return -EINVAL;
}

/* How well the len bytes at `typed` name the option: not at all, by their beginning, or whole. */
enum match { MATCH_NONE, MATCH_PREFIX, MATCH_EXACT };

static enum match match_name(const char *name, const char *typed, size_t len)
{
	if (strncmp(name, typed, len))
		return MATCH_NONE;
	return name[len] ? MATCH_PREFIX : MATCH_EXACT;
}

/* The names of an option: plain, and with "no-" before it if it has such a form. */
static const char *spell(enum option_id id, bool is_negated, char *buf, size_t size)
{
	const char *name = option_infos[id].name;
	if (!is_negated)
		return name;
	size_t len = strlen(name);
	if (len + sizeof("no-") > size)
		return name;
	memcpy(buf, "no-", 3);
	memcpy(buf + 3, name, len + 1);
	return buf;
}

/*
 * Calls visit for every long name of the command, negated ones too, until it
 * returns false.
 */
static void for_each_name(enum command_id command,
			  bool (*visit)(void *ctx, enum option_id id, bool is_negated,
					const char *name),
			  void *ctx)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		enum option_id id = (enum option_id)i;
		if (!option_is_in(id, command))
			continue;
		char buf[NAME_SIZE];
		if (!visit(ctx, id, false, spell(id, false, buf, sizeof(buf))))
			return;
		if (option_infos[id].kind == KIND_NEGATABLE &&
		    !visit(ctx, id, true, spell(id, true, buf, sizeof(buf))))
			return;
	}
}

struct lookup {
	const char *typed;
	size_t len, matches;
	struct found *found;
	struct typo typo;
	char nearest[NAME_SIZE];
	struct str *names; /* of all matches, if not NULL */
};

static bool lookup_visit(void *ctx, enum option_id id, bool is_negated, const char *name)
{
	struct lookup *lookup = ctx;
	enum match match = match_name(name, lookup->typed, lookup->len);
	if (match == MATCH_NONE)
		return true;
	lookup->found->id = id;
	lookup->found->is_negated = is_negated;
	lookup->matches = match == MATCH_EXACT ? 1 : lookup->matches + 1;
	return match != MATCH_EXACT;
}

static bool names_visit(void *ctx, enum option_id id, bool is_negated, const char *name)
{
	struct lookup *lookup = ctx;
	(void)id;
	(void)is_negated;
	if (match_name(name, lookup->typed, lookup->len) != MATCH_NONE)
		str_printf(lookup->names, " '--%s'", name);
	return true;
}

static bool typo_visit(void *ctx, enum option_id id, bool is_negated, const char *name)
{
	struct lookup *lookup = ctx;
	(void)id;
	(void)is_negated;
	size_t before = lookup->typo.distance;
	typo_consider(&lookup->typo, name);
	if (lookup->typo.distance < before)
		strcpy(lookup->nearest, name);
	return true;
}

static int reject_unknown(struct parser *parser, struct lookup *lookup)
{
	str_append_text(parser->error, "there is no option '--");
	visible_append(parser->error, lookup->typed, lookup->len);
	str_append_byte(parser->error, '\'');
	typo_init(&lookup->typo, lookup->typed, lookup->len);
	for_each_name(parser->command, typo_visit, lookup);
	if (lookup->nearest[0])
		str_printf(parser->error, "; did you mean '--%s'?", lookup->nearest);
	return -EINVAL;
}

static int reject_ambiguous(struct parser *parser, struct lookup *lookup)
{
	str_append_text(parser->error, "option '--");
	visible_append(parser->error, lookup->typed, lookup->len);
	str_append_text(parser->error, "' may mean any of");
	lookup->names = parser->error;
	for_each_name(parser->command, names_visit, lookup);
	return -EINVAL;
}

/* body: what follows "--". */
static int parse_long(struct parser *parser, const char *body)
{
	const char *equals = strchr(body, '=');
	struct found found = {.id = OPTION_COUNT, .value = equals ? equals + 1 : NULL};
	struct lookup lookup = {
		.typed = body,
		.len = equals ? (size_t)(equals - body) : strlen(body),
		.found = &found,
	};

	for_each_name(parser->command, lookup_visit, &lookup);
	if (lookup.matches == 0)
		return reject_unknown(parser, &lookup);
	if (lookup.matches > 1)
		return reject_ambiguous(parser, &lookup);

	char buf[NAME_SIZE];
	snprintf(found.shown, sizeof(found.shown), "--%s",
		 spell(found.id, found.is_negated, buf, sizeof(buf)));
	if (!option_infos[found.id].arg && found.value)
		return reject_surplus(parser, &found);
	int err = option_infos[found.id].arg ? take_value(parser, &found) : 0;
	return err ? err : store(parser, &found);
}

static enum option_id find_letter(enum command_id command, char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_infos[i].letter == letter && option_is_in((enum option_id)i, command))
			return (enum option_id)i;
	return OPTION_COUNT;
}

static int reject_letter(struct parser *parser, const char *letters, const char *at)
{
	str_append_text(parser->error, "there is no option '-");
	visible_append(parser->error, at, 1);
	str_append_byte(parser->error, '\'');
	if (letters[1]) {
		str_append_text(parser->error, " (in '-");
		visible_append(parser->error, letters, strlen(letters));
		str_append_text(parser->error, "')");
	}
	return -EINVAL;
}

static bool is_answered(const struct options *options)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (options->given[i] && option_infos[i].kind == KIND_ANSWER)
			return true;
	return false;
}

/* letters: what follows "-"; the first that takes a value has the rest as its value. */
static int parse_letters(struct parser *parser, const char *letters)
{
	for (const char *at = letters; *at; at++) {
		struct found found = {.id = find_letter(parser->command, *at)};
		if (found.id == OPTION_COUNT)
			return reject_letter(parser, letters, at);
		found.shown[0] = '-';
		found.shown[1] = *at;
		if (!option_infos[found.id].arg) {
			store(parser, &found);
			if (is_answered(parser->options))
				return 0;
			continue;
		}
		found.value = at[1] ? at + 1 : NULL;
		int err = take_value(parser, &found);
		return err ? err : store(parser, &found);
	}
	return 0;
}

static int parse_all(struct parser *parser)
{
	bool only_operands = false;
	int err = 0;

	while (!err && parser->next < parser->argc && !is_answered(parser->options)) {
		const char *arg = parser->argv[parser->next++];
		if (only_operands || arg[0] != '-' || !arg[1]) {
			err = list_add(parser, &parser->options->operands, arg);
			only_operands |= parser->command == COMMAND_main;
		} else if (!strcmp(arg, "--")) {
			only_operands = true;
		} else if (arg[1] == '-') {
			err = parse_long(parser, arg + 2);
		} else {
			err = parse_letters(parser, arg + 1);
		}
	}
	return err ? err : parser->error->err;
}

int options_parse(enum command_id command, size_t argc, const char *const *argv,
		  struct options *ret_options, struct str *ret_error)
{
	struct options options = {0};
	struct parser parser = {
		.command = command,
		.argc = argc,
		.argv = argv,
		.options = &options,
		.error = ret_error,
	};
	int err = parse_all(&parser);
	if (err)
		options_release(&options);
	else
		*ret_options = options;
	return err;
}

void options_release(struct options *options)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_infos[i].kind != KIND_LIST)
			continue;
		void *member = (char *)options + option_infos[i].offset;
		free(((struct option_list *)member)->items);
	}
	free(options->operands.items);
	*options = (struct options){0};
}
