/* SPDX-License-Identifier: MIT */
#include "base/hex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_values(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int found = 0;
	(void)state;

	for (int byte = 0; byte < 256; byte++) {
		const char *at = byte ? strchr(digits, byte) : NULL;
		int want = at ? (int)(at - digits) : -1;
		if (want >= 16)
			want -= 6;
		assert_int_equal(hex_value((char)byte), want);
		found += want >= 0;
	}
	assert_int_equal(found, 22);
}

static void test_every_byte_comes_back(void **state)
{
	uint8_t bytes[256], back[256];
	struct str str = STR_INIT;
	(void)state;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	hex_append(&str, bytes, sizeof(bytes));
	assert_int_equal(str.len, 512);
	assert_memory_equal(str.buf, "000102", 6);
	assert_string_equal(str.buf + 506, "fdfeff");
	assert_int_equal(hex_decode(str.buf, str.len, back), 0);
	assert_memory_equal(bytes, back, sizeof(bytes));

	hex_append(&str, bytes, 0);
	assert_int_equal(str.len, 512);
	str_release(&str);
}

static void test_decode(void **state)
{
	uint8_t out[4] = {1, 2, 3, 4};
	(void)state;

	assert_int_equal(hex_decode("DeadBEEF", 8, out), 0);
	assert_memory_equal(out, "\xde\xad\xbe\xef", 4);
	assert_int_equal(hex_decode("", 0, out), 0);
	assert_int_equal(hex_decode("000", 3, out), -EINVAL);
	assert_int_equal(hex_decode("000g", 4, out), -EINVAL);
	assert_int_equal(hex_decode("0x00", 4, out), -EINVAL);
	assert_int_equal(hex_decode(" 000", 4, out), -EINVAL);
	assert_memory_equal(out, "\xde\xad\xbe\xef", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_byte_comes_back),
		cmocka_unit_test(test_decode),
	};
	return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
