/* SPDX-License-Identifier: MIT */
/*
 * The matcher against the plainest recursion over the same rules. The input is
 * a pattern, a newline, and a text, kept so short that trying everything ends.
 */
#include "base/glob.h"
#include "base/verify.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define PATTERN_MAX 24
#define TEXT_MAX 24
#define STARS_MAX 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The length of the element at the pattern, and whether it matches byte; 0: malformed. */
static size_t naive_one(const char *p, char byte, bool *ret_match)
{
	size_t i = 1;

	if (p[0] == '?') {
		*ret_match = byte != '/';
	} else if (p[0] == '\\') {
		*ret_match = p[1] == byte;
		i = p[1] ? 2 : 0;
	} else if (p[0] == '[') {
		bool is_negated = p[1] == '!' || p[1] == '^', has[256] = {false};
		i += is_negated;
		for (size_t first = i; i == first || p[i] != ']';) {
			if (p[i] == '[' && (p[i + 1] == ':' || p[i + 1] == '.' || p[i + 1] == '='))
				return 0;
			i += p[i] == '\\';
			if (!p[i])
				return 0;
			unsigned int low = (unsigned char)p[i++], high = low;
			if (p[i] == '-' && p[i + 1] && p[i + 1] != ']') {
				i++;
				i += p[i] == '\\';
				if (!p[i])
					return 0;
				high = (unsigned char)p[i++];
			}
			if (high < low)
				return 0;
			while (low <= high)
				has[low++] = true;
		}
		i++;
		*ret_match = byte != '/' && has[(unsigned char)byte] != is_negated;
	} else {
		*ret_match = p[0] == byte;
	}
	return i;
}

static int naive_check(const char *p)
{
	bool ignored;

	if (!*p)
		return -EINVAL;
	while (*p) {
		size_t step = *p == '*' ? 1 : naive_one(p, 'a', &ignored);
		if (!step)
			return -EINVAL;
		p += step;
	}
	return 0;
}

static bool naive_match(const char *start, const char *p, const char *s, const char *end)
{
	if (!*p)
		return s == end;
	if (p[0] == '*' && p[1] == '*') {
		const char *rest = p + strspn(p, "*");
		bool is_folders = (p == start || p[-1] == '/') && *rest == '/';
		if (is_folders && naive_match(start, rest + 1, s, end))
			return true;
		for (; s <= end; s++) {
			if (naive_match(start, rest, s, end))
				return true;
		}
		return false;
	}
	if (*p == '*') {
		for (;; s++) {
			if (naive_match(start, p + 1, s, end))
				return true;
			if (s == end || *s == '/')
				return false;
		}
	}
	if (s == end)
		return false;
	bool is_match = false;
	size_t step = naive_one(p, *s, &is_match);
	return is_match && naive_match(start, p + step, s + 1, end);
}

static unsigned int count_stars(const char *pattern)
{
	unsigned int count = 0;
	while (*pattern)
		count += *pattern++ == '*';
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *input = (const char *)data;
	const char *newline = len ? memchr(input, '\n', len) : NULL;
	size_t pattern_len = newline ? (size_t)(newline - input) : len;
	const char *text = newline ? newline + 1 : input + len;
	size_t text_len = len - (size_t)(text - input);
	char pattern[PATTERN_MAX + 1] = "";

	if (pattern_len > PATTERN_MAX || (pattern_len && memchr(input, '\0', pattern_len)))
		return 0;
	if (text_len > TEXT_MAX)
		text_len = TEXT_MAX;
	if (pattern_len)
		memcpy(pattern, input, pattern_len);

	VERIFY(glob_check(pattern) == naive_check(pattern));
	if (glob_check(pattern) || count_stars(pattern) > STARS_MAX)
		return 0;
	VERIFY(glob_match(pattern, text, text_len) ==
	       naive_match(pattern, pattern, text, text + text_len));
	return 0;
}
