/* SPDX-License-Identifier: MIT */
/*
 * weir sum: options -> source, sink and job -> lines, warnings, an exit status.
 *
 * There is one job, or with --check one for each manifest; all write to one
 * output, which is committed when every job has ended well. Read from the
 * bottom: cmd_sum() is the whole of it.
 */
#include "command.h"

#include "base/clock.h"
#include "base/units.h"
#include "conflicts.h"
#include "digests.h"
#include "progress.h"
#include "relay.h"
#include "report.h"
#include "signals.h"
#include "visible.h"

#include <weir/weir.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long an interrupted job may take to end before it is left behind. */
#define PATIENCE_NS (2 * NS_PER_S)

struct sum {
	const struct options *options;
	struct talk *talk;
	uint32_t digests; /* that were asked for; none: by default */
	struct weir_output *output;
	const char *output_name;
	bool is_drawing; /* progress */
	bool is_held;    /* the talk, while records are written: see relay.h */

	struct weir_stats total;
	bool has_failures;    /* a file failed or differs */
	bool is_unusable;     /* nothing more can be done */
	bool has_lost_reader; /* of the output, a pipe */
	uint64_t md5_matched, md5_differing;
};

/* What one job needs. */
struct task {
	struct sum *sum;
	struct weir_source *source;
	struct weir_sink *sink;
	struct relay relay;
	struct weir_job *job;
	uint64_t failures; /* errors of files; lines that cannot be understood are not among them */
};

/* Words. */

/* "weir: NAME: OPERATION: REASON" */
static void say_error(struct sum *sum, const char *name, size_t name_len,
		      const struct weir_error *error, bool is_held)
{
	char words[512];
	struct str line = STR_INIT;

	str_append_text(&line, "weir: ");
	if (name) {
		talk_append_name(sum->talk, &line, name, name_len);
		str_append_text(&line, ": ");
	}
	str_append_text(&line, weir_error_format(error, words, sizeof(words)));
	str_append_byte(&line, '\n');
	if (is_held)
		talk_write_held(sum->talk, &line);
	else
		talk_write(sum->talk, &line);
	str_release(&line);
}

/* "weir: NAME: WORDS" */
static void say_of(struct sum *sum, const char *name, const char *words)
{
	struct str line = STR_INIT;
	str_append_text(&line, "weir: ");
	talk_append_name(sum->talk, &line, name, strlen(name));
	str_printf(&line, ": %s\n", words);
	talk_write(sum->talk, &line);
	str_release(&line);
}

static void say_lost_reader(struct sum *sum)
{
	char files[UNITS_TEXT_BYTES], words[UNITS_TEXT_BYTES + 64];
	sum->has_lost_reader = true;
	snprintf(words, sizeof(words), "closed by its reader after %s file%s",
		 units_format_count(sum->total.files_done, files),
		 sum->total.files_done == 1 ? "" : "s");
	say_of(sum, sum->output_name, words);
}

/* An error that ends everything. */
static void say_fatal(struct sum *sum, const char *name, const struct weir_error *error)
{
	sum->is_unusable = true;
	if (error->code == -EPIPE && error->op == WEIR_OP_WRITE)
		say_lost_reader(sum);
	else if (error->path)
		say_error(sum, error->path, error->path_len_bytes, error, false);
	else
		say_error(sum, name, name ? strlen(name) : 0, error, false);
}

static void on_error(void *ctx, const struct weir_record *record)
{
	struct task *task = ctx;
	const struct options *options = task->sum->options;

	if (options->check && record->error->op == WEIR_OP_PARSE) {
		if (!options->warn)
			return;
	} else {
		task->failures++;
	}
	/* The check sink says "FAILED" of these where the other results stand. */
	if (record->error->op == WEIR_OP_VERIFY)
		return;
	say_error(task->sum, record->path, record->path_len_bytes, record->error,
		  task->sum->is_held);
}

/* Counts what a hint at the end may have to explain. */
static void see_record(void *ctx, const struct weir_record *record)
{
	struct sum *sum = ctx;
	const struct weir_expectation *expected = record->expected;

	if (!expected || expected->digests_count != 1 || record->digests_count == 0 ||
	    !(expected->digests[0].candidates & WEIR_DIGEST_BIT(WEIR_MD5)))
		return;
	if (record->is_match)
		sum->md5_matched++;
	else
		sum->md5_differing++;
}

/* Checking what was asked for. */

/* Each alone, so that the message can name the one that is malformed. */
static bool globs_are_malformed(const struct option_list *globs, struct str *error)
{
	static const char *const anywhere[] = {"."};
	for (size_t i = 0; i < globs->count; i++) {
		struct weir_source *source = NULL;
		struct weir_source_options one = WEIR_OPTS(
			weir_source_options, .includes = &globs->items[i], .includes_count = 1);
		int err = weir_source_new_paths(anywhere, 1, &one, &source);
		weir_source_free(source);
		if (err != -EINVAL)
			continue;
		str_append_text(error, "'");
		visible_append(error, globs->items[i], strlen(globs->items[i]));
		str_append_text(error, "' is not a well-formed glob");
		return true;
	}
	return false;
}

/* False, and a sentence in error, if the options are no meaningful order. */
static bool options_are_sound(struct sum *sum, struct str *error)
{
	const struct options *options = sum->options;
	return !conflicts_find(options, isatty(STDIN_FILENO), error) &&
	       !digests_parse(&options->algorithms, &sum->digests, error) &&
	       !globs_are_malformed(&options->includes, error) &&
	       !globs_are_malformed(&options->excludes, error);
}

/* Running a job. */

static void draw(struct sum *sum, struct progress *progress, const struct weir_stats *stats)
{
	struct str line = STR_INIT;
	progress_append(progress, stats, clock_monotonic_ns(), &line);
	if (!line.err && stats->elapsed_ns >= PROGRESS_PATIENCE_NS)
		talk_draw(sum->talk, line.buf);
	str_release(&line);
}

/* As weir_job_wait(); 1 if an interrupted job does not end. */
static int wait_and_draw(struct sum *sum, struct weir_job *job)
{
	struct progress progress;
	uint64_t deadline_ns = 0; /* 0: not interrupted */

	progress_init(&progress);
	for (;;) {
		int err = weir_job_wait(job, PROGRESS_INTERVAL_NS);
		if (err <= 0)
			return err;
		uint64_t now_ns = clock_monotonic_ns();
		if (signals_caught() && !deadline_ns)
			deadline_ns = now_ns + PATIENCE_NS;
		if (deadline_ns && now_ns >= deadline_ns)
			return 1;
		if (sum->is_drawing) {
			struct weir_stats stats = {.size = sizeof(stats)};
			weir_job_stats(job, &stats);
			draw(sum, &progress, &stats);
		}
	}
}

static void say_end(struct task *task, int err)
{
	struct sum *sum = task->sum;
	const struct weir_error *error = weir_job_error(task->job);
	struct weir_error plain = {.code = err};

	if (!error || !error->code)
		error = &plain;
	say_fatal(sum, error->op == WEIR_OP_WRITE ? sum->output_name : NULL, error);
}

static void say_interrupted(struct sum *sum)
{
	char files[UNITS_TEXT_BYTES], bytes[UNITS_TEXT_BYTES];
	const struct weir_stats *total = &sum->total;
	struct str line = STR_INIT;

	str_printf(&line, "weir: interrupted after %s file%s, %s",
		   units_format_count(total->files_done, files), total->files_done == 1 ? "" : "s",
		   units_format_bytes(total->read_bytes + total->hole_bytes, bytes));
	if (sum->options->output) {
		str_append_text(&line, "; ");
		talk_append_name(sum->talk, &line, sum->output_name, strlen(sum->output_name));
		str_append_text(&line, " was not written");
	}
	str_append_byte(&line, '\n');
	talk_write(sum->talk, &line);
	str_release(&line);
}

/*
 * For a job that was cancelled and does not end, such as one that waits for a
 * file server that is gone: nothing that its threads may use is freed.
 */
static _Noreturn void leave_behind(struct task *task)
{
	relay_close(&task->relay);
	weir_output_discard(task->sum->output);
	say_interrupted(task->sum);
	signals_die_of(signals_caught());
}

/* To the end of the job, however it ends; its counters are added to the total. */
static int run_job(struct task *task)
{
	struct sum *sum = task->sum;
	struct weir_stats stats = {.size = sizeof(stats)};

	signals_watch(task->job);
	int err = weir_job_start(task->job);
	if (!err)
		err = wait_and_draw(sum, task->job);
	signals_watch(NULL);
	talk_wipe(sum->talk);
	weir_job_stats(task->job, &stats);
	report_add(&sum->total, &stats);
	if (err > 0)
		leave_behind(task);
	if (task->failures)
		sum->has_failures = true;
	return err;
}

/* With --check the manifests tell which. */
static uint32_t digests_to_compute(const struct sum *sum)
{
	if (sum->options->check)
		return 0;
	return sum->digests ? sum->digests : WEIR_DIGEST_BIT(WEIR_BLAKE3);
}

/* Takes a source and a sink to their job and runs it; sets what the exit status needs. */
static void run(struct task *task)
{
	struct sum *sum = task->sum;
	const struct options *options = sum->options;
	struct weir_error error = {0};
	struct weir_job_options job_options =
		WEIR_OPTS(weir_job_options, .digests = digests_to_compute(sum),
			  .unordered = options->unordered,
			  .limits = &WEIR_OPTS(weir_limits, .jobs = options->jobs,
					       .max_fds = options->max_fds,
					       .max_memory_bytes = options->max_memory_bytes,
					       .rate_bytes_per_s = options->rate_bytes_per_s),
			  .own_output = sum->output);

	relay_init(&task->relay, task->sink);
	task->relay.see = see_record;
	task->relay.ctx = sum;
	task->relay.talk = sum->talk;
	task->relay.terminal = sum->is_held ? sum->output : NULL;

	int err = weir_job_new(task->source, &task->relay.sink, &job_options, &task->job, &error);
	if (err) {
		error.code = error.code ? error.code : err;
		say_fatal(sum, NULL, &error);
		return;
	}
	err = run_job(task);
	if (err && !signals_caught())
		say_end(task, err);
}

static void task_release(struct task *task)
{
	weir_job_free(task->job);
	weir_sink_free(task->sink);
	weir_source_free(task->source);
}

/* Opens a list or a manifest; "-" is standard input. */
static int open_input(struct sum *sum, const char *path)
{
	if (!strcmp(path, "-"))
		return STDIN_FILENO;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return fd;
	struct weir_error error = {.code = -errno, .op = WEIR_OP_OPEN};
	if (!signals_caught())
		say_error(sum, path, strlen(path), &error, false);
	return error.code;
}

static void close_input(int fd)
{
	if (fd > STDIN_FILENO)
		close(fd);
}

/* The name of an input in messages. */
static const char *input_name(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

/* Computing. */

static int new_source(struct sum *sum, int list_fd, struct weir_source **ret_source)
{
	static const char *const standard_input[] = {"-"};
	const struct options *options = sum->options;
	const struct option_list *paths = &options->operands;
	struct weir_source_options source_options = WEIR_OPTS(
		weir_source_options, .follow_symlinks = options->dereference,
		.one_file_system = options->one_file_system, .unsorted = options->unordered,
		.includes = options->includes.items, .includes_count = options->includes.count,
		.excludes = options->excludes.items, .excludes_count = options->excludes.count,
		.min_size_bytes = options->min_size_bytes,
		.max_size_bytes = options->max_size_bytes,
		.has_max_size = options->given[OPTION_max_size_bytes]);

	if (options->files0_from)
		return weir_source_new_list(list_fd, input_name(options->files0_from),
					    &source_options, ret_source);
	if (paths->count == 0)
		return weir_source_new_paths(standard_input, 1, &source_options, ret_source);
	return weir_source_new_paths(paths->items, paths->count, &source_options, ret_source);
}

static void compute(struct sum *sum)
{
	const struct options *options = sum->options;
	struct task task = {.sum = sum};
	struct weir_manifest_format format =
		WEIR_OPTS(weir_manifest_format, .tagged = options->tag, .zero = options->zero,
			  .json = options->json);

	int list_fd = options->files0_from ? open_input(sum, options->files0_from) : -1;
	if (options->files0_from && list_fd < 0) {
		sum->is_unusable = true;
		return;
	}
	int err = new_source(sum, list_fd, &task.source);
	if (!err)
		err = weir_sink_new_manifest(sum->output, &format, on_error, &task, &task.sink);
	if (err) {
		struct weir_error error = {.code = err, .op = WEIR_OP_START};
		say_fatal(sum, NULL, &error);
	} else {
		run(&task);
	}
	task_release(&task);
	close_input(list_fd);
}

/* Verifying. */

/* "WARNING: 2 lines are improperly formatted" */
static void warn_of(struct sum *sum, uint64_t count, const char *singular, const char *plural)
{
	char text[UNITS_TEXT_BYTES];
	if (count)
		talk_say(sum->talk, "WARNING: %s %s", units_format_count(count, text),
			 count == 1 ? singular : plural);
}

/* What the coreutils say after a manifest, in their words. */
static void judge(struct sum *sum, const char *name, const struct weir_check_counts *counts)
{
	const struct options *options = sum->options;
	uint64_t unreadable = counts->unreadable + (options->ignore_missing ? 0 : counts->missing);
	uint64_t proper =
		counts->matched + counts->differing + counts->unreadable + counts->missing;

	if (!counts->matched || counts->differing || unreadable ||
	    (options->strict && counts->malformed))
		sum->has_failures = true;
	if (!proper) {
		say_of(sum, name, "no properly formatted checksum lines found");
		return;
	}
	if (options->status)
		return;
	warn_of(sum, counts->malformed, "line is improperly formatted",
		"lines are improperly formatted");
	warn_of(sum, unreadable, "listed file could not be read", "listed files could not be read");
	warn_of(sum, counts->differing, "computed checksum did NOT match",
		"computed checksums did NOT match");
	if (options->ignore_missing && !counts->matched)
		say_of(sum, name, "no file was verified");
}

static void check_manifest(struct sum *sum, const char *path)
{
	const struct options *options = sum->options;
	const char *name = input_name(path);
	struct task task = {.sum = sum};
	struct weir_manifest_options source_options =
		WEIR_OPTS(weir_manifest_options, .digests = sum->digests,
			  .ignore_missing = options->ignore_missing);
	struct weir_check_format format =
		WEIR_OPTS(weir_check_format, .quiet = options->quiet, .status = options->status,
			  .json = options->json, .zero = options->zero);

	int fd = open_input(sum, path);
	if (fd < 0) {
		sum->has_failures = true;
		return;
	}
	int err = weir_source_new_manifest(fd, name, &source_options, &task.source);
	if (!err)
		err = weir_sink_new_check(sum->output, &format, on_error, &task, &task.sink);
	if (err) {
		struct weir_error error = {.code = err, .op = WEIR_OP_START};
		say_fatal(sum, name, &error);
	} else {
		run(&task);
	}
	if (!sum->is_unusable && !signals_caught()) {
		struct weir_check_counts counts = weir_sink_check_counts(task.sink);
		judge(sum, name, &counts);
	}
	task_release(&task);
	close_input(fd);
}

static void check(struct sum *sum)
{
	static const char *standard_input[] = {"-"};
	struct option_list manifests = sum->options->operands;
	if (manifests.count == 0)
		manifests = (struct option_list){standard_input, 1};

	for (size_t i = 0; i < manifests.count; i++) {
		if (sum->is_unusable || signals_caught())
			return;
		check_manifest(sum, manifests.items[i]);
	}
	if (sum->md5_differing && !sum->md5_matched && !sum->options->status)
		talk_say(sum->talk, "every MD5 differs: if the lines are XXH128, say '-a xxh128'");
}

/* The output. */

static int open_output(struct sum *sum)
{
	const char *path = sum->options->output;
	struct weir_error error = {0};

	if (path && strcmp(path, "-")) {
		sum->output_name = path;
		int err = weir_output_new_file(path, &sum->output, &error);
		if (err) {
			error.code = error.code ? error.code : err;
			say_fatal(sum, path, &error);
		}
		return err;
	}
	sum->output_name = "standard output";
	int err = weir_output_new_fd(STDOUT_FILENO, &sum->output);
	if (err) {
		error = (struct weir_error){.code = err, .op = WEIR_OP_START};
		say_fatal(sum, NULL, &error);
	}
	return err;
}

static void close_output(struct sum *sum)
{
	int err = 0;
	if (sum->options->json && sum->options->stats) {
		struct str record = STR_INIT;
		report_append_json(&record, &sum->total);
		err = record.err;
		if (!err)
			err = weir_output_write(sum->output, record.buf, record.len);
		str_release(&record);
	}
	if (!err)
		err = weir_output_commit(sum->output);
	/* Only closing tells what a file server thinks of it; the descriptor itself stays open. */
	int copy = err ? -1 : dup(STDOUT_FILENO);
	if (copy >= 0 && close(copy))
		err = -errno;
	if (err) {
		struct weir_error error = {.code = err, .op = WEIR_OP_WRITE};
		say_fatal(sum, sum->output_name, &error);
	}
}

static void report(struct sum *sum)
{
	struct str text = STR_INIT;
	if (sum->options->stats)
		report_append_table(&text, &sum->total);
	if (!sum->options->quiet && !sum->options->status)
		report_append_summary(&text, &sum->total);
	talk_write(sum->talk, &text);
	str_release(&text);
}

static int finish(struct sum *sum)
{
	bool is_interrupted = signals_caught();
	if (!sum->is_unusable && !is_interrupted)
		close_output(sum);
	weir_output_free(sum->output);
	if (is_interrupted) {
		say_interrupted(sum);
		signals_die_of(signals_caught());
	}
	if (sum->has_lost_reader)
		signals_die_of(SIGPIPE);
	if (sum->is_unusable)
		return EXIT_UNUSABLE;
	report(sum);
	return sum->has_failures ? EXIT_SOME_FAILED : EXIT_ALL_WELL;
}

static int print_digests(struct talk *talk)
{
	struct str text = STR_INIT;
	digests_append_help(&text);
	int status = command_print(talk, &text);
	str_release(&text);
	return status;
}

static void work(struct sum *sum)
{
	if (open_output(sum))
		return;
	sum->is_held = sum->is_drawing && !sum->options->output && isatty(STDOUT_FILENO);
	if (sum->options->check)
		check(sum);
	else
		compute(sum);
}

int cmd_sum(const struct options *options, struct talk *talk)
{
	struct sum sum = {
		.options = options,
		.talk = talk,
		.total = {.size = sizeof(sum.total)},
		.is_drawing = options->given[OPTION_progress] ? options->progress
							      : progress_is_welcome(STDERR_FILENO),
	};
	struct str error = STR_INIT;

	if (digests_is_help(&options->algorithms))
		return print_digests(talk);
	if (!options_are_sound(&sum, &error)) {
		int status = command_reject(talk, COMMAND_sum, &error);
		str_release(&error);
		return status;
	}
	signals_install();
	work(&sum);
	return finish(&sum);
}
