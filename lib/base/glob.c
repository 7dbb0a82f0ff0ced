/* SPDX-License-Identifier: MIT */
/*
 * Matching without recursion.
 *
 * The text is walked once from left to right. At a star the place is noted and
 * the star taken to match nothing; where the rest does not fit, the last star
 * is made one byte longer and the rest tried again. Only the last star need be
 * remembered: what stands before it has been matched as early as it can be, so
 * the star reaches every place that it could reach from a later match, and
 * making an earlier star longer finds nothing new. Hence no pattern takes
 * exponential time.
 *
 * With two kinds of stars that holds for each kind by itself. A single star
 * stops at a slash; then the last double star is made longer, and the single
 * stars behind it begin anew. A double star makes every star before it
 * forgettable, a single star only the single ones: a slash in the pattern
 * leaves a single star before it no choice at all.
 *
 * Where the text has come to its end and the pattern has not, longer stars
 * leave even less text, so that is final.
 */
#include "base/glob.h"

#include <errno.h>
#include <string.h>

/* A star to come back to: the pattern behind it, and the text that it has not taken. */
struct star {
	const char *pattern;
	const char *text;
};

/* One byte of a set, perhaps behind a backslash. Returns what follows, or NULL at the end. */
static const char *set_byte(const char *at, unsigned char *ret_byte)
{
	if (*at == '\\')
		at++;
	if (!*at)
		return NULL;
	*ret_byte = (unsigned char)*at;
	return at + 1;
}

/*
 * *pattern stands behind the opening bracket and is moved behind the closing
 * one. Returns whether the set has the byte, or -EINVAL.
 */
static int set_match(const char **pattern, unsigned char byte)
{
	const char *at = *pattern;
	bool is_negated = *at == '!' || *at == '^', is_found = false;

	if (is_negated)
		at++;
	for (bool is_first = true; is_first || *at != ']'; is_first = false) {
		unsigned char low = 0, high = 0;

		if (at[0] == '[' && at[1] && strchr(":.=", at[1]))
			return -EINVAL;
		at = set_byte(at, &low);
		if (!at)
			return -EINVAL;
		high = low;
		if (at[0] == '-' && at[1] && at[1] != ']')
			at = set_byte(at + 1, &high);
		if (!at || high < low)
			return -EINVAL;
		is_found |= byte >= low && byte <= high;
	}
	*pattern = at + 1;
	return is_found != is_negated;
}

/* Whether the element at *pattern, which is no star, matches; moves behind it. -EINVAL as above. */
static int one_match(const char **pattern, char byte)
{
	const char *at = (*pattern)++;

	switch (*at) {
	case '?':
		return byte != '/';
	case '[': {
		int result = set_match(pattern, (unsigned char)byte);
		return result > 0 ? byte != '/' : result;
	}
	case '\\':
		if (!at[1])
			return -EINVAL;
		(*pattern)++;
		return byte == at[1];
	default:
		return byte == *at;
	}
}

int glob_check(const char *pattern)
{
	if (!*pattern)
		return -EINVAL;
	while (*pattern) {
		if (*pattern == '*')
			pattern++;
		else if (one_match(&pattern, '\0') < 0)
			return -EINVAL;
	}
	return 0;
}

/* Lets a double star take one more byte, or one more folder. False when there is none. */
static bool deep_star_grow(struct star *deep, bool is_folders, const char *end)
{
	if (!deep->pattern || deep->text == end)
		return false;
	if (!is_folders) {
		deep->text++;
		return true;
	}
	const char *slash = memchr(deep->text, '/', (size_t)(end - deep->text));
	if (!slash)
		return false;
	deep->text = slash + 1;
	return true;
}

bool glob_match(const char *pattern, const char *text, size_t len)
{
	const char *const start = pattern, *const end = text + len;
	struct star star = {0}, deep = {0};
	bool is_folders = false;

	for (;;) {
		if (pattern[0] == '*' && pattern[1] == '*') {
			bool is_first = pattern == start || pattern[-1] == '/';
			pattern += strspn(pattern, "*");
			is_folders = is_first && *pattern == '/';
			pattern += is_folders;
			deep = (struct star){pattern, text};
			star.pattern = NULL;
			continue;
		}
		if (*pattern == '*') {
			star = (struct star){++pattern, text};
			continue;
		}

		const char *next = pattern;
		if (*pattern && text < end && one_match(&next, *text) > 0) {
			pattern = next;
			text++;
			continue;
		}

		if (text == end)
			return !*pattern;
		if (star.pattern && *star.text != '/') {
			star.text++;
			pattern = star.pattern;
			text = star.text;
			continue;
		}
		if (!deep_star_grow(&deep, is_folders, end))
			return false;
		star.pattern = NULL;
		pattern = deep.pattern;
		text = deep.text;
	}
}
