/* SPDX-License-Identifier: MIT */
#include "base/glob.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct glob_case {
	const char *pattern, *text;
	bool is_match;
};

static void run(const struct glob_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct glob_case *c = &cases[i];
		assert_int_equal(glob_check(c->pattern), 0);
		if (glob_match(c->pattern, c->text, strlen(c->text)) != c->is_match)
			fail_msg("\"%s\" and \"%s\": not %d", c->pattern, c->text, c->is_match);
	}
}

#define RUN(cases) run(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_plain(void **state)
{
	static const struct glob_case cases[] = {
		{"a", "a", true},         {"a", "b", false},    {"a", "", false},
		{"a", "aa", false},       {"aa", "a", false},   {"a/b", "a/b", true},
		{"\\*", "*", true},       {"\\*", "a", false},  {"\\a", "a", true},
		{"\\\\", "\\", true},     {"?", "a", true},     {"?", "/", false},
		{"?", "", false},         {"a?c", "abc", true}, {"a?c", "a/c", false},
		{"??", "\xc3\xa9", true}, {"?", "\xff", true},  {"\xff", "\xff", true},
	};
	(void)state;
	RUN(cases);
}

static void test_star(void **state)
{
	static const struct glob_case cases[] = {
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a/b", false},
		{"*.c", "x.c", true},
		{"*.c", ".c", true},
		{"*.c", "x.c.c", true},
		{"*.c", "x.h", false},
		{"*.c", "d/x.c", false},
		{"a*", "a", true},
		{"a*c", "abc", true},
		{"a*c", "ab/c", false},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"*/*", "a/b", true},
		{"*/*", "a/b/c", false},
		{"*/*", "/", true},
		{"a/*/b", "a/b", false},
		{"a/*/b", "a//b", true},
		{"*a*/*b*", "xax/xbx", true},
		{"*ab", "aab", true},
		{"*\\*", "a*", true},
	};
	(void)state;
	RUN(cases);
}

static void test_double_star(void **state)
{
	static const struct glob_case cases[] = {
		{"**", "", true},
		{"**", "a/b/c", true},
		{"**/x", "x", true},
		{"**/x", "a/x", true},
		{"**/x", "a/b/x", true},
		{"**/x", "ax", false},
		{"**/x", "a/bx", false},
		{"**/x", "x/y", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "ab", false},
		{"a/**/b", "a/xb", false},
		{"a/**/b", "xa/b", false},
		{"a/**", "a/b/c", true},
		{"a/**", "a/", true},
		{"a/**", "a", false},
		{"a**b", "a/x/b", true},
		{"a**b", "ab", true},
		{"a**/b", "ab", false},
		{"a**/b", "axx/b", true},
		{"a**/b", "a/x/b", true},
		{"***", "a/b", true},
		{"***/x", "x", true},
		{"**/**/x", "x", true},
		{"**/a/**/b", "x/a/b", true},
		{"**/a/**/b", "a/b", true},
		{"**/a/**/b", "b/a", false},
		{"**/*.c", "x.c", true},
		{"**/*.c", "a/b/x.c", true},
		{"**/*.c", "a/x.c/y", false},
		{"**/a*b/c", "a/axb/c", true},
		{"**a*b", "a/ab", true},
		{"**/?", "ab/c", true},
		{"\\/**/x", "/x", true},
	};
	(void)state;
	RUN(cases);
}

static void test_sets(void **state)
{
	static const struct glob_case cases[] = {
		{"[abc]", "b", true},          {"[abc]", "d", false},    {"[a-c]", "b", true},
		{"[a-c]", "-", false},         {"[!a-c]", "b", false},   {"[!a-c]", "x", true},
		{"[^a-c]", "x", true},         {"[^a-c]", "a", false},   {"[!a]", "/", false},
		{"[/]", "/", false},           {"[.-0]", "/", false},    {"[]]", "]", true},
		{"[]a]", "a", true},           {"[!]]", "]", false},     {"[!]]", "a", true},
		{"[-a]", "-", true},           {"[a-]", "-", true},      {"[a-]", "b", false},
		{"[--0]", ".", true},          {"[\\]]", "]", true},     {"[\\\\]", "\\", true},
		{"[a\\-z]", "b", false},       {"[a\\-z]", "-", true},   {"[*?]", "*", true},
		{"[*?]", "a", false},          {"[a^]", "^", true},      {"[[]", "[", true},
		{"[\x80-\xff]", "\xc3", true}, {"x[0-9]*", "x1y", true}, {"[a-z]", "", false},
		{"[a][b]", "ab", true},
	};
	(void)state;
	RUN(cases);
}

static void test_check(void **state)
{
	static const char *const bad[] = {
		"",        "[",       "[]",           "[!",     "[!]",
		"[^]",     "[a",      "[a-",          "[a-]x[", "x\\",
		"\\",      "[\\",     "[\\]",         "[z-a]",  "[[:alpha:]]",
		"[[.a.]]", "[[=a=]]", "[a[:digit:]]", "*[",     "**/[b-a]",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (glob_check(bad[i]) != -EINVAL)
			fail_msg("\"%s\" passed", bad[i]);
	}
}

/* Would take longer than the universe has if stars were tried in all combinations. */
static void test_time(void **state)
{
	char text[4096];
	char pattern[] = "a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
	char deep[] = "**/a*a**a*a**a*a**/a*a**a*a**a*a**a*b";
	(void)state;

	memset(text, 'a', sizeof(text));
	assert_false(glob_match(pattern, text, sizeof(text)));
	assert_false(glob_match(deep, text, sizeof(text)));
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '/';
	assert_false(glob_match(pattern, text, sizeof(text)));
	assert_false(glob_match(deep, text, sizeof(text)));
	text[sizeof(text) - 2] = 'b';
	assert_true(glob_match("**/b/", text, sizeof(text)));
}

static void test_length_counts(void **state)
{
	(void)state;
	assert_true(glob_match("ab", "abc", 2));
	assert_true(glob_match("*", "a/b", 1));
	assert_true(glob_match("a?b", "a\0b", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),         cmocka_unit_test(test_star),
		cmocka_unit_test(test_double_star),   cmocka_unit_test(test_sets),
		cmocka_unit_test(test_check),         cmocka_unit_test(test_time),
		cmocka_unit_test(test_length_counts),
	};
	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
