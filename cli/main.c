/* SPDX-License-Identifier: MIT */
/*
 * weir: reads everything and exhausts nothing.
 *
 * This comment is a map of the whole tree. `weir sum PATH...` calls, in order:
 *
 *	cli/main.c              which command; options.c reads its options
 *	cli/cmd_sum.c           makes a source, a sink and a job, waits, draws progress, reports
 *	  include/weir/           all that the command knows of the library
 *	lib/engine              the job
 *	  job.c                   checks the options, derives the limits, owns the threads
 *	  worker.c                the loop of each thread; the file to read first:
 *	    lib/walk                names -> entries: trees, lists, manifests, filters
 *	    lib/open                the pool of descriptors, the only place that opens data files
 *	    lib/gate                tickets for bytes in flight; the rate
 *	    lib/read                fills buffers, or maps files
 *	    lib/chunk               buffers, and views into files
 *	    lib/stage               what is done with a chunk: the digests
 *	    lib/sink                where the result goes: manifests, verification, output files
 *
 * All of it stands on
 *
 *	lib/base                strings, lists, units, errors, threads, clock: no system calls
 *	lib/os                  every system call that can fail, in one replaceable table
 *
 * and the command on a few files of its own:
 *
 *	commands.def options.def  every command and every option, once; from these come
 *	options.c                 the parser,
 *	help.c                    --help,
 *	gen.c                     and, while weir is built, manual pages and completions
 *	typo.c                    which word was meant
 *	command.c                 what commands share
 *	conflicts.c               options that make no sense together
 *	digests.c                 the value of --algorithm
 *	relay.c                   a sink before the sink: keeps output and progress apart
 *	talk.c progress.c         standard error; its drawn line
 *	report.c                  the summary and --stats
 *	visible.c                 names that are fit for a terminal
 *	signals.c process.c       signals; descriptors 0 to 2 and their limit
 *
 * A new command is a file cmd_NAME.c and a line in commands.def.
 */
#include "command.h"

#include "help.h"
#include "process.h"
#include "typo.h"
#include "visible.h"

#include <weir/weir.h>

#include <errno.h>
#include <string.h>

static int (*const commands[COMMAND_COUNT])(const struct options *options, struct talk *talk) = {
#define COMMAND(id, usage, summary, story) [COMMAND_##id] = cmd_##id,
#include "commands.def"
#undef COMMAND
};

static int print_help(enum command_id command, struct talk *talk)
{
	struct str text = STR_INIT;
	help_append(&text, command);
	int status = command_print(talk, &text);
	str_release(&text);
	return status;
}

static int print_version(struct talk *talk)
{
	struct str text = STR_INIT;
	str_printf(&text, "weir %s\n", weir_version());
	int status = command_print(talk, &text);
	str_release(&text);
	return status;
}

/* Parses the arguments of a command and runs it, or answers --help and --version. */
static int run(enum command_id command, size_t argc, const char *const *argv, struct talk *talk)
{
	struct options options = {0};
	struct str error = STR_INIT;
	int status;

	int err = options_parse(command, argc, argv, &options, &error);
	if (err == -ENOMEM)
		error.err = err;
	if (err)
		status = command_reject(talk, command, &error);
	else if (options.help)
		status = print_help(command, talk);
	else if (options.version)
		status = print_version(talk);
	else
		status = commands[command](&options, talk);
	options_release(&options);
	str_release(&error);
	return status;
}

static int reject_command(const char *name, struct talk *talk)
{
	struct typo typo;
	struct str words = STR_INIT;

	typo_init(&typo, name, strlen(name));
	typo_consider(&typo, "help");
	for (size_t i = COMMAND_main + 1; i < COMMAND_COUNT; i++)
		typo_consider(&typo, command_infos[i].name);

	str_append_text(&words, "there is no command '");
	visible_append(&words, name, strlen(name));
	str_append_byte(&words, '\'');
	if (typo.nearest)
		str_printf(&words, "; did you mean '%s'?", typo.nearest);
	int status = command_reject(talk, COMMAND_main, &words);
	str_release(&words);
	return status;
}

/* weir help [COMMAND] */
static int help(const struct option_list *operands, struct talk *talk)
{
	if (operands->count < 2 || !strcmp(operands->items[1], "help"))
		return print_help(COMMAND_main, talk);
	enum command_id command = command_find(operands->items[1]);
	if (command == COMMAND_main)
		return reject_command(operands->items[1], talk);
	return print_help(command, talk);
}

/* The program itself: its operands are a command and what that is to parse. */
int cmd_main(const struct options *options, struct talk *talk)
{
	const struct option_list *operands = &options->operands;
	if (operands->count == 0) {
		struct str words = STR_INIT;
		str_append_text(&words, "no command is given");
		int status = command_reject(talk, COMMAND_main, &words);
		str_release(&words);
		return status;
	}
	if (!strcmp(operands->items[0], "help"))
		return help(operands, talk);
	enum command_id command = command_find(operands->items[0]);
	if (command == COMMAND_main)
		return reject_command(operands->items[0], talk);
	return run(command, operands->count - 1, operands->items + 1, talk);
}

int main(int argc, char **argv)
{
	struct talk talk;

	process_fill_stdio();
	process_raise_fd_limit();
	talk_init(&talk);
	size_t count = argc > 0 ? (size_t)argc - 1 : 0;
	int status = run(COMMAND_main, count, (const char *const *)argv + 1, &talk);
	talk_release(&talk);
	return status;
}
