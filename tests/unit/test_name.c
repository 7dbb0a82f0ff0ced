/* SPDX-License-Identifier: MIT */
#include "base/name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1

static void assert_str(struct str *str, const char *want, size_t len)
{
	assert_int_equal(str->err, 0);
	assert_int_equal(str->len, len);
	assert_memory_equal(str->buf ? str->buf : "", want, len);
	str_clear(str);
}

static void test_escape(void **state)
{
	static const struct {
		const char *name;
		size_t name_len;
		const char *text;
	} cases[] = {
		{TEXT(""), ""},
		{TEXT("plain"), "plain"},
		{TEXT("\\"), "\\\\"},
		{TEXT("a\nb\rc\\d"), "a\\nb\\rc\\\\d"},
		{TEXT("\n\n"), "\\n\\n"},
		{TEXT("\\n"), "\\\\n"},
		{TEXT("tab\tbell\aend "), "tab\tbell\aend "},
		{TEXT("bad\xff"), "bad\xff"},
	};
	struct str str = STR_INIT;
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t text_len = strlen(cases[i].text);
		name_append_escaped(&str, cases[i].name, cases[i].name_len);
		assert_str(&str, cases[i].text, text_len);
		assert_int_equal(name_append_unescaped(&str, cases[i].text, text_len), 0);
		assert_str(&str, cases[i].name, cases[i].name_len);
		assert_int_equal(name_is_odd(cases[i].name, cases[i].name_len),
				 text_len != cases[i].name_len);
	}
	str_release(&str);
}

static void test_unescape_is_strict(void **state)
{
	static const char *const bad[] = {"\\", "a\\", "\\\\\\", "\\t", "\\0", "ok\\n\\x", "\\N"};
	struct str str = STR_INIT;
	(void)state;

	str_append_text(&str, "kept");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(name_append_unescaped(&str, bad[i], strlen(bad[i])), -EINVAL);
		assert_string_equal(str.buf, "kept");
		assert_int_equal(str.len, 4);
	}
	/* The length counts, not what stands behind it. */
	assert_int_equal(name_append_unescaped(&str, "\\n", 1), -EINVAL);
	assert_int_equal(name_append_unescaped(&str, "\\\0", 2), -EINVAL);
	str_release(&str);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_valid;
	} cases[] = {
		{TEXT(""), true},
		{TEXT("ascii\x7f"), true},
		{TEXT("nul\0nul"), true},
		{TEXT("\xc2\x80"), true},
		{TEXT("\xdf\xbf"), true},
		{TEXT("\xe0\xa0\x80"), true},
		{TEXT("\xed\x9f\xbf"), true},
		{TEXT("\xee\x80\x80"), true},
		{TEXT("\xef\xbf\xbf"), true},
		{TEXT("\xf0\x90\x80\x80"), true},
		{TEXT("\xf4\x8f\xbf\xbf"), true},
		{TEXT("\x80"), false},
		{TEXT("\xbf"), false},
		{TEXT("\xc0\x80"), false},
		{TEXT("\xc1\xbf"), false},
		{TEXT("\xc2"), false},
		{TEXT("\xc2\x41"), false},
		{TEXT("\xc2\xc2"), false},
		{TEXT("\xe0\x9f\xbf"), false},
		{TEXT("\xe2\x82"), false},
		{TEXT("\xe2\x82\x41"), false},
		{TEXT("\xed\xa0\x80"), false},
		{TEXT("\xed\xbf\xbf"), false},
		{TEXT("\xf0\x8f\xbf\xbf"), false},
		{TEXT("\xf0\x90\x80"), false},
		{TEXT("\xf0\x90\x80\xc0"), false},
		{TEXT("\xf4\x90\x80\x80"), false},
		{TEXT("\xf5\x80\x80\x80"), false},
		{TEXT("\xff"), false},
		{TEXT("ok\xfe"), false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(name_is_utf8(cases[i].text, cases[i].len), cases[i].is_valid);
	/* A character that only the bytes behind the name would complete. */
	assert_false(name_is_utf8("\xc2\x80", 1));
}

static void test_base64(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		const char *text;
	} cases[] = {
		{TEXT(""), ""},
		{TEXT("f"), "Zg=="},
		{TEXT("fo"), "Zm8="},
		{TEXT("foo"), "Zm9v"},
		{TEXT("foob"), "Zm9vYg=="},
		{TEXT("fooba"), "Zm9vYmE="},
		{TEXT("foobar"), "Zm9vYmFy"},
		{TEXT("\xff\xfe\0\xfb"), "//4A+w=="},
	};
	struct str str = STR_INIT;
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t text_len = strlen(cases[i].text);
		name_append_base64(&str, cases[i].name, cases[i].len);
		assert_str(&str, cases[i].text, text_len);
		assert_int_equal(name_append_from_base64(&str, cases[i].text, text_len), 0);
		assert_str(&str, cases[i].name, cases[i].len);
	}
	str_release(&str);
}

static void test_base64_is_strict(void **state)
{
	static const char *const bad[] = {
		"Z",     "Zg",   "Zg=",  "Zg=a",     "Zh==",       "Zm9=",
		"====",  "Z===", "=Zg=", "Zg==Zg==", "Zm9vZg=",    "Zm 9",
		"Zm9\n", "Zm9-", "Zm9_", "Zm9v\n",   "Zm9vYg==\n",
	};
	struct str str = STR_INIT;
	(void)state;

	str_append_text(&str, "kept");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(name_append_from_base64(&str, bad[i], strlen(bad[i])), -EINVAL);
		assert_string_equal(str.buf, "kept");
	}
	assert_int_equal(name_append_from_base64(&str, "Zm9\0", 4), -EINVAL);
	str_release(&str);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_unescape_is_strict),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_is_strict),
	};
	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
