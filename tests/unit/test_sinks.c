/* SPDX-License-Identifier: MIT */
#include "sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1

/* What a sink wrote, and what it handed to on_error. */
struct bench {
	int fd;
	struct weir_output *output;
	struct weir_sink *sink;
	unsigned int errors;
	const struct weir_record *last_error;
	char written[4096];
};

static void count_error(void *ctx, const struct weir_record *record)
{
	struct bench *bench = ctx;
	assert_non_null(record->error);
	bench->errors++;
	bench->last_error = record;
}

static void bench_open(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->fd = memfd_create("written", MFD_CLOEXEC);
	assert_true(bench->fd >= 0);
	assert_int_equal(weir_output_new_fd(bench->fd, &bench->output), 0);
}

static void bench_put(struct bench *bench, const struct weir_record *record)
{
	assert_int_equal(bench->sink->put(bench->sink, record), 0);
}

/* Ends the sink and compares all that it wrote. */
static void bench_close(struct bench *bench, const char *want, size_t want_len)
{
	if (bench->sink->finish)
		assert_int_equal(bench->sink->finish(bench->sink), 0);
	weir_sink_free(bench->sink);
	weir_output_free(bench->output);
	ssize_t len = pread(bench->fd, bench->written, sizeof(bench->written) - 1, 0);
	assert_true(len >= 0);
	close(bench->fd);
	assert_string_equal(bench->written, want);
	assert_int_equal(len, want_len);
	assert_memory_equal(bench->written, want, want_len);
}

static const struct weir_digest md5 = {
	.id = WEIR_MD5,
	.len_bytes = 16,
	.bytes = {0x9d, 0xd4, 0xe4, 0x61, 0x26, 0x8c, 0x80, 0x34, 0xf5, 0xc8, 0x56, 0x4e, 0x15,
		  0x5c, 0x67, 0xa6},
};
static const struct weir_digest xxh3 = {
	.id = WEIR_XXH3,
	.len_bytes = 8,
	.bytes = {0xea, 0xf0, 0x6c, 0x64, 0x80, 0xb2, 0xcd, 0x11},
};

#define HEX_MD5 "9dd4e461268c8034f5c8564e155c67a6"
#define HEX_XXH3 "eaf06c6480b2cd11"

static struct weir_record record_of(const char *path, size_t len, const struct weir_digest *digest)
{
	return (struct weir_record){
		.path = path,
		.path_len_bytes = len,
		.size_bytes = 12,
		.digests = digest,
		.digests_count = digest != NULL,
	};
}

static void manifest_open(struct bench *bench, const struct weir_manifest_format *format)
{
	bench_open(bench);
	assert_int_equal(
		weir_sink_new_manifest(bench->output, format, count_error, bench, &bench->sink), 0);
	assert_string_equal(bench->sink->name, "manifest");
}

static void put_odd_names(struct bench *bench)
{
	static const struct {
		const char *name;
		size_t len;
	} names[] = {
		{TEXT("a/b")}, {TEXT("back\\slash")}, {TEXT("new\nline\r")}, {TEXT("bad\xff")}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct weir_record record = record_of(names[i].name, names[i].len, &md5);
		bench_put(bench, &record);
	}
}

static void test_plain(void **state)
{
	struct bench bench;
	(void)state;

	manifest_open(&bench, &WEIR_OPTS(weir_manifest_format));
	put_odd_names(&bench);
	bench_close(&bench, TEXT(HEX_MD5 "  a/b\n"
					 "\\" HEX_MD5 "  back\\\\slash\n"
					 "\\" HEX_MD5 "  new\\nline\\r\n" HEX_MD5 "  bad\xff\n"));
}

static void test_plain_zero(void **state)
{
	struct bench bench;
	(void)state;

	manifest_open(&bench, &WEIR_OPTS(weir_manifest_format, .zero = true));
	put_odd_names(&bench);
	bench_close(&bench, TEXT(HEX_MD5 "  a/b\0" HEX_MD5 "  back\\slash\0" HEX_MD5
					 "  new\nline\r\0" HEX_MD5 "  bad\xff\0"));
}

static void test_tagged(void **state)
{
	struct bench bench;
	(void)state;

	manifest_open(&bench, &WEIR_OPTS(weir_manifest_format, .tagged = true));
	put_odd_names(&bench);
	bench_close(&bench, TEXT("MD5 (a/b) = " HEX_MD5 "\n"
				 "\\MD5 (back\\\\slash) = " HEX_MD5 "\n"
				 "\\MD5 (new\\nline\\r) = " HEX_MD5 "\n"
				 "MD5 (bad\xff) = " HEX_MD5 "\n"));
}

static void test_tagged_where_it_must_be(void **state)
{
	const struct weir_digest both[] = {xxh3, md5};
	struct weir_record record = record_of(TEXT("a\\"), &xxh3);
	struct bench bench;
	(void)state;

	manifest_open(&bench, NULL);
	bench_put(&bench, &record);
	record = record_of(TEXT("b\n"), both);
	record.digests_count = 2;
	bench_put(&bench, &record);
	record = record_of(TEXT("none"), NULL);
	bench_put(&bench, &record);
	bench_close(&bench, TEXT("\\XXH3 (a\\\\) = " HEX_XXH3 "\n"
				 "\\XXH3 (b\\n) = " HEX_XXH3 "\n"
				 "\\MD5 (b\\n) = " HEX_MD5 "\n"));
}

static void test_json(void **state)
{
	const struct weir_digest both[] = {xxh3, md5};
	struct weir_record record = record_of(TEXT("a\"b"), both);
	struct bench bench;
	(void)state;

	manifest_open(&bench, &WEIR_OPTS(weir_manifest_format, .json = true, .tagged = true));
	record.digests_count = 2;
	bench_put(&bench, &record);
	record = record_of(TEXT("bad\xff"), &md5);
	record.is_hardlink = true;
	bench_put(&bench, &record);
	record = record_of(TEXT("none"), NULL);
	bench_put(&bench, &record);
	bench_close(
		&bench,
		TEXT("{\"type\":\"file\",\"path\":\"a\\\"b\",\"size_bytes\":12,"
		     "\"digests\":{\"xxh3\":\"" HEX_XXH3 "\",\"md5\":\"" HEX_MD5 "\"}}\n"
		     "{\"type\":\"file\",\"path_base64\":\"YmFk/w==\",\"size_bytes\":12,"
		     "\"hardlink\":true,\"digests\":{\"md5\":\"" HEX_MD5 "\"}}\n"
		     "{\"type\":\"file\",\"path\":\"none\",\"size_bytes\":12,\"digests\":{}}\n"));
}

static const struct weir_error read_error = {
	.code = -EIO,
	.op = WEIR_OP_READ,
	.has_offset = true,
	.offset_bytes = 4096,
	.stage = "md5",
	.hint = "look at \"dmesg\"",
};
static const struct weir_error parse_error = {
	.code = -EINVAL,
	.op = WEIR_OP_PARSE,
	.has_offset = true,
	.offset_bytes = 7,
};
static const struct weir_error missing_error = {.code = -ENOENT, .op = WEIR_OP_OPEN};

#define MISSING_JSON \
	"\"op\":\"open\",\"errno\":\"ENOENT\",\"message\":\"No such file or directory\""
#define PARSE_JSON                                                                     \
	"{\"type\":\"error\",\"path\":\"list\",\"op\":\"parse\",\"errno\":\"EINVAL\"," \
	"\"message\":\"malformed\",\"line\":7}"

/* Of two files, and of the list that names them. */
static void put_errors(struct bench *bench, const struct weir_expectation *expected)
{
	struct weir_record record = record_of(TEXT("a"), NULL);

	record.error = &read_error;
	record.expected = expected;
	bench_put(bench, &record);
	assert_int_equal(bench->errors, 1);
	assert_ptr_equal(bench->last_error, &record);
	record = record_of(TEXT("gone"), NULL);
	record.error = &missing_error;
	record.expected = expected;
	bench_put(bench, &record);
	record = record_of(TEXT("list"), NULL);
	record.error = &parse_error;
	bench_put(bench, &record);
	assert_int_equal(bench->errors, 3);
}

static void test_errors(void **state)
{
	struct bench bench;
	(void)state;

	manifest_open(&bench, &WEIR_OPTS(weir_manifest_format));
	put_errors(&bench, NULL);
	bench_close(&bench, TEXT(""));

	manifest_open(&bench, &WEIR_OPTS(weir_manifest_format, .json = true));
	put_errors(&bench, NULL);
	bench_close(&bench,
		    TEXT("{\"type\":\"error\",\"path\":\"a\",\"op\":\"read\",\"errno\":\"EIO\","
			 "\"message\":\"Input/output error\",\"stage\":\"md5\","
			 "\"offset_bytes\":4096,\"hint\":\"look at \\\"dmesg\\\"\"}\n"
			 "{\"type\":\"error\",\"path\":\"gone\"," MISSING_JSON "}\n" PARSE_JSON
			 "\n"));
}

static void test_errors_without_ear(void **state)
{
	struct weir_record record = record_of(TEXT("a"), NULL);
	struct bench bench;
	(void)state;

	record.error = &read_error;
	bench_open(&bench);
	assert_int_equal(weir_sink_new_manifest(bench.output, NULL, NULL, NULL, &bench.sink), 0);
	bench_put(&bench, &record);
	weir_sink_free(bench.sink);
	assert_int_equal(weir_sink_new_check(bench.output, NULL, NULL, NULL, &bench.sink), 0);
	bench_put(&bench, &record);
	bench_close(&bench, TEXT(""));
}

static struct weir_expectation *expectation_new(void)
{
	struct weir_expectation *expected =
		calloc(1, sizeof(*expected) + 2 * sizeof(expected->digests[0]));
	assert_non_null(expected);
	expected->line = 3;
	expected->digests_count = 1;
	for (size_t i = 0; i < 2; i++) {
		expected->digests[i].candidates = WEIR_DIGEST_BIT(WEIR_CRC32C);
		expected->digests[i].len_bytes = 4;
		memset(expected->digests[i].bytes, 0xa0 + (int)i, 4);
	}
	return expected;
}

static void put_checks(struct bench *bench, struct weir_expectation *expected)
{
	struct weir_record record = record_of(TEXT("good"), &md5);
	record.expected = expected;
	record.is_match = true;
	bench_put(bench, &record);
	record = record_of(TEXT("bad\n\xff"), &xxh3);
	record.expected = expected;
	bench_put(bench, &record);
	put_errors(bench, expected);
}

static void check_open(struct bench *bench, const struct weir_check_format *format)
{
	bench_open(bench);
	assert_int_equal(
		weir_sink_new_check(bench->output, format, count_error, bench, &bench->sink), 0);
	assert_string_equal(bench->sink->name, "check");
}

static void run_check(const struct weir_check_format *format, const char *want, size_t want_len)
{
	struct weir_expectation *expected = expectation_new();
	struct bench bench;

	check_open(&bench, format);
	put_checks(&bench, expected);
	struct weir_check_counts counts = weir_sink_check_counts(bench.sink);
	assert_int_equal(counts.matched, 1);
	assert_int_equal(counts.differing, 1);
	assert_int_equal(counts.unreadable, 1);
	assert_int_equal(counts.missing, 1);
	assert_int_equal(counts.malformed, 1);
	bench_close(&bench, want, want_len);
	free(expected);
}

static void test_check_text(void **state)
{
	(void)state;
	run_check(NULL, TEXT("good: OK\n\\bad\\n\xff: FAILED\na: FAILED open or read\n"
			     "gone: FAILED open or read\n"));
	run_check(
		&WEIR_OPTS(weir_check_format, .quiet = true),
		TEXT("\\bad\\n\xff: FAILED\na: FAILED open or read\ngone: FAILED open or read\n"));
	run_check(&WEIR_OPTS(weir_check_format, .status = true), TEXT(""));
	run_check(&WEIR_OPTS(weir_check_format, .zero = true),
		  TEXT("good: OK\0bad\n\xff: FAILED\0a: FAILED open or read\0"
		       "gone: FAILED open or read\0"));
}

#define CHECK_JSON_REST                                                                      \
	"{\"type\":\"check\",\"path_base64\":\"YmFkCv8=\",\"result\":\"failed\",\"line\":3," \
	"\"expected\":[\"a0a0a0a0\"],\"digests\":{\"xxh3\":\"" HEX_XXH3 "\"}}\n"             \
	"{\"type\":\"check\",\"path\":\"a\",\"result\":\"unreadable\","                      \
	"\"line\":3,\"expected\":[\"a0a0a0a0\"],\"op\":\"read\","                            \
	"\"errno\":\"EIO\",\"message\":\"Input/output error\",\"stage\":\"md5\","            \
	"\"offset_bytes\":4096,\"hint\":\"look at \\\"dmesg\\\"\"}\n"                        \
	"{\"type\":\"check\",\"path\":\"gone\",\"result\":\"unreadable\","                   \
	"\"line\":3,\"expected\":[\"a0a0a0a0\"]," MISSING_JSON "}\n" PARSE_JSON "\n"

static void test_check_json(void **state)
{
	(void)state;
	run_check(&WEIR_OPTS(weir_check_format, .json = true),
		  TEXT("{\"type\":\"check\",\"path\":\"good\",\"result\":\"ok\",\"line\":3,"
		       "\"expected\":[\"a0a0a0a0\"],\"digests\":{\"md5\":\"" HEX_MD5
		       "\"}}\n" CHECK_JSON_REST));
	run_check(&WEIR_OPTS(weir_check_format, .json = true, .quiet = true),
		  TEXT(CHECK_JSON_REST));
	run_check(&WEIR_OPTS(weir_check_format, .json = true, .status = true), TEXT(""));
}

static void test_check_json_several(void **state)
{
	struct weir_expectation *expected = expectation_new();
	struct weir_record record = record_of(TEXT("a"), &md5);
	struct bench bench;
	(void)state;

	expected->digests_count = 2;
	record.expected = expected;
	check_open(&bench, &WEIR_OPTS(weir_check_format, .json = true));
	bench_put(&bench, &record);
	bench_close(&bench,
		    TEXT("{\"type\":\"check\",\"path\":\"a\",\"result\":\"failed\",\"line\":3,"
			 "\"expected\":[\"a0a0a0a0\",\"a1a1a1a1\"],"
			 "\"digests\":{\"md5\":\"" HEX_MD5 "\"}}\n"));
	free(expected);
}

/* Which errors mean that a file is not there, and which that a digest differs. */
static void test_check_counts(void **state)
{
	static const struct weir_error errors[] = {
		{.code = -ENOENT, .op = WEIR_OP_STAT},    {.code = -ENOENT, .op = WEIR_OP_OPEN},
		{.code = -EACCES, .op = WEIR_OP_OPEN},    {.code = -ENOENT, .op = WEIR_OP_READ},
		{.code = -ESTALE, .op = WEIR_OP_COMPARE}, {.code = -EBADMSG, .op = WEIR_OP_VERIFY},
	};
	struct weir_expectation *expected = expectation_new();
	struct weir_record record = record_of(TEXT("a"), NULL);
	struct bench bench;
	(void)state;

	record.expected = expected;
	check_open(&bench, &WEIR_OPTS(weir_check_format, .quiet = true));
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		record.error = &errors[i];
		bench_put(&bench, &record);
	}
	struct weir_check_counts counts = weir_sink_check_counts(bench.sink);
	assert_int_equal(counts.missing, 2);
	assert_int_equal(counts.unreadable, 3);
	assert_int_equal(counts.differing, 1);
	assert_int_equal(counts.matched + counts.malformed, 0);
	assert_int_equal(bench.errors, 6);
#define LINE "a: FAILED open or read\n"
	bench_close(&bench, TEXT(LINE LINE LINE LINE LINE "a: FAILED\n"));
	free(expected);
}

/* A program that was built when the struct was shorter, and one from the future. */
static void test_option_sizes(void **state)
{
	struct weir_manifest_format format = {.tagged = true, .zero = true};
	struct weir_check_format check = {0};
	struct weir_record record = record_of(TEXT("a"), &md5);
	struct weir_sink *none = NULL;
	struct bench bench;
	(void)state;

	bench_open(&bench);
	assert_int_equal(weir_sink_new_manifest(bench.output, &format, NULL, NULL, &none), -EINVAL);
	format.size = sizeof(format) + 8;
	assert_int_equal(weir_sink_new_manifest(bench.output, &format, NULL, NULL, &none), -EINVAL);
	assert_int_equal(weir_sink_new_check(bench.output, &check, NULL, NULL, &none), -EINVAL);
	assert_null(none);
	format.size = offsetof(struct weir_manifest_format, zero);
	assert_int_equal(weir_sink_new_manifest(bench.output, &format, NULL, NULL, &bench.sink), 0);
	bench_put(&bench, &record);
	bench_close(&bench, TEXT("MD5 (a) = " HEX_MD5 "\n"));
}

static void test_output_errors(void **state)
{
	struct weir_record record = record_of(TEXT("a"), &md5);
	struct weir_output *output = NULL;
	struct weir_sink *sink = NULL;
	int err = 0;
	(void)state;

	assert_int_equal(weir_output_new_file("/dev/full", &output, NULL), 0);
	assert_int_equal(weir_sink_new_manifest(output, NULL, NULL, NULL, &sink), 0);
	assert_int_equal(sink->put(sink, &record), 0); /* into the buffer */
	assert_int_equal(sink->finish(sink), -ENOSPC);
	assert_int_equal(sink->put(sink, &record), -ENOSPC);
	weir_sink_free(sink);
	weir_output_free(output);

	assert_int_equal(weir_output_new_file("/dev/full", &output, NULL), 0);
	assert_int_equal(weir_sink_new_check(output, NULL, NULL, NULL, &sink), 0);
	for (unsigned int i = 0; i < 100000 && !err; i++)
		err = sink->put(sink, &record);
	assert_int_equal(err, -ENOSPC);
	weir_sink_free(sink);
	weir_output_free(output);
}

static void test_null(void **state)
{
	struct weir_record record = record_of(TEXT("a"), &md5);
	struct weir_sink *sink = NULL;
	(void)state;

	assert_int_equal(weir_sink_new_null(&sink), 0);
	assert_string_equal(sink->name, "null");
	assert_int_equal(sink->put(sink, &record), 0);
	weir_sink_free(sink);
	weir_sink_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_zero),
		cmocka_unit_test(test_tagged),
		cmocka_unit_test(test_tagged_where_it_must_be),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_errors_without_ear),
		cmocka_unit_test(test_check_text),
		cmocka_unit_test(test_check_json),
		cmocka_unit_test(test_check_json_several),
		cmocka_unit_test(test_check_counts),
		cmocka_unit_test(test_option_sizes),
		cmocka_unit_test(test_output_errors),
		cmocka_unit_test(test_null),
	};
	return cmocka_run_group_tests_name("sinks", tests, NULL, NULL);
}
