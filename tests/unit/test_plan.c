/* SPDX-License-Identifier: MIT */
#include "engine/plan.h"

#include "../fault/fault.h"
#include "../fault/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

/* The extents cover [0, size) without a gap, and none of data is too long. */
static size_t assert_covers(struct plan *plan, uint64_t size_bytes)
{
	struct extent extent;
	uint64_t at = 0;
	size_t count = 0;
	while (plan_next(plan, &extent)) {
		assert_int_equal(extent.offset_bytes, at);
		assert_true(extent.len_bytes > 0);
		assert_true(extent.is_hole || extent.len_bytes <= EXTENT_MAX_BYTES);
		at += extent.len_bytes;
		count++;
	}
	assert_int_equal(at, size_bytes);
	assert_false(plan_next(plan, &extent));
	return count;
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t size_bytes;
		size_t extents;
	} cases[] = {
		{0, 0},
		{1, 1},
		{EXTENT_MAX_BYTES - 1, 1},
		{EXTENT_MAX_BYTES, 1},
		{EXTENT_MAX_BYTES + 1, 2},
		{3 * EXTENT_MAX_BYTES, 3},
		{3 * EXTENT_MAX_BYTES + 1, 4},
	};
	struct plan plan;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plan_init(&plan, -1, cases[i].size_bytes, false);
		assert_int_equal(assert_covers(&plan, cases[i].size_bytes), cases[i].extents);
	}
}

/* Of a file whose size is not known, extents come until its end is met. */
static void test_unknown_size(void **state)
{
	struct plan plan;
	struct extent extent;
	(void)state;
	plan_init(&plan, -1, UINT64_MAX, false);
	for (uint64_t i = 0; i < 100; i++) {
		assert_true(plan_next(&plan, &extent));
		assert_int_equal(extent.offset_bytes, i * EXTENT_MAX_BYTES);
		assert_int_equal(extent.len_bytes, EXTENT_MAX_BYTES);
		assert_false(extent.is_hole);
	}
	plan_end(&plan);
	assert_false(plan_next(&plan, &extent));
}

static int make_sparse(const struct scratch *scratch, const char *name, uint64_t size_bytes,
		       const uint64_t *data_at, size_t count)
{
	char block[4096];
	memset(block, 'x', sizeof(block));
	int fd = openat(scratch->fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size_bytes), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pwrite(fd, block, sizeof(block), (off_t)data_at[i]), 4096);
	return fd;
}

/* What is called a hole reads as zeros; what holds something is called data. */
static void assert_holes_are_zeros(int fd, uint64_t size_bytes, bool must_find)
{
	static char buf[65536], zeros[65536];
	struct plan plan;
	struct extent e;
	uint64_t hole_bytes = 0, at = 0;
	plan_init(&plan, fd, size_bytes, true);
	while (plan_next(&plan, &e)) {
		assert_int_equal(e.offset_bytes, at);
		at += e.len_bytes;
		if (!e.is_hole)
			continue;
		hole_bytes += e.len_bytes;
		for (uint64_t done = 0; done < e.len_bytes;) {
			size_t want = sizeof(buf);
			if (e.len_bytes - done < want)
				want = (size_t)(e.len_bytes - done);
			ssize_t n = pread(fd, buf, want, (off_t)(e.offset_bytes + done));
			assert_true(n > 0);
			assert_memory_equal(buf, zeros, (size_t)n);
			done += (uint64_t)n;
		}
	}
	assert_int_equal(at, size_bytes);
	if (must_find)
		assert_true(hole_bytes >= size_bytes / 2);
}

static void check_holes(const char *under)
{
	static const uint64_t starts[] = {0}, middle[] = {5 * MIB, 5 * MIB + 8192},
			      ends[] = {12 * MIB - 4096},
			      all[] = {0, 4 * MIB, 8 * MIB, 12 * MIB - 4096};
	struct scratch scratch;
	scratch_new(&scratch, under);
	const struct {
		const uint64_t *at;
		size_t count;
	} cases[] = {{NULL, 0}, {starts, 1}, {middle, 2}, {ends, 1}, {all, 4}};
	for (size_t i = 0; i < 5; i++) {
		int fd = make_sparse(&scratch, "sparse", 12 * MIB, cases[i].at, cases[i].count);
		/* Where the file system knows holes at all, half of the file is found to be one. */
		bool knows = lseek(fd, 0, SEEK_HOLE) < (off_t)(12 * MIB);
		assert_holes_are_zeros(fd, 12 * MIB, knows);
		/* Not on a block's boundary, and shorter than the file. */
		assert_holes_are_zeros(fd, 12 * MIB - 4095, knows);
		close(fd);
		unlinkat(scratch.fd, "sparse", 0);
	}
	/* The file is shorter than the plan: what is behind its end is left to the reader. */
	int fd = make_sparse(&scratch, "short", 100, NULL, 0);
	struct plan plan;
	plan_init(&plan, fd, 5 * MIB, true);
	assert_covers(&plan, 5 * MIB);
	close(fd);
	scratch_free(&scratch);
}

static void test_holes(void **state)
{
	(void)state;
	check_holes(NULL);
}

static void test_holes_on_tmpfs(void **state)
{
	(void)state;
	if (access("/dev/shm", W_OK))
		skip();
	check_holes("/dev/shm");
}

/* Many small regions, so that extents are cut by them and not by their size. */
static void test_alternating(void **state)
{
	struct scratch scratch;
	uint64_t at[64];
	(void)state;
	scratch_new(&scratch, NULL);
	for (size_t i = 0; i < 64; i++)
		at[i] = i * 128 * 1024;
	int fd = make_sparse(&scratch, "comb", 64 * 128 * 1024, at, 64);
	assert_holes_are_zeros(fd, 64 * 128 * 1024, false);
	close(fd);
	scratch_free(&scratch);
}

/* A file system that cannot tell, or says so in the middle: then all is data. */
static void test_lseek_fails(void **state)
{
	static const int errnos[] = {EINVAL, ESPIPE, EOPNOTSUPP, EIO};
	static const uint64_t at[] = {5 * MIB};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	int fd = make_sparse(&scratch, "sparse", 12 * MIB, at, 1);
	for (size_t i = 0; i < 4; i++) {
		for (uint64_t first = 1; first < 5; first++) {
			fault_install();
			fault_set_plan(
				&(struct fault_plan){FAULT_LSEEK, first, UINT64_MAX, errnos[i]});
			assert_holes_are_zeros(fd, 12 * MIB, false);
			if (first == 1) {
				struct plan plan;
				plan_init(&plan, fd, 12 * MIB, true);
				assert_int_equal(assert_covers(&plan, 12 * MIB), 3);
			}
			fault_uninstall();
		}
	}
	close(fd);
	scratch_free(&scratch);
}

/* A file that is not suspected of holes is not asked. */
static void test_not_asked(void **state)
{
	struct plan plan;
	(void)state;
	fault_install();
	plan_init(&plan, -1, 100 * MIB, false);
	assert_int_equal(assert_covers(&plan, 100 * MIB), 25);
	assert_int_equal(fault_count(FAULT_LSEEK), 0);
	fault_uninstall();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),       cmocka_unit_test(test_unknown_size),
		cmocka_unit_test(test_holes),       cmocka_unit_test(test_holes_on_tmpfs),
		cmocka_unit_test(test_alternating), cmocka_unit_test(test_lseek_fails),
		cmocka_unit_test(test_not_asked),
	};
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
