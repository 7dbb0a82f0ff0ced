/* SPDX-License-Identifier: MIT */
/* Whole jobs: limits, cancelling, stages and sinks of the caller's, files that change. */
#include "../fault/fault.h"
#include "../fault/gather.h"
#include "../fault/scratch.h"
#include "base/clock.h"
#include "base/thread.h"
#include "stage/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <weir/weir.h>

#include <cmocka.h>

/* Of the job in hand: it copies them when it is made. */
static struct weir_limits limits;

#define XXH3 WEIR_DIGEST_BIT(WEIR_XXH3)

/* One job with its sink. */
struct run {
	struct gather gather;
	struct weir_source *source;
	struct weir_job *job;
	struct weir_stats stats;
	int result;
};

static struct weir_job_options options_of(uint32_t jobs)
{
	struct weir_job_options options = WEIR_OPTS(weir_job_options, .digests = XXH3);
	options.limits = &limits;
	limits = WEIR_OPTS(weir_limits, .jobs = jobs, .max_memory_bytes = 16 << 20);
	return options;
}

static void run_new(struct run *run, const char *path, const struct weir_source_options *source,
		    const struct weir_job_options *options)
{
	*run = (struct run){.stats = {.size = sizeof(run->stats)}};
	gather_init(&run->gather, 25000, 4 << 20);
	assert_int_equal(weir_source_new_paths(&path, path ? 1 : 0, source, &run->source), 0);
	assert_int_equal(weir_job_new(run->source, &run->gather.sink, options, &run->job, NULL), 0);
}

static void run_go(struct run *run)
{
	run->result = weir_job_run(run->job);
	weir_job_stats(run->job, &run->stats);
	assert_int_equal(run->gather.finished + run->gather.abandoned, 1);
}

static void run_free(struct run *run)
{
	weir_job_free(run->job);
	weir_source_free(run->source);
	gather_release(&run->gather);
}

static void digest(const void *data, size_t len_bytes, uint8_t out[WEIR_DIGEST_MAX_BYTES])
{
	const struct hash_ops *ops = hash_find(WEIR_XXH3);
	void *state = hash_state_new(ops);
	assert_non_null(state);
	assert_int_equal(ops->init(ops, state), 0);
	assert_int_equal(ops->update(state, data, len_bytes), 0);
	assert_int_equal(ops->final(state, out), 0);
	hash_state_free(ops, state);
}

static void assert_digest_of(const struct gathered *record, const void *data, size_t len_bytes)
{
	uint8_t want[WEIR_DIGEST_MAX_BYTES];
	assert_non_null(record);
	assert_int_equal(record->error.code, 0);
	assert_int_equal(record->digests_count, 1);
	assert_int_equal(record->size_bytes, len_bytes);
	digest(data, len_bytes, want);
	assert_memory_equal(record->digests[0].bytes, want, 8);
}

/* A tree of small files, each of its own length of the pattern. */
static void make_files(const struct scratch *scratch, int folders, int files)
{
	char name[64];
	for (int d = 0; d < folders; d++) {
		snprintf(name, sizeof(name), "d%02d", d);
		scratch_folder(scratch, name);
		for (int i = 0; i < files; i++) {
			snprintf(name, sizeof(name), "d%02d/%04d", d, i);
			scratch_pattern(scratch, name, (size_t)(d * files + i));
		}
	}
	scratch_settle();
}

static void assert_all_files(const struct run *run, int folders, int files, bool is_ordered)
{
	size_t total = (size_t)(folders * files);
	unsigned char *bytes = scratch_bytes(total);
	uint8_t want[WEIR_DIGEST_MAX_BYTES];
	assert_int_equal(run->result, 0);
	assert_int_equal(run->gather.count, total);
	assert_int_equal(run->stats.files_done, total);
	assert_int_equal(run->stats.files_found, total);
	assert_int_equal(run->stats.errors, 0);
	for (size_t i = 0; i < total; i++) {
		const struct gathered *r = &run->gather.records[i];
		assert_int_equal(r->error.code, 0);
		digest(bytes, r->size_bytes, want);
		assert_memory_equal(r->digests[0].bytes, want, 8);
		if (is_ordered)
			assert_int_equal(r->size_bytes, i);
	}
	free(bytes);
}

static void test_limits(void **state)
{
	static const struct {
		uint32_t jobs, walkers, more_fds;
		uint64_t memory_bytes;
	} cases[] = {
		{1, 1, 2, 1 << 20},  {4, 2, 2, 1 << 20},    {4, 2, 5, 1 << 20},
		{8, 4, 3, 64 << 20}, {2, 2, 200, 64 << 20},
	};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	make_files(&scratch, 8, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int unordered = 0; unordered < 2; unordered++) {
			struct run run;
			struct weir_job_options options = options_of(cases[i].jobs);
			options.unordered = unordered;
			limits.walkers = cases[i].walkers;
			limits.max_memory_bytes = cases[i].memory_bytes;
			limits.max_fds = (uint32_t)scratch_count_fds() + cases[i].more_fds;
			fault_install();
			run_new(&run, scratch.path, NULL, &options);
			run_go(&run);
			assert_all_files(&run, 8, 100, !unordered);
			assert_true(fault_fds_peak() <= (int)cases[i].more_fds);
			assert_true(run.stats.fds_peak <= run.stats.fds_max);
			assert_true(run.stats.inflight_peak_bytes <= run.stats.inflight_max_bytes);
			run_free(&run);
			assert_int_equal(fault_fds_open(), 0);
			fault_uninstall();
		}
	}
	scratch_free(&scratch);
}

static void test_limits_that_are_refused(void **state)
{
	struct weir_source *source;
	struct weir_job *job = NULL;
	struct gather gather;
	struct weir_error error;
	(void)state;
	gather_init(&gather, 1, 100);
	assert_int_equal(weir_source_new_paths(NULL, 0, NULL, &source), 0);
	struct weir_job_options options = options_of(1);
	limits.max_fds = (uint32_t)scratch_count_fds() + 1;
	assert_int_equal(weir_job_new(source, &gather.sink, &options, &job, &error), -EMFILE);
	assert_int_equal(error.code, -EMFILE);
	assert_non_null(error.hint);
	options = options_of(1);
	limits.max_memory_bytes = 1000;
	assert_int_equal(weir_job_new(source, &gather.sink, &options, &job, &error), -EINVAL);
	options = options_of(1);
	options.digests = UINT32_C(1) << 31;
	assert_int_equal(weir_job_new(source, &gather.sink, &options, &job, &error), -EINVAL);
	options.size = 10000;
	assert_int_equal(weir_job_new(source, &gather.sink, &options, &job, NULL), -EINVAL);
	assert_null(job);
	weir_job_free(NULL);
	weir_source_free(source);
	gather_release(&gather);
}

/* Nothing to do is done well; a job that is never started is freed. */
static void test_empty(void **state)
{
	struct run run;
	struct weir_job_options options = options_of(2);
	(void)state;
	run_new(&run, NULL, NULL, &options);
	run_go(&run);
	assert_int_equal(run.result, 0);
	assert_int_equal(run.gather.count, 0);
	assert_int_equal(run.gather.finished, 1);
	run_free(&run);
	run_new(&run, NULL, NULL, &options);
	weir_job_stats(run.job, &run.stats);
	assert_int_equal(run.stats.files_done, 0);
	run_free(&run);
}

/* 300 levels of 200 bytes, with one descriptor. */
static void test_deep_tree(void **state)
{
	struct scratch scratch;
	struct run run;
	char name[201];
	(void)state;
	memset(name, 'n', 200);
	name[200] = '\0';
	scratch_new(&scratch, NULL);
	int fd = dup(scratch.fd);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(fd, name, 0700), 0);
		int next = openat(fd, name, O_PATH | O_CLOEXEC);
		close(fd);
		fd = next;
		int file = openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(file, &i, sizeof(i)), sizeof(i));
		close(file);
	}
	close(fd);
	scratch_settle();
	for (uint32_t more = 2; more < 20; more += 15) {
		struct weir_job_options options = options_of(2);
		limits.max_fds = (uint32_t)scratch_count_fds() + more;
		fault_install();
		run_new(&run, scratch.path, NULL, &options);
		/* Paths of 30 KiB on average. */
		gather_release(&run.gather);
		gather_init(&run.gather, 300, 300 * 61000);
		run_go(&run);
		assert_int_equal(run.result, 0);
		assert_int_equal(run.gather.count, 300);
		for (int i = 0; i < 300; i++)
			assert_digest_of(&run.gather.records[i], &i, sizeof(i));
		assert_true(fault_fds_peak() <= (int)more);
		run_free(&run);
		fault_uninstall();
	}
	scratch_free(&scratch);
}

/* Endings. */

struct trigger {
	struct weir_job *job;
	size_t at;
	bool by_signal;
};

static struct weir_job *job_of_signal;

static void on_signal(int signal)
{
	(void)signal;
	weir_job_cancel(job_of_signal);
}

static void cancel_at(struct gather *gather, void *ctx)
{
	const struct trigger *trigger = ctx;
	if (gather->count != trigger->at)
		return;
	if (trigger->by_signal)
		kill(getpid(), SIGUSR1);
	else
		weir_job_cancel(trigger->job);
}

static void test_cancel(void **state)
{
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	make_files(&scratch, 10, 100);
	signal(SIGUSR1, on_signal);
	for (size_t at = 0; at < 900; at += 60) {
		struct run run;
		struct weir_job_options options = options_of(1 + at % 4);
		run_new(&run, scratch.path, NULL, &options);
		struct trigger trigger = {run.job, at, at % 120};
		job_of_signal = run.job;
		run.gather.on_put = cancel_at;
		run.gather.ctx = &trigger;
		run_go(&run);
		/* The signal may come to the waiting thread a little later, even too late. */
		if (run.result || !trigger.by_signal) {
			assert_int_equal(run.result, -ECANCELED);
			assert_int_equal(run.gather.abandoned, 1);
			assert_int_equal(weir_job_error(run.job)->code, 0);
		}
		run_free(&run);
	}
	signal(SIGUSR1, SIG_DFL);
	scratch_free(&scratch);
}

static void cancel_soon(void *arg)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	weir_job_cancel(arg);
}

/* Workers that wait for the rate, for a FIFO, for nothing at all: all are woken. */
static void test_cancel_those_who_wait(void **state)
{
	struct scratch scratch;
	struct thread thread;
	(void)state;
	scratch_new(&scratch, NULL);
	make_files(&scratch, 2, 30);
	assert_int_equal(mkfifoat(scratch.fd, "fifo", 0600), 0);
	for (int kind = 0; kind < 2; kind++) {
		struct run run;
		struct weir_job_options options = options_of(3);
		if (kind == 0)
			limits.rate_bytes_per_s = 1;
		run_new(&run, kind ? scratch_path(&scratch, "fifo") : scratch.path, NULL, &options);
		assert_int_equal(weir_job_start(run.job), 0);
		assert_int_equal(weir_job_wait(run.job, NS_PER_MS), 1);
		assert_int_equal(thread_start(&thread, "cancel", cancel_soon, run.job), 0);
		assert_int_equal(weir_job_wait(run.job, WEIR_FOREVER_NS), -ECANCELED);
		assert_int_equal(weir_job_wait(run.job, 0), -ECANCELED);
		thread_join(&thread);
		run_free(&run);

		/* Freed in the middle. */
		run_new(&run, kind ? scratch_path(&scratch, "fifo") : scratch.path, NULL, &options);
		assert_int_equal(weir_job_start(run.job), 0);
		run_free(&run);
	}
	scratch_free(&scratch);
}

static void test_sink_fails(void **state)
{
	static const int errors[] = {-ENOSPC, -ETIMEDOUT, -ECANCELED};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	make_files(&scratch, 5, 50);
	for (size_t at = 1; at < 250; at += 31) {
		for (int unordered = 0; unordered < 2; unordered++) {
			struct run run;
			struct weir_job_options options = options_of(3);
			options.unordered = unordered;
			run_new(&run, scratch.path, NULL, &options);
			run.gather.fail_at = at;
			run.gather.fail_err = errors[at % 3];
			run_go(&run);
			assert_int_equal(run.result, errors[at % 3]);
			assert_int_equal(run.gather.count, at - 1);
			assert_int_equal(run.gather.abandoned, 1);
			const struct weir_error *error = weir_job_error(run.job);
			assert_int_equal(error->code, errors[at % 3]);
			assert_int_equal(error->op, WEIR_OP_WRITE);
			assert_string_equal(error->stage, "gather");
			run_free(&run);
		}
	}
	struct run run;
	struct weir_job_options options = options_of(2);
	run_new(&run, scratch.path, NULL, &options);
	run.gather.finish_err = -EIO;
	run_go(&run);
	assert_int_equal(run.result, -EIO);
	assert_int_equal(run.gather.finished, 1);
	run_free(&run);
	scratch_free(&scratch);
}

/* Stages of the caller's. */

struct watched {
	uint64_t begun, ended, bytes, wrong;
	atomic_ullong files, total_bytes, holes;
	int fail_begin, fail_chunk, fail_end;
	void (*in_chunk)(struct watched *watched, const struct weir_chunk *chunk);
	const struct scratch *scratch;
	void *ctx;
};

struct watch_state {
	uint64_t at;
	uint64_t is_begun;
};

static int watch_begin(void *state, void *ctx)
{
	struct watch_state *s = state;
	struct watched *w = ctx;
	s->at = 0;
	s->is_begun = 1;
	return w->fail_begin;
}

static int watch_chunk(void *state, void *ctx, const struct weir_chunk *chunk)
{
	struct watch_state *s = state;
	struct watched *w = ctx;
	if (!s->is_begun || chunk->offset_bytes != s->at || !chunk->len_bytes)
		abort();
	if (w->in_chunk)
		w->in_chunk(w, chunk);
	const unsigned char *data = chunk->data;
	for (size_t i = 0; i < chunk->len_bytes; i++)
		if (data[i] != (chunk->is_hole ? 0 : scratch_byte(s->at + i)))
			__atomic_fetch_add(&w->wrong, 1, __ATOMIC_RELAXED);
	if (chunk->is_hole)
		atomic_fetch_add(&w->holes, chunk->len_bytes);
	s->at += chunk->len_bytes;
	return s->at > 1000 ? w->fail_chunk : 0;
}

static int watch_end(void *state, void *ctx, const char *path, size_t path_len_bytes)
{
	struct watch_state *s = state;
	struct watched *w = ctx;
	if (!s->is_begun || strlen(path) != path_len_bytes)
		abort();
	s->is_begun = 0;
	atomic_fetch_add(&w->files, 1);
	atomic_fetch_add(&w->total_bytes, s->at);
	return w->fail_end;
}

static void run_watched(struct run *run, const char *path, struct watched *watched, uint32_t jobs,
			uint64_t rate)
{
	const struct weir_stage stage = {
		.name = "watch",
		.state_bytes = sizeof(struct watch_state),
		.begin = watch_begin,
		.chunk = watch_chunk,
		.end = watch_end,
		.ctx = watched,
	};
	const struct weir_stage *const stages[] = {&stage};
	struct weir_job_options options = options_of(jobs);
	options.stages = stages;
	options.stages_count = 1;
	limits.rate_bytes_per_s = rate;
	run_new(run, path, NULL, &options);
	run_go(run);
}

static void test_stage_sees_every_byte(void **state)
{
	struct scratch scratch;
	struct watched watched = {0};
	struct run run;
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_pattern(&scratch, "large", 5000001);
	scratch_pattern(&scratch, "small", 777);
	scratch_file(&scratch, "empty", "", 0);
	assert_int_equal(linkat(scratch.fd, "small", scratch.fd, "small2", 0), 0);
	int fd = openat(scratch.fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 9000000), 0);
	bool has_holes = lseek(fd, 0, SEEK_DATA) < 0;
	close(fd);
	if (!has_holes)
		unlinkat(scratch.fd, "sparse", 0);
	run_watched(&run, scratch.path, &watched, 3, 0);
	assert_int_equal(run.result, 0);
	assert_int_equal(gather_errors(&run.gather), 0);
	assert_int_equal(watched.wrong, 0);
	assert_int_equal(atomic_load(&watched.files), has_holes ? 5 : 4);
	assert_int_equal(atomic_load(&watched.total_bytes),
			 5000001 + 2 * 777 + (has_holes ? 9000000 : 0));
	assert_int_equal(run.stats.hole_bytes, atomic_load(&watched.holes));
	assert_int_equal(run.stats.read_bytes, 5000001 + 2 * 777);
	run_free(&run);
	scratch_free(&scratch);
}

/* -ECANCELED is an error like any other if nobody has cancelled. */
static void test_stage_fails(void **state)
{
	static const int errors[] = {-EIO, -EPROTO, -ECANCELED};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_pattern(&scratch, "a", 100);
	scratch_pattern(&scratch, "b", 600000);
	scratch_settle();
	for (int where = 0; where < 3; where++) {
		for (int e = 0; e < 3; e++) {
			struct watched watched = {0};
			struct run run;
			int *const fails[] = {&watched.fail_begin, &watched.fail_chunk,
					      &watched.fail_end};
			*fails[where] = errors[e];
			run_watched(&run, scratch.path, &watched, 2, 0);
			assert_int_equal(run.result, 0);
			assert_int_equal(run.gather.count, 2);
			const struct gathered *b = &run.gather.records[1];
			assert_int_equal(b->error.code, errors[e]);
			assert_int_equal(b->digests_count, 0);
			if (errors[e] != -ECANCELED) {
				assert_int_equal(b->error.op, WEIR_OP_PROCESS);
				assert_string_equal(b->error.stage, "watch");
			}
			assert_int_equal(run.gather.records[0].error.code,
					 where == 1 ? 0 : errors[e]);
			run_free(&run);
		}
	}
	scratch_free(&scratch);
}

/* Files that change while they are read: the stage is where the test lays hands on them. */

#define CHANGING_BYTES 1500000

static void grow(struct watched *w, const struct weir_chunk *chunk)
{
	int fd = openat(w->scratch->fd, "file", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (chunk->offset_bytes == 0 && write(fd, "more", 4) != 4)
		abort();
	close(fd);
}

static void shrink(struct watched *w, const struct weir_chunk *chunk)
{
	int fd = openat(w->scratch->fd, "file", O_WRONLY | O_CLOEXEC);
	if (chunk->offset_bytes == 0 && ftruncate(fd, CHANGING_BYTES - 10))
		abort();
	close(fd);
}

static void empty(struct watched *w, const struct weir_chunk *chunk)
{
	int fd = openat(w->scratch->fd, "file", O_WRONLY | O_CLOEXEC);
	if (chunk->offset_bytes == 0 && ftruncate(fd, 0))
		abort();
	close(fd);
}

/* The same size, in a part that has been read already. */
static void rewrite(struct watched *w, const struct weir_chunk *chunk)
{
	int fd = openat(w->scratch->fd, "file", O_WRONLY | O_CLOEXEC);
	if (chunk->offset_bytes == 0 && pwrite(fd, "x", 1, 10) != 1)
		abort();
	close(fd);
}

/* The same size and the mtime put back: the ctime tells. */
static void rewrite_in_secret(struct watched *w, const struct weir_chunk *chunk)
{
	struct stat st;
	if (chunk->offset_bytes)
		return;
	int fd = openat(w->scratch->fd, "file", O_WRONLY | O_CLOEXEC);
	if (fstat(fd, &st) || pwrite(fd, "x", 1, 10) != 1 ||
	    futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}))
		abort();
	close(fd);
}

static void write_the_last_chunk(struct watched *w, const struct weir_chunk *chunk)
{
	if (chunk->offset_bytes + chunk->len_bytes < CHANGING_BYTES)
		return;
	int fd = openat(w->scratch->fd, "file", O_WRONLY | O_CLOEXEC);
	if (pwrite(fd, "x", 1, CHANGING_BYTES - 1) != 1)
		abort();
	close(fd);
}

static void test_files_that_change(void **state)
{
	static void (*const changes[])(struct watched *, const struct weir_chunk *) = {
		grow, shrink, empty, rewrite, rewrite_in_secret, write_the_last_chunk,
	};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		/* Also just after it was written, when the time stamps are of the same tick. */
		for (int is_fresh = 0; is_fresh < 2; is_fresh++) {
			struct watched watched = {.scratch = &scratch, .in_chunk = changes[i]};
			struct run run;
			scratch_pattern(&scratch, "file", CHANGING_BYTES);
			if (!is_fresh)
				scratch_settle();
			run_watched(&run, scratch_path(&scratch, "file"), &watched, 1, 0);
			assert_int_equal(run.result, 0);
			assert_int_equal(run.gather.count, 1);
			assert_int_equal(run.gather.records[0].error.code, -ESTALE);
			assert_int_equal(run.gather.records[0].error.op, WEIR_OP_COMPARE);
			assert_non_null(run.gather.records[0].error.hint);
			assert_int_equal(run.gather.records[0].digests_count, 0);
			assert_int_equal(run.stats.files_changed, 1);
			assert_int_equal(run.stats.files_failed, 1);
			run_free(&run);
			unlinkat(scratch.fd, "file", 0);
		}
	}
	scratch_free(&scratch);
}

/*
 * A file that was written a moment ago is not read before a further write would
 * move its time stamps, on whatever kernel.
 */
struct age {
	const struct scratch *scratch;
	int64_t when_read_ns;
};

static int64_t age_of_file_ns(const struct scratch *scratch)
{
	struct stat st;
	if (fstatat(scratch->fd, "file", &st, 0))
		abort();
	return clock_realtime_coarse_ns() -
	       (st.st_ctim.tv_sec * (int64_t)NS_PER_S + st.st_ctim.tv_nsec);
}

static void note_age(void *ctx, uint64_t number, const char *path)
{
	struct age *age = ctx;
	(void)path;
	if (number == 1)
		age->when_read_ns = age_of_file_ns(age->scratch);
}

static void test_a_fresh_file_is_left_alone(void **state)
{
	struct scratch scratch;
	struct run run;
	struct weir_job_options options = options_of(1);
	(void)state;
	scratch_new(&scratch, NULL);
	struct age age = {.scratch = &scratch, .when_read_ns = -1};
	fault_install();
	fault_watch(FAULT_PREAD, note_age, &age);
	run_new(&run, scratch_path(&scratch, "file"), NULL, &options);
	scratch_pattern(&scratch, "file", 1000);
	bool is_stamped_coarsely = age_of_file_ns(&scratch) >= 0;
	run_go(&run);
	fault_uninstall();
	assert_int_equal(run.gather.records[0].error.code, 0);
	if (is_stamped_coarsely)
		assert_true(age.when_read_ns >= 20 * (int64_t)NS_PER_MS);
	run_free(&run);
	scratch_free(&scratch);
}

/* A file that is replaced by another while it is read is still what was opened. */
static void replace(struct watched *w, const struct weir_chunk *chunk)
{
	if (chunk->offset_bytes == 0)
		scratch_file(w->scratch, "other", "other", 5);
}

static void test_an_unrelated_change(void **state)
{
	struct scratch scratch;
	struct watched watched = {.scratch = &scratch, .in_chunk = replace};
	struct run run;
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_pattern(&scratch, "file", CHANGING_BYTES);
	run_watched(&run, scratch_path(&scratch, "file"), &watched, 1, 0);
	unsigned char *bytes = scratch_bytes(CHANGING_BYTES);
	assert_digest_of(&run.gather.records[0], bytes, CHANGING_BYTES);
	free(bytes);
	run_free(&run);
	scratch_free(&scratch);
}

/* A name that is swapped for a link between its reading and its opening. */
static void swap_for_link(void *ctx, uint64_t number, const char *path)
{
	const struct scratch *scratch = ctx;
	(void)number;
	/* The folder is at its end. */
	if (number != 2 || path)
		return;
	if (unlinkat(scratch->fd, "b", 0) || symlinkat("a", scratch->fd, "b"))
		abort();
}

static void test_file_becomes_link(void **state)
{
	struct scratch scratch;
	struct run run;
	struct weir_job_options options = options_of(1);
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_pattern(&scratch, "a", 10);
	scratch_pattern(&scratch, "b", 20);
	fault_install();
	run_new(&run, scratch.path, NULL, &options);
	fault_install();
	fault_watch(FAULT_GETDENTS, swap_for_link, &scratch);
	run_go(&run);
	fault_uninstall();
	assert_int_equal(run.gather.count, 2);
	assert_int_equal(run.gather.records[0].error.code, 0);
	assert_int_equal(run.gather.records[1].error.code, -ELOOP);
	assert_int_equal(run.gather.records[1].error.op, WEIR_OP_OPEN);
	run_free(&run);
	scratch_free(&scratch);
}

/* Files that the kernel makes up, whose sizes say nothing. */
static void test_made_up_files(void **state)
{
	static const char *const paths[] = {"/proc/self/limits", "/proc/version",
					    "/sys/kernel/mm/transparent_hugepage/enabled",
					    "/proc/self/status"};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		static char text[65536];
		struct run run;
		struct weir_job_options options = options_of(1);
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ssize_t len = read(fd, text, sizeof(text));
		close(fd);
		assert_true(len > 0);
		run_new(&run, paths[i], NULL, &options);
		run_go(&run);
		assert_int_equal(run.gather.count, 1);
		assert_int_equal(run.gather.records[0].error.code, 0);
		assert_true(run.gather.records[0].size_bytes > 0);
		/* What a process says of itself changes. */
		if (i < 3)
			assert_digest_of(&run.gather.records[0], text, (size_t)len);
		run_free(&run);
	}
}

/* A writer that takes its time, and writes in pieces of its own. */
struct writer {
	const char *path;
	int fd;
	const unsigned char *bytes;
	size_t len_bytes;
};

static void write_slowly(void *arg)
{
	const struct writer *writer = arg;
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	int fd = writer->path ? open(writer->path, O_WRONLY | O_CLOEXEC) : writer->fd;
	if (fd < 0)
		abort();
	for (size_t at = 0; at < writer->len_bytes;) {
		size_t len = writer->len_bytes - at < 70001 ? writer->len_bytes - at : 70001;
		ssize_t n = write(fd, writer->bytes + at, len);
		if (n <= 0)
			abort();
		at += (size_t)n;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	close(fd);
}

static void check_stream(const char *name, struct writer *writer)
{
	struct run run;
	struct thread thread;
	struct weir_job_options options = options_of(2);
	assert_int_equal(thread_start(&thread, "writer", write_slowly, writer), 0);
	run_new(&run, name, NULL, &options);
	run_go(&run);
	thread_join(&thread);
	assert_int_equal(run.result, 0);
	assert_int_equal(run.gather.count, 1);
	assert_digest_of(&run.gather.records[0], writer->bytes, writer->len_bytes);
	run_free(&run);
}

static void test_fifo(void **state)
{
	struct scratch scratch;
	unsigned char *bytes = scratch_bytes(1000000);
	(void)state;
	scratch_new(&scratch, NULL);
	assert_int_equal(mkfifoat(scratch.fd, "fifo", 0600), 0);
	for (size_t len = 0; len <= 1000000; len = len ? len * 1000 : 1) {
		struct writer writer = {scratch_path(&scratch, "fifo"), -1, bytes, len};
		check_stream(scratch_path(&scratch, "fifo"), &writer);
	}
	free(bytes);
	scratch_free(&scratch);
}

static void test_standard_input(void **state)
{
	struct scratch scratch;
	unsigned char *bytes = scratch_bytes(500000);
	int saved = dup(STDIN_FILENO), fds[2];
	(void)state;
	scratch_new(&scratch, NULL);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	struct writer writer = {NULL, fds[1], bytes, 500000};
	check_stream("-", &writer);

	/* A file, from where it stands. */
	scratch_pattern(&scratch, "file", 500000);
	int fd = openat(scratch.fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	assert_int_equal(lseek(STDIN_FILENO, 1000, SEEK_SET), 1000);
	struct run run;
	struct weir_job_options options = options_of(1);
	run_new(&run, "-", NULL, &options);
	run_go(&run);
	assert_digest_of(&run.gather.records[0], bytes + 1000, 499000);
	run_free(&run);
	/* It is still open. */
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD) >= 0, 1);
	dup2(saved, STDIN_FILENO);
	close(saved);
	free(bytes);
	scratch_free(&scratch);
}

/* At 4 MB/s 1.2 MB take at least 0.3 s, in whatever sizes they come. */
static void test_rate(void **state)
{
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_pattern(&scratch, "a", 500000);
	scratch_pattern(&scratch, "b", 600000);
	char name[16];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "small%02d", i);
		scratch_pattern(&scratch, name, 1000);
	}
	scratch_settle();
	struct watched watched = {0};
	struct run run;
	run_watched(&run, scratch.path, &watched, 3, 4000000);
	assert_int_equal(run.result, 0);
	assert_int_equal(run.stats.read_bytes, 1200000);
	assert_true(run.stats.elapsed_ns >= 295 * NS_PER_MS);
	assert_true(run.stats.rate_wait_ns > 0);
	run_free(&run);
	scratch_free(&scratch);
}

/* Many names of one file, in many folders, by many workers: read once, reported for each. */
static void make_links(const struct scratch *scratch, int folders, int names)
{
	char name[64];
	for (int d = 0; d < folders; d++) {
		snprintf(name, sizeof(name), "d%02d", d);
		scratch_folder(scratch, name);
		for (int i = 0; i < names; i++) {
			snprintf(name, sizeof(name), "d%02d/%03d", d, i);
			char target[16];
			snprintf(target, sizeof(target), "t%d", i % 5);
			assert_int_equal(linkat(scratch->fd, target, scratch->fd, name, 0), 0);
		}
	}
	scratch_settle();
}

static void test_hard_links(void **state)
{
	struct scratch scratch;
	unsigned char *bytes = scratch_bytes(300000);
	char name[16];
	(void)state;
	scratch_new(&scratch, NULL);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		scratch_pattern(&scratch, name, 300000 - (size_t)i);
	}
	make_links(&scratch, 5, 40);
	for (int round = 0; round < 12; round++) {
		struct run run;
		struct weir_job_options options = options_of(1 + (uint32_t)round % 6);
		options.keep_hardlinks_apart = round == 11;
		options.unordered = round % 2;
		if (round == 10)
			limits.max_memory_bytes = 1 << 20;
		run_new(&run, scratch.path, NULL, &options);
		run_go(&run);
		assert_int_equal(run.result, 0);
		assert_int_equal(run.gather.count, 205);
		for (size_t i = 0; i < 205; i++) {
			const struct gathered *r = &run.gather.records[i];
			size_t which = (size_t)(r->path[r->path_len_bytes - 1] - '0') % 5;
			assert_digest_of(r, bytes, 300000 - which);
			if (i && !options.unordered)
				assert_true(
					strcmp(run.gather.records[i - 1].path, r->path) < 0 ||
					run.gather.records[i - 1].path[strlen(scratch.path) + 1] ==
						't');
		}
		assert_int_equal(run.stats.files_hardlinks, options.keep_hardlinks_apart ? 0 : 200);
		run_free(&run);
	}
	free(bytes);
	scratch_free(&scratch);
}

/* The owner's reading fails: the other names are read for themselves, and tell their own error. */
static void test_hard_links_of_a_bad_file(void **state)
{
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_pattern(&scratch, "t0", 300000);
	assert_int_equal(linkat(scratch.fd, "t0", scratch.fd, "u", 0), 0);
	assert_int_equal(linkat(scratch.fd, "t0", scratch.fd, "v", 0), 0);
	scratch_settle();
	for (uint64_t count = 1; count < 5; count++) {
		struct run run;
		struct weir_job_options options = options_of(3);
		fault_install();
		fault_set_plan(&(struct fault_plan){FAULT_PREAD, 1, count, EIO});
		run_new(&run, scratch.path, NULL, &options);
		run_go(&run);
		fault_uninstall();
		assert_int_equal(run.result, 0);
		assert_int_equal(run.gather.count, 3);
		assert_int_equal(gather_errors(&run.gather), count < 3 ? count : 3);
		run_free(&run);
	}
	scratch_free(&scratch);
}

/* Asked from outside at any time, the counters never fall. */
struct asker {
	struct weir_job *job;
	atomic_bool is_done;
	bool has_fallen;
};

static void ask(void *arg)
{
	struct asker *asker = arg;
	struct weir_stats last = {.size = sizeof(last)};
	while (!atomic_load(&asker->is_done)) {
		struct weir_stats now = {.size = sizeof(now)};
		weir_job_stats(asker->job, &now);
		asker->has_fallen |=
			now.files_done < last.files_done || now.read_bytes < last.read_bytes ||
			now.files_found < last.files_found || now.opens < last.opens ||
			now.elapsed_ns < last.elapsed_ns ||
			now.inflight_bytes > now.inflight_max_bytes || now.fds > now.fds_max;
		last = now;
	}
}

static void test_stats_from_outside(void **state)
{
	struct scratch scratch;
	struct run run;
	struct thread thread;
	struct weir_job_options options = options_of(3);
	(void)state;
	scratch_new(&scratch, NULL);
	make_files(&scratch, 10, 100);
	run_new(&run, scratch.path, NULL, &options);
	struct asker asker = {.job = run.job};
	assert_int_equal(thread_start(&thread, "ask", ask, &asker), 0);
	run_go(&run);
	atomic_store(&asker.is_done, true);
	thread_join(&thread);
	assert_false(asker.has_fallen);
	assert_all_files(&run, 10, 100, true);
	run_free(&run);

	/* An older program's, shorter struct is filled as far as it goes. */
	run_new(&run, scratch.path, NULL, &options);
	run_go(&run);
	struct weir_stats shorter = {.size = offsetof(struct weir_stats, files_done),
				     .files_done = 77};
	weir_job_stats(run.job, &shorter);
	assert_int_equal(shorter.files_found, 1000);
	assert_int_equal(shorter.files_done, 77);
	run_free(&run);
	scratch_free(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_that_are_refused),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_deep_tree),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_those_who_wait),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_stage_sees_every_byte),
		cmocka_unit_test(test_stage_fails),
		cmocka_unit_test(test_files_that_change),
		cmocka_unit_test(test_a_fresh_file_is_left_alone),
		cmocka_unit_test(test_an_unrelated_change),
		cmocka_unit_test(test_file_becomes_link),
		cmocka_unit_test(test_made_up_files),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_hard_links_of_a_bad_file),
		cmocka_unit_test(test_stats_from_outside),
	};
	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
