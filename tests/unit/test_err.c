/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_op_names(void **state)
{
	(void)state;
	assert_string_equal(weir_op_name(WEIR_OP_OPEN), "open");
	assert_string_equal(weir_op_name(WEIR_OP_START), "start");
	for (int op = WEIR_OP_NONE; op <= WEIR_OP_START; op++) {
		const char *name = weir_op_name((enum weir_op)op);
		assert_string_not_equal(name, "unknown");
		for (int other = WEIR_OP_NONE; other < op; other++)
			assert_string_not_equal(name, weir_op_name((enum weir_op)other));
	}
	assert_string_equal(weir_op_name((enum weir_op)999), "unknown");
	assert_string_equal(weir_op_name((enum weir_op) - 1), "unknown");
}

static void test_errno_names(void **state)
{
	(void)state;
	assert_string_equal(weir_errno_name(-EACCES), "EACCES");
	assert_string_equal(weir_errno_name(-EIO), "EIO");
	assert_string_equal(weir_errno_name(EIO), "E?");
	assert_string_equal(weir_errno_name(-4000), "E?");
	assert_string_equal(weir_errno_name(INT_MIN), "E?");
	assert_string_equal(weir_errno_name(INT_MAX), "E?");
}

static void assert_format(const struct weir_error *error, const char *want)
{
	char buf[256];
	assert_ptr_equal(weir_error_format(error, buf, sizeof(buf)), buf);
	assert_string_equal(buf, want);
}

static void test_format(void **state)
{
	(void)state;
	assert_format(&(struct weir_error){.code = -EACCES, .op = WEIR_OP_OPEN},
		      "open: Permission denied");
	assert_format(&(struct weir_error){.code = -EIO,
					   .op = WEIR_OP_READ,
					   .has_offset = true,
					   .offset_bytes = UINT64_MAX,
					   .path = "not shown",
					   .path_len_bytes = 9,
					   .hint = "look at dmesg"},
		      "read at offset 18446744073709551615: Input/output error (look at dmesg)");
	assert_format(&(struct weir_error){.code = -EINVAL,
					   .op = WEIR_OP_PARSE,
					   .has_offset = true,
					   .offset_bytes = 7},
		      "parse at line 7: malformed");
	assert_format(&(struct weir_error){.code = -ESTALE, .op = WEIR_OP_COMPARE},
		      "compare: changed while it was read");
	assert_format(&(struct weir_error){.code = -ESTALE, .op = WEIR_OP_WALK},
		      "walk: the folder changed");
	assert_format(&(struct weir_error){.code = -ESTALE, .op = WEIR_OP_READ},
		      "read: Stale file handle");
	assert_format(&(struct weir_error){.code = -ENOMEM}, "Cannot allocate memory");
	assert_format(&(struct weir_error){.code = -4000, .op = WEIR_OP_WALK},
		      "walk: Unknown error");
	assert_format(&(struct weir_error){.code = 0, .op = WEIR_OP_WALK}, "walk: Success");
}

static void test_format_is_cut(void **state)
{
	struct weir_error error = {.code = -EACCES, .op = WEIR_OP_OPEN};
	char buf[8] = "#######";
	(void)state;

	weir_error_format(&error, buf, 6);
	assert_memory_equal(buf, "open:\0#", 7);
	weir_error_format(&error, buf, 1);
	assert_memory_equal(buf, "\0pen:\0#", 7);
	memcpy(buf, "#######", 7);
	weir_error_format(&error, buf, 0);
	assert_memory_equal(buf, "#######", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_op_names),
		cmocka_unit_test(test_errno_names),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_is_cut),
	};
	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
