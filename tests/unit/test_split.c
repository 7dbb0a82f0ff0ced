/* SPDX-License-Identifier: MIT */
#include "walk/split.h"

#include "../fault/fault.h"
#include "../fault/scratch.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const atomic_bool not_cancelled;

static int open_content(const struct scratch *scratch, const void *data, size_t len)
{
	scratch_file(scratch, "records", data, len);
	int fd = openat(scratch->fd, "records", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Splits the data, and holds each record against what memchr finds in it. */
static void check_content(const struct scratch *scratch, const char *data, size_t len,
			  char terminator)
{
	struct split split;
	char *record;
	size_t record_len, at = 0, count = 0;
	int fd = open_content(scratch, data, len);
	split_init(&split, fd, terminator);
	while (at < len) {
		const char *end = memchr(data + at, terminator, len - at);
		size_t want = end ? (size_t)(end - data) - at : len - at;
		int got = split_next(&split, true, &not_cancelled, &record, &record_len);
		if (want > SPLIT_RECORD_MAX_BYTES) {
			assert_int_equal(got, -E2BIG);
		} else {
			assert_int_equal(got, 1);
			assert_int_equal(record_len, want);
			assert_memory_equal(record, data + at, want);
			/* It may be terminated in place, whatever stands behind it. */
			record[record_len] = '\0';
		}
		assert_int_equal(split.records, ++count);
		at += want + 1;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(split_next(&split, true, &not_cancelled, &record, &record_len), 0);
	split_release(&split);
	split_release(&split);
	close(fd);
}

static void test_short_ones(void **state)
{
	static const char *const texts[] = {"",     "a",    "a\n",      "\n",
					    "\n\n", "a\nb", "a\n\nb\n", "abc\ndefg\nh"};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_content(&scratch, texts[i], strlen(texts[i]), '\n');
	check_content(&scratch, "a\nb\0c\n\0", 7, '\0');
	check_content(&scratch, "a\0b\nc\0", 6, '\n');
	scratch_free(&scratch);
}

/* Records of lengths around that of a read, so that their ends fall everywhere. */
static void test_over_the_boundaries(void **state)
{
	static const size_t lens[] = {1,     2,     1000,   65533,  65534, 65535,
				      65536, 65537, 131071, 131072, 200000};
	struct scratch scratch;
	char *data = malloc(1 << 22);
	(void)state;
	assert_non_null(data);
	scratch_new(&scratch, NULL);
	for (size_t a = 0; a < sizeof(lens) / sizeof(lens[0]); a++) {
		size_t len = 0;
		for (size_t i = 0; i < 8 && len + lens[a] + 2 < 1 << 22; i++) {
			memset(data + len, 'a' + (int)i, lens[a]);
			len += lens[a];
			data[len++] = '\0';
		}
		check_content(&scratch, data, len, '\0');
		check_content(&scratch, data, len - 1, '\0');
	}
	free(data);
	scratch_free(&scratch);
}

static void test_lengths_at_the_limit(void **state)
{
	struct scratch scratch;
	size_t most = SPLIT_RECORD_MAX_BYTES, room = 4 * most;
	char *data = malloc(room);
	(void)state;
	assert_non_null(data);
	scratch_new(&scratch, NULL);
	static const int offsets[] = {-1, 0, 1, 2, 40000, 100000, 1 << 20, (1 << 20) + 5};
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		size_t len = (size_t)((long)most + offsets[i]);
		memset(data, 'x', len);
		memcpy(data + len, "\nshort\nlast", 11);
		check_content(&scratch, data, len + 11, '\n');
		check_content(&scratch, data, len + 1, '\n');
		check_content(&scratch, data, len, '\n');
	}
	free(data);
	scratch_free(&scratch);
}

/* Without waiting, a pipe gives what has been read, and a file all. */
static void test_without_waiting(void **state)
{
	struct split split;
	char *record;
	size_t len;
	int fds[2];
	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	split_init(&split, fds[0], '\n');
	assert_int_equal(split_next(&split, false, &not_cancelled, &record, &len), -EAGAIN);
	assert_int_equal(write(fds[1], "ab\nc", 4), 4);
	assert_int_equal(split_next(&split, false, &not_cancelled, &record, &len), -EAGAIN);
	assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len), 1);
	assert_int_equal(len, 2);
	assert_int_equal(split_next(&split, false, &not_cancelled, &record, &len), -EAGAIN);
	assert_int_equal(write(fds[1], "d\n", 2), 2);
	assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len), 1);
	assert_memory_equal(record, "cd", 2);
	close(fds[1]);
	assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len), 0);
	split_release(&split);
	close(fds[0]);
}

struct waiting {
	struct split split;
	atomic_bool is_cancelled;
	int result;
};

static void wait_for_record(void *arg)
{
	struct waiting *waiting = arg;
	char *record;
	size_t len;
	waiting->result = split_next(&waiting->split, true, &waiting->is_cancelled, &record, &len);
}

static void test_cancel(void **state)
{
	struct waiting waiting = {.result = 1};
	struct thread thread;
	int fds[2];
	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	split_init(&waiting.split, fds[0], '\n');
	assert_int_equal(write(fds[1], "ab", 2), 2);
	assert_int_equal(thread_start(&thread, "wait", wait_for_record, &waiting), 0);
	atomic_store(&waiting.is_cancelled, true);
	thread_join(&thread);
	assert_int_equal(waiting.result, -ECANCELED);
	split_release(&waiting.split);
	close(fds[0]);
	close(fds[1]);
}

/* After an error comes the end: what it has cut off is not handed out as a record. */
static void check_error(enum fault_call call, int err)
{
	struct split split;
	char *record;
	size_t len;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "ab\ncd", 5), 5);
	fault_install();
	fault_set_plan(&(struct fault_plan){call, 2, UINT64_MAX, err});
	split_init(&split, fds[0], '\n');
	assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len), 1);
	assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len), -err);
	for (int i = 0; i < 3; i++)
		assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len), 0);
	fault_uninstall();
	split_release(&split);
	close(fds[0]);
	close(fds[1]);
}

static void test_errors(void **state)
{
	(void)state;
	check_error(FAULT_POLL, EINVAL);
	check_error(FAULT_POLL, EIO);

	struct scratch scratch;
	struct split split;
	char *record;
	size_t len;
	scratch_new(&scratch, NULL);
	static char text[100000];
	memset(text, 'x', sizeof(text));
	memcpy(text, "ab\n", 3);
	int fd = open_content(&scratch, text, sizeof(text));
	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_READ, 2, 1, EIO});
	split_init(&split, fd, '\n');
	assert_int_equal(split_next(&split, false, &not_cancelled, &record, &len), 1);
	assert_int_equal(split_next(&split, false, &not_cancelled, &record, &len), -EIO);
	for (int i = 0; i < 3; i++)
		assert_int_equal(split_next(&split, false, &not_cancelled, &record, &len), 0);
	fault_uninstall();
	split_release(&split);
	close(fd);
	scratch_free(&scratch);
}

/* Reads that bring a byte or three at a time, or are interrupted. */
static void test_short_reads(void **state)
{
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_READ, 1, UINT64_MAX, FAULT_SHORT});
	char *data = malloc(300000);
	assert_non_null(data);
	for (size_t i = 0; i < 300000; i++)
		data[i] = i % 977 ? 'y' : '\n';
	check_content(&scratch, data, 300000, '\n');
	free(data);
	fault_uninstall();
	scratch_free(&scratch);
}

static void test_peek(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		bool has_nul;
	} cases[] = {{"", 0, false}, {"abc\n", 4, false}, {"ab\0c\n", 5, true}, {"\0", 1, true}};
	struct scratch scratch;
	(void)state;
	scratch_new(&scratch, NULL);
	for (size_t i = 0; i < 4; i++) {
		struct split split;
		char *record;
		size_t len;
		bool has_nul = false;
		int fd = open_content(&scratch, cases[i].data, cases[i].len);
		split_init(&split, fd, '\n');
		assert_int_equal(split_peek_nul(&split, &not_cancelled, &has_nul), 0);
		assert_int_equal(has_nul, cases[i].has_nul);
		assert_int_equal(split_next(&split, true, &not_cancelled, &record, &len),
				 cases[i].len > 0);
		split_release(&split);
		close(fd);
	}
	scratch_free(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_ones),
		cmocka_unit_test(test_over_the_boundaries),
		cmocka_unit_test(test_lengths_at_the_limit),
		cmocka_unit_test(test_without_waiting),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_short_reads),
		cmocka_unit_test(test_peek),
	};
	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
