/* SPDX-License-Identifier: MIT */
/* What a reader promises, held against the file's bytes. */
#include "read/read.h"

#include "../fault/fault.h"
#include "../fault/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_BYTES ((size_t)300001)

struct fixture {
	struct scratch scratch;
	unsigned char *bytes;
	char *buf;
	int fd;
	struct reader *reader;
};

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	assert_non_null(f);
	scratch_new(&f->scratch, NULL);
	scratch_pattern(&f->scratch, "file", FILE_BYTES);
	f->bytes = scratch_bytes(FILE_BYTES);
	f->buf = malloc(2 * FILE_BYTES);
	assert_non_null(f->buf);
	f->fd = openat(f->scratch.fd, "file", O_RDONLY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(reader_new(READER_SYNC, &f->reader), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	reader_free(f->reader);
	reader_free(NULL);
	close(f->fd);
	free(f->bytes);
	free(f->buf);
	scratch_free(&f->scratch);
	free(f);
	return 0;
}

static void read_at(struct fixture *f, struct read_request *request, int fd, bool is_stream,
		    uint64_t offset_bytes, size_t len_bytes)
{
	*request = (struct read_request){
		.fd = fd,
		.is_stream = is_stream,
		.offset_bytes = offset_bytes,
		.buf = f->buf,
		.len_bytes = len_bytes,
		.err = 77,
		.done_bytes = 77,
		.calls = 77,
	};
	memset(f->buf, 0x55, len_bytes);
	assert_null(reader_reap(f->reader));
	reader_submit(f->reader, request);
	assert_ptr_equal(reader_reap(f->reader), request);
	assert_null(reader_reap(f->reader));
}

static void check_range(struct fixture *f, uint64_t offset_bytes, size_t len_bytes)
{
	struct read_request r;
	size_t left = offset_bytes < FILE_BYTES ? FILE_BYTES - (size_t)offset_bytes : 0;
	size_t want = len_bytes < left ? len_bytes : left;
	read_at(f, &r, f->fd, false, offset_bytes, len_bytes);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.done_bytes, want);
	assert_memory_equal(f->buf, f->bytes + (left ? offset_bytes : 0), want);
	assert_true(r.calls >= 1);
}

static void check_ranges(struct fixture *f)
{
	check_range(f, 0, FILE_BYTES);
	check_range(f, 0, 2 * FILE_BYTES);
	check_range(f, 0, 1);
	check_range(f, 12345, 100000);
	check_range(f, FILE_BYTES - 1, 1);
	check_range(f, FILE_BYTES - 1, 2);
	check_range(f, FILE_BYTES, 1);
	check_range(f, FILE_BYTES + 100, 10);
}

static void test_ranges(void **state)
{
	check_ranges(*state);
}

/* Short reads are continued, however short. */
static void test_short_reads(void **state)
{
	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_PREAD, 1, UINT64_MAX, FAULT_SHORT});
	check_ranges(*state);
	assert_true(fault_hits() > 20);
	fault_uninstall();
}

static void test_interruptions(void **state)
{
	for (uint64_t first = 1; first < 6; first++) {
		fault_install();
		fault_set_plan(&(struct fault_plan){FAULT_PREAD, first, 5, EINTR});
		check_ranges(*state);
		assert_int_equal(fault_hits(), 5);
		fault_uninstall();
	}
}

/* An error keeps what came before it. */
static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct read_request r;
	read_at(f, &r, -1, false, 0, 100);
	assert_int_equal(r.err, -EBADF);
	assert_int_equal(r.done_bytes, 0);
	assert_int_equal(r.calls, 1);
	read_at(f, &r, f->scratch.fd, false, 0, 100);
	assert_int_equal(r.err, -EISDIR);
	read_at(f, &r, f->fd, false, (uint64_t)INT64_MAX + 1, 100);
	assert_int_equal(r.err, -EOVERFLOW);

	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_PREAD, 1, 1, FAULT_SHORT});
	read_at(f, &r, f->fd, false, 0, 3000);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.done_bytes, 3000);
	assert_int_equal(r.calls, 2);
	fault_set_plan(&(struct fault_plan){FAULT_PREAD, 4, 1, EIO});
	read_at(f, &r, f->fd, false, FILE_BYTES - 10, 20);
	assert_int_equal(r.err, -EIO);
	assert_int_equal(r.done_bytes, 10);
	assert_memory_equal(f->buf, f->bytes + FILE_BYTES - 10, 10);
	fault_uninstall();
}

/* A stream gives what it has, and its end is a read of nothing. */
static void test_stream(void **state)
{
	struct fixture *f = *state;
	struct read_request r;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(fds[1], f->bytes, 1000), 1000);
	read_at(f, &r, fds[0], true, 12345, 4096);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.done_bytes, 1000);
	assert_memory_equal(f->buf, f->bytes, 1000);
	read_at(f, &r, fds[0], true, 0, 4096);
	assert_int_equal(r.err, -EAGAIN);
	assert_int_equal(r.done_bytes, 0);
	close(fds[1]);
	read_at(f, &r, fds[0], true, 0, 4096);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.done_bytes, 0);
	close(fds[0]);
}

static void test_depth(void **state)
{
	struct fixture *f = *state;
	assert_true(reader_depth(f->reader) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),        cmocka_unit_test(test_short_reads),
		cmocka_unit_test(test_interruptions), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_stream),        cmocka_unit_test(test_depth),
	};
	return cmocka_run_group_tests_name("read", tests, set_up, tear_down);
}
