/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1

static void assert_str(struct str *str, const char *want)
{
	assert_int_equal(str->err, 0);
	assert_string_equal(str->buf, want);
	assert_int_equal(str->len, strlen(want));
	str_clear(str);
}

static void test_strings(void **state)
{
	struct str str = STR_INIT;
	(void)state;

	json_append_string(&str, TEXT(""));
	assert_str(&str, "\"\"");
	json_append_string(&str, TEXT("a\"b\\c/d"));
	assert_str(&str, "\"a\\\"b\\\\c/d\"");
	json_append_string(&str, TEXT("\b\f\n\r\t"));
	assert_str(&str, "\"\\b\\f\\n\\r\\t\"");
	json_append_string(&str, TEXT("\x01\x1f \x7f\0z"));
	assert_str(&str, "\"\\u0001\\u001f \\u007f\\u0000z\"");
	json_append_string(&str, TEXT("caf\xc3\xa9 \xf0\x9f\x98\x80"));
	assert_str(&str, "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"");
	str_release(&str);
}

static void test_paths(void **state)
{
	struct str str = STR_INIT;
	(void)state;

	json_append_path(&str, TEXT("a/b\n"));
	assert_str(&str, "\"path\":\"a/b\\n\"");
	json_append_path(&str, TEXT("caf\xc3\xa9"));
	assert_str(&str, "\"path\":\"caf\xc3\xa9\"");
	json_append_path(&str, TEXT("caf\xe9"));
	assert_str(&str, "\"path_base64\":\"Y2Fm6Q==\"");
	json_append_path(&str, TEXT("a\0b"));
	assert_str(&str, "\"path_base64\":\"YQBi\"");
	json_append_path(&str, TEXT(""));
	assert_str(&str, "\"path\":\"\"");
	str_release(&str);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_paths),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
