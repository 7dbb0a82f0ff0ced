/* SPDX-License-Identifier: MIT */
/*
 * Every system call and every allocation of a job fails once, in turn.
 *
 * A job hashes a small tree that has a bit of everything. It is run once to
 * count its calls; then again for each call that it made and each way in which
 * that call can fail. Whatever happens, the job must
 *
 *	end (a watchdog sees to it), without a crash,
 *	leave no descriptor open and no memory allocated,
 *	never give a wrong digest, and
 *	either give all files, or say of what it could not read that it could not.
 */
#include "../fault/fault.h"
#include "../fault/gather.h"
#include "../fault/scratch.h"
#include "stage/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

#include <cmocka.h>

/* Of the job in hand: it copies them when it is made. */
static struct weir_limits limits;

#define WATCHDOG_S 20
#define RECORDS_MAX 64
#define DIGESTS (WEIR_DIGEST_BIT(WEIR_XXH3) | WEIR_DIGEST_BIT(WEIR_CRC32C))
#define SPARSE_BYTES (1 << 20)

/* The allocator, watched: allocation number alloc_fail_at returns NULL; 0: none does. */

static atomic_ullong alloc_count, alloc_fail_at;
static atomic_llong alloc_live;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int __real_posix_memalign(void **ret, size_t align, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
int __wrap_posix_memalign(void **ret, size_t align, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

static bool alloc_fails(void)
{
	return atomic_fetch_add(&alloc_count, 1) + 1 == atomic_load(&alloc_fail_at);
}

static void *alloc_counted(void *memory)
{
	if (memory)
		atomic_fetch_add(&alloc_live, 1);
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return alloc_fails() ? NULL : alloc_counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return alloc_fails() ? NULL : alloc_counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	if (alloc_fails())
		return NULL;
	void *memory = __real_realloc(old, size);
	return old ? memory : alloc_counted(memory);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return alloc_fails() ? NULL : alloc_counted(__real_aligned_alloc(align, size));
}

int __wrap_posix_memalign(void **ret, size_t align, size_t size)
{
	if (alloc_fails())
		return ENOMEM;
	int err = __real_posix_memalign(ret, align, size);
	if (!err)
		atomic_fetch_add(&alloc_live, 1);
	return err;
}

char *__wrap_strdup(const char *text)
{
	return alloc_fails() ? NULL : alloc_counted(__real_strdup(text));
}

void __wrap_free(void *memory)
{
	if (memory)
		atomic_fetch_sub(&alloc_live, 1);
	__real_free(memory);
}

/* The tree, and what is true of it. */

struct truth {
	const char *name;
	size_t size_bytes;
	uint8_t xxh3[8], crc32c[4];
};

static struct truth truths[] = {
	{.name = "empty", .size_bytes = 0},
	{.name = "one", .size_bytes = 1},
	{.name = "a/below", .size_bytes = (64 << 10) - 1},
	{.name = "a/at", .size_bytes = 64 << 10},
	{.name = "a/above", .size_bytes = (64 << 10) + 1},
	{.name = "a/b/piece-1", .size_bytes = (256 << 10) - 1},
	{.name = "a/b/piece", .size_bytes = 256 << 10},
	{.name = "a/b/piece+1", .size_bytes = (256 << 10) + 1},
	{.name = "link1", .size_bytes = 5000},
	{.name = "a/link2", .size_bytes = 5000},
	{.name = "sparse", .size_bytes = SPARSE_BYTES},
	{.name = "list/named", .size_bytes = 777},
};

#define FILES (sizeof(truths) / sizeof(truths[0]))

struct fixture {
	struct scratch scratch;
	struct gather gather;
	char text[128]; /* what is being tried, for the watchdog */
};

static struct fixture *current;

static void on_alarm(int signal)
{
	(void)signal;
	static const char words[] = "the job does not end: ";
	ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);
	n += write(STDERR_FILENO, current->text, strlen(current->text));
	n += write(STDERR_FILENO, "\n", 1);
	_exit(n ? 99 : 98);
}

static void digest(enum weir_digest_id id, const void *data, size_t len_bytes, uint8_t *out)
{
	const struct hash_ops *ops = hash_find(id);
	void *state = hash_state_new(ops);
	assert_non_null(state);
	assert_int_equal(ops->init(ops, state), 0);
	assert_int_equal(ops->update(state, data, len_bytes), 0);
	assert_int_equal(ops->final(state, out), 0);
	hash_state_free(ops, state);
}

static void make_sparse(const struct scratch *scratch)
{
	unsigned char *data = scratch_bytes(8192);
	int fd = openat(scratch->fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SPARSE_BYTES), 0);
	assert_int_equal(pwrite(fd, data, 8192, 512 << 10), 8192);
	close(fd);
	free(data);
}

/* What the file ought to hold, digested apart from the library's reading. */
static void make_truth(struct truth *truth)
{
	unsigned char *data = scratch_bytes(truth->size_bytes);
	if (strcmp(truth->name, "sparse") == 0) {
		memset(data, 0, truth->size_bytes);
		for (size_t i = 0; i < 8192; i++)
			data[(512 << 10) + i] = scratch_byte(i);
	}
	digest(WEIR_XXH3, data, truth->size_bytes, truth->xxh3);
	digest(WEIR_CRC32C, data, truth->size_bytes, truth->crc32c);
	free(data);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct scratch *scratch = &fixture.scratch;
	scratch_new(scratch, NULL);
	scratch_folder(scratch, "a");
	scratch_folder(scratch, "a/b");
	scratch_folder(scratch, "a/none");
	scratch_folder(scratch, "list");
	for (size_t i = 0; i < FILES; i++) {
		make_truth(&truths[i]);
		if (strcmp(truths[i].name, "sparse") == 0)
			make_sparse(scratch);
		else if (strcmp(truths[i].name, "a/link2") == 0)
			assert_int_equal(linkat(scratch->fd, "link1", scratch->fd, "a/link2", 0),
					 0);
		else
			scratch_pattern(scratch, truths[i].name, truths[i].size_bytes);
	}
	gather_init(&fixture.gather, RECORDS_MAX, RECORDS_MAX * 512);
	scratch_settle();
	signal(SIGALRM, on_alarm);
	current = &fixture;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	gather_release(&f->gather);
	scratch_free(&f->scratch);
	return 0;
}

/* One run. */

enum shape {
	SHAPE_ONE,     /* one worker, one walker: the calls come in the same order every time */
	SHAPE_SEVERAL, /* more of both */
	SHAPE_NARROW,  /* several, with the fewest descriptors */
	SHAPES,
};

struct run {
	int made;   /* what making source and job gave */
	int result; /* if it was made: what running it gave */
	struct weir_stats stats;
};

static void run_job(struct fixture *f, enum shape shape, int list, struct run *run)
{
	const char *tree = f->scratch.path;
	struct weir_source *source = NULL;
	struct weir_job *job = NULL;
	struct weir_error error = {0};
	*run = (struct run){.stats = {.size = sizeof(run->stats)}};
	if (list >= 0)
		run->made = weir_source_new_list(list, "names", NULL, &source);
	else
		run->made = weir_source_new_paths(&tree, 1, NULL, &source);
	if (run->made)
		return;
	int before = scratch_count_fds();
	struct weir_job_options options = WEIR_OPTS(weir_job_options, .digests = DIGESTS);
	options.limits = &limits;
	limits = WEIR_OPTS(weir_limits, .jobs = shape == SHAPE_ONE ? 1 : 3,
			   .walkers = shape == SHAPE_ONE ? 1 : 2, .max_memory_bytes = 4 << 20);
	if (shape == SHAPE_NARROW)
		limits.max_fds = (uint32_t)before + 2;
	run->made = weir_job_new(source, &f->gather.sink, &options, &job, &error);
	if (!run->made) {
		run->result = weir_job_run(job);
		weir_job_stats(job, &run->stats);
		assert_int_equal(weir_job_error(job)->code, run->result);
		weir_job_free(job);
	} else {
		assert_int_equal(error.code, run->made);
	}
	weir_source_free(source);
}

static const struct truth *truth_of(const struct fixture *f, const struct gathered *record)
{
	size_t root_len = strlen(f->scratch.path) + 1;
	for (size_t i = 0; i < FILES; i++)
		if (record->path_len_bytes > root_len &&
		    strcmp(record->path + root_len, truths[i].name) == 0)
			return &truths[i];
	return NULL;
}

/* What it says of each file is right; counts the files that it has digests of. */
static size_t check_records(const struct fixture *f)
{
	size_t right = 0;
	for (size_t i = 0; i < f->gather.count; i++) {
		const struct gathered *r = &f->gather.records[i];
		if (r->error.code) {
			assert_true(r->error.code < 0 && r->error.op != WEIR_OP_NONE);
			assert_int_equal(r->digests_count, 0);
			continue;
		}
		const struct truth *truth = truth_of(f, r);
		assert_int_equal(r->digests_count, 2);
		if (!truth || r->size_bytes != truth->size_bytes ||
		    memcmp(r->digests[0].bytes, truth->xxh3, 8) != 0 ||
		    memcmp(r->digests[1].bytes, truth->crc32c, 4) != 0)
			fail_msg("a wrong digest of %s while %s", r->path, f->text);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(r->path, f->gather.records[j].path);
		right++;
	}
	return right;
}

/* Whether some error is that of the path, of a folder above it, or of the list of names. */
static bool is_excused(const struct fixture *f, const char *path)
{
	for (size_t i = 0; i < f->gather.count; i++) {
		const struct gathered *r = &f->gather.records[i];
		size_t len = r->path_len_bytes;
		if (r->error.code &&
		    (strcmp(r->path, "names") == 0 ||
		     (strncmp(path, r->path, len) == 0 && (!path[len] || path[len] == '/'))))
			return true;
	}
	return false;
}

/* A job that ended well has given each file, or an error that explains why not. */
static void check_missing(const struct fixture *f)
{
	for (size_t i = 0; i < FILES; i++) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", f->scratch.path, truths[i].name);
		const struct gathered *r = gather_find(&f->gather, path);
		if (!r && !is_excused(f, path))
			fail_msg("%s is missing without a word after %s", path, f->text);
	}
}

/*
 * Runs a job and checks all that must hold whatever goes wrong. Returns how many
 * files have digests.
 */
static size_t run_checked(struct fixture *f, enum shape shape, int list, struct run *run)
{
	gather_clear(&f->gather);
	int fds_before = scratch_count_fds();
	long long live_before = atomic_load(&alloc_live);
	alarm(WATCHDOG_S);
	run_job(f, shape, list, run);
	alarm(0);
	if (scratch_count_fds() != fds_before || fault_fds_open() != 0)
		fail_msg("%d descriptors are left open after %s", scratch_count_fds() - fds_before,
			 f->text);
	if (atomic_load(&alloc_live) != live_before)
		fail_msg("%lld allocations are left after %s",
			 atomic_load(&alloc_live) - live_before, f->text);

	size_t right = check_records(f), errors = gather_errors(&f->gather);
	if (run->made) {
		assert_int_equal(f->gather.count, 0);
	} else {
		bool is_whole = run->result == 0;
		assert_int_equal(f->gather.finished, is_whole);
		assert_int_equal(f->gather.abandoned, !is_whole);
		assert_int_equal(run->stats.errors, errors);
	}
	return right;
}

/* How a call may fail: what its manual page names, and what file systems add to that. */

struct faults {
	enum fault_call call;
	bool is_harmless; /* the result must be complete all the same */
	int effects[12];  /* up to 0 */
};

static const struct faults all_faults[] = {
	{FAULT_OPENAT,
	 false,
	 {EACCES, EPERM, ELOOP, ENOENT, EMFILE, ENOMEM, EIO, EINTR, ECANCELED}},
	{FAULT_OPENAT2, false, {EACCES, ENOENT, ELOOP, ENFILE, EAGAIN, E2BIG, EINVAL, EINTR}},
	{FAULT_OPENAT2, true, {ENOSYS, EPERM, EINTR}},
	{FAULT_CLOSE, true, {EINTR, EIO, EDQUOT}},
	{FAULT_STATX, false, {EACCES, ENOENT, ENOMEM, EIO, ESTALE, ENOTDIR, ECANCELED}},
	{FAULT_STATX, true, {EINTR}},
	{FAULT_GETDENTS, false, {EIO, ENOENT, ENOTDIR, EINVAL, ECANCELED}},
	{FAULT_GETDENTS, true, {EINTR, FAULT_SHORT}},
	{FAULT_LSEEK, true, {EINVAL, ESPIPE, EIO, EOPNOTSUPP}},
	{FAULT_READ, false, {EIO, EISDIR}},
	{FAULT_READ, true, {EINTR, FAULT_SHORT}},
	{FAULT_PREAD, false, {EIO, EISDIR, EAGAIN, EINVAL, ENOMEM, ESTALE, ECANCELED}},
	{FAULT_PREAD, true, {EINTR, FAULT_SHORT}},
	{FAULT_FSTATFS, true, {ENOSYS, EIO, EINTR}},
	{FAULT_GETRLIMIT, true, {EINVAL}},
	{FAULT_AFFINITY, true, {EINVAL, ENOMEM}},
	{FAULT_MMAP, false, {ENOMEM, EAGAIN}},
	{FAULT_MUNMAP, true, {EINVAL, ENOMEM}},
	{FAULT_POLL, true, {EINTR}},
	{FAULT_POLL, false, {ENOMEM, EINVAL}},
};

static void describe(struct fixture *f, const struct fault_plan *plan, enum shape shape)
{
	snprintf(f->text, sizeof(f->text), "%s number %llu gives %s (shape %d)",
		 fault_call_name(plan->call), (unsigned long long)plan->first,
		 plan->effect == FAULT_SHORT ? "less" : strerrorname_np(plan->effect), (int)shape);
}

/* The names of the files, as a list that must be read through a pipe or from a file. */
static int make_list(const struct fixture *f, bool is_pipe)
{
	char text[4096];
	size_t len = 0;
	for (size_t i = 0; i < FILES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s/%s", f->scratch.path,
					truths[i].name) +
		       1;
	int fds[2];
	if (is_pipe) {
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(write(fds[1], text, len), (ssize_t)len);
		close(fds[1]);
		return fds[0];
	}
	scratch_file(&f->scratch, "../weir-list", text, len);
	int fd = openat(f->scratch.fd, "../weir-list", O_RDONLY | O_CLOEXEC);
	unlinkat(f->scratch.fd, "../weir-list", 0);
	return fd;
}

/* What a read gave is told as it is. */
static void check_told(const struct fixture *f, const struct fault_plan *plan)
{
	for (size_t i = 0; i < f->gather.count; i++)
		if (f->gather.records[i].error.code == -plan->effect)
			return;
	fail_msg("nobody was told: %s", f->text);
}

static void run_plan(struct fixture *f, const struct fault_plan *plan, enum shape shape,
		     bool is_list, bool is_harmless)
{
	struct run run;
	int list = is_list ? make_list(f, plan->first & 1) : -1;
	fault_install();
	fault_set_plan(plan);
	describe(f, plan, shape);
	size_t right = run_checked(f, shape, list, &run);
	bool is_hit = fault_hits() > 0;
	fault_uninstall();
	if (list >= 0)
		close(list);
	if ((is_harmless || !is_hit) && (run.made || run.result || right != FILES))
		fail_msg("%zu of %zu files, %d, %d, although nothing bad happened: %s", right,
			 FILES, run.made, run.result, f->text);
	if (run.made == 0 && run.result == 0)
		check_missing(f);
	if (is_hit && plan->call == FAULT_PREAD && !is_harmless)
		check_told(f, plan);
}

/* Every call number up to `calls`, every effect. Returns the number of runs. */
static unsigned run_faults(struct fixture *f, const struct faults *faults, uint64_t calls,
			   enum shape shape, bool is_list)
{
	unsigned runs = 0;
	for (uint64_t number = 1; number <= calls; number++) {
		for (size_t e = 0; faults->effects[e]; e++) {
			struct fault_plan plan = {faults->call, number, 1, faults->effects[e]};
			run_plan(f, &plan, shape, is_list, faults->is_harmless);
			runs++;
		}
	}
	return runs;
}

static void run_all_faults(struct fixture *f, enum shape shape, bool is_list, unsigned runs_min)
{
	uint64_t calls[FAULT_CALLS];
	struct run run;
	int list = is_list ? make_list(f, true) : -1;
	fault_install();
	snprintf(f->text, sizeof(f->text), "nothing fails");
	size_t right = run_checked(f, shape, list, &run);
	assert_int_equal(run.made, 0);
	assert_int_equal(run.result, 0);
	assert_int_equal(right, FILES);
	for (int i = 0; i < FAULT_CALLS; i++)
		calls[i] = fault_count((enum fault_call)i);
	fault_uninstall();
	if (list >= 0)
		close(list);

	unsigned runs = 0;
	for (size_t i = 0; i < sizeof(all_faults) / sizeof(all_faults[0]); i++)
		runs += run_faults(f, &all_faults[i], calls[all_faults[i].call], shape, is_list);
	assert_true(runs >= runs_min);
}

static void test_each_call_of_one_worker(void **state)
{
	run_all_faults(*state, SHAPE_ONE, false, 500);
}

static void test_each_call_of_several_workers(void **state)
{
	run_all_faults(*state, SHAPE_SEVERAL, false, 500);
}

static void test_each_call_with_few_descriptors(void **state)
{
	run_all_faults(*state, SHAPE_NARROW, false, 500);
}

static void test_each_call_of_a_list(void **state)
{
	run_all_faults(*state, SHAPE_ONE, true, 300);
}

/* What goes wrong stays wrong. */
static void test_lasting_faults(void **state)
{
	static const struct fault_plan plans[] = {
		{FAULT_OPENAT2, 1, UINT64_MAX, ENOSYS},
		{FAULT_OPENAT2, 1, UINT64_MAX, EPERM},
		{FAULT_GETDENTS, 1, UINT64_MAX, FAULT_SHORT},
		{FAULT_PREAD, 1, UINT64_MAX, FAULT_SHORT},
		{FAULT_LSEEK, 1, UINT64_MAX, EINVAL},
		{FAULT_FSTATFS, 1, UINT64_MAX, ENOSYS},
		{FAULT_CLOSE, 1, UINT64_MAX, EINTR},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		for (int shape = 0; shape < SHAPES; shape++)
			run_plan(f, &plans[i], (enum shape)shape, false, true);

	static const struct fault_plan worse[] = {
		{FAULT_GETDENTS, 3, UINT64_MAX, EIO}, {FAULT_PREAD, 1, UINT64_MAX, EIO},
		{FAULT_STATX, 4, UINT64_MAX, EIO},    {FAULT_OPENAT, 8, UINT64_MAX, EACCES},
		{FAULT_MMAP, 2, UINT64_MAX, ENOMEM},  {FAULT_PREAD, 2, UINT64_MAX, ECANCELED},
	};
	for (size_t i = 0; i < sizeof(worse) / sizeof(worse[0]); i++)
		for (int shape = 0; shape < SHAPES; shape++)
			run_plan(f, &worse[i], (enum shape)shape, false, false);
}

/* A list that fails in the middle of a name: what is left of it is not a name. */
static void test_a_list_that_breaks_off(void **state)
{
	struct fixture *f = *state;
	struct run run;
	uint64_t last_read = 0;
	for (int round = 0; round < 2; round++) {
		int fds[2];
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_true(dprintf(fds[1], "%s/one", f->scratch.path) > 0);
		close(fds[1]);
		fault_install();
		if (round)
			fault_set_plan(&(struct fault_plan){FAULT_READ, last_read, 1, EIO});
		snprintf(f->text, sizeof(f->text), "a list breaks off");
		size_t right = run_checked(f, SHAPE_ONE, fds[0], &run);
		last_read = fault_count(FAULT_READ);
		fault_uninstall();
		close(fds[0]);
		assert_int_equal(run.result, 0);
		assert_int_equal(right, !round);
		assert_int_equal(f->gather.count, 1);
	}
	assert_int_equal(f->gather.records[0].error.code, -EIO);
	assert_string_equal(f->gather.records[0].path, "names");
}

/* Every allocation. */
static void run_allocations(struct fixture *f, enum shape shape, bool is_list)
{
	struct run run;
	uint64_t number = 0, hits;
	do {
		number++;
		int list = is_list ? make_list(f, true) : -1;
		fault_install();
		snprintf(f->text, sizeof(f->text), "allocation %llu fails (shape %d)",
			 (unsigned long long)number, (int)shape);
		atomic_store(&alloc_count, 0);
		atomic_store(&alloc_fail_at, number);
		run_checked(f, shape, list, &run);
		atomic_store(&alloc_fail_at, 0);
		hits = atomic_load(&alloc_count) >= number;
		fault_uninstall();
		if (list >= 0)
			close(list);
		if (run.made)
			assert_int_equal(run.made, -ENOMEM);
		else if (run.result)
			assert_int_equal(run.result, -ENOMEM);
		else
			check_missing(f);
	} while (hits && number < 10000);
	assert_true(number > 20 && number < 10000);
}

static void test_each_allocation(void **state)
{
	run_allocations(*state, SHAPE_ONE, false);
	run_allocations(*state, SHAPE_SEVERAL, false);
	run_allocations(*state, SHAPE_ONE, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_of_one_worker),
		cmocka_unit_test(test_each_call_of_several_workers),
		cmocka_unit_test(test_each_call_with_few_descriptors),
		cmocka_unit_test(test_each_call_of_a_list),
		cmocka_unit_test(test_lasting_faults),
		cmocka_unit_test(test_a_list_that_breaks_off),
		cmocka_unit_test(test_each_allocation),
	};
	return cmocka_run_group_tests_name("faults", tests, set_up, tear_down);
}
