/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* In the order of their powers, the first being 1. */
static const char prefixes[] = "KMGTPE";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_len(const char *text, size_t len)
{
	size_t i = 0;
	while (i < len && is_digit(text[i]))
		i++;
	return i;
}

static uint64_t power(uint64_t base, unsigned int exponent)
{
	uint64_t value = 1;
	while (exponent--)
		value *= base;
	return value;
}

static bool text_is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* 1 for k, 2 for m, ...; 0 for another character. */
static unsigned int prefix_exponent(char letter)
{
	for (unsigned int i = 0; prefixes[i]; i++) {
		if (strncasecmp(&letter, &prefixes[i], 1) == 0)
			return i + 1;
	}
	return 0;
}

/* The bytes in one unit, or 0 when it is none. */
static uint64_t unit_bytes(const char *text, size_t len)
{
	if (len == 0 || text_is(text, len, "B"))
		return 1;

	unsigned int exponent = prefix_exponent(*text++);
	len--;
	if (!exponent)
		return 0;
	if (len == 0 || text_is(text, len, "i") || text_is(text, len, "iB"))
		return power(1024, exponent);
	return text_is(text, len, "B") ? power(1000, exponent) : 0;
}

/*
 * The whole bytes in 0.DIGITS units. From the last digit to the first, because
 * floor((a + floor(x)) / 10) is floor((a + x) / 10) for a whole a: exact for
 * any number of digits, and never above 10 units, which is less than 2^64.
 */
static uint64_t fraction_bytes(const char *digits, size_t len, uint64_t unit)
{
	uint64_t value = 0;
	while (len--)
		value = ((uint64_t)(digits[len] - '0') * unit + value) / 10;
	return value;
}

/* digits * unit + more; false when it is 2^64 or above. */
static bool whole_bytes(const char *digits, size_t len, uint64_t unit, uint64_t more, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value))
			return false;
	}
	if (__builtin_mul_overflow(value, unit, &value) ||
	    __builtin_add_overflow(value, more, &value))
		return false;
	*ret = value;
	return true;
}

static int parse_size(const char *text, size_t len, uint64_t *ret_bytes)
{
	size_t whole_len = digits_len(text, len);
	if (!whole_len)
		return -EINVAL;

	size_t at = whole_len, fraction_len = 0;
	if (at < len && text[at] == '.') {
		fraction_len = digits_len(text + at + 1, len - at - 1);
		if (!fraction_len)
			return -EINVAL;
		at += 1 + fraction_len;
	}
	if (fraction_len && at == len)
		return -EINVAL;

	uint64_t unit = unit_bytes(text + at, len - at);
	if (!unit)
		return -EINVAL;
	uint64_t fraction = fraction_bytes(text + at - fraction_len, fraction_len, unit);
	return whole_bytes(text, whole_len, unit, fraction, ret_bytes) ? 0 : -ERANGE;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse_size(text, strlen(text), ret_bytes);
}

int units_parse_rate(const char *text, uint64_t *ret_bytes_per_s)
{
	size_t len = strlen(text);
	if (len >= 2 && text_is(text + len - 2, 2, "/s"))
		len -= 2;
	return parse_size(text, len, ret_bytes_per_s);
}

/* "1.4 Gi": what bytes and rates have in common. Returns the length. */
static int format_scaled(uint64_t bytes, char buf[UNITS_TEXT_BYTES])
{
	if (bytes < 1024)
		return snprintf(buf, UNITS_TEXT_BYTES, "%" PRIu64 " ", bytes);

	unsigned int shift = 10;
	while (shift < 60 && bytes >> shift >= 1024)
		shift += 10;

	uint64_t unit = UINT64_C(1) << shift;
	uint64_t whole = bytes >> shift, rest = bytes & (unit - 1);
	uint64_t tenths = (rest * 10 + unit / 2) >> shift;
	if (whole >= 100) {
		whole += rest >= unit / 2;
		tenths = 0;
	} else if (tenths == 10) {
		whole++;
		tenths = 0;
	}
	if (whole == 1024) {
		whole = 1;
		shift += 10;
	}

	char prefix = prefixes[shift / 10 - 1];
	if (whole >= 100)
		return snprintf(buf, UNITS_TEXT_BYTES, "%" PRIu64 " %ci", whole, prefix);
	return snprintf(buf, UNITS_TEXT_BYTES, "%" PRIu64 ".%" PRIu64 " %ci", whole, tenths,
			prefix);
}

char *units_format_bytes(uint64_t bytes, char buf[UNITS_TEXT_BYTES])
{
	int len = format_scaled(bytes, buf);
	memcpy(buf + len, "B", sizeof("B"));
	return buf;
}

char *units_format_rate(uint64_t bytes_per_s, char buf[UNITS_TEXT_BYTES])
{
	int len = format_scaled(bytes_per_s, buf);
	memcpy(buf + len, "B/s", sizeof("B/s"));
	return buf;
}

char *units_format_duration(uint64_t duration_ns, char buf[UNITS_TEXT_BYTES])
{
	uint64_t s = duration_ns / NS_PER_S, ms = duration_ns % NS_PER_S / NS_PER_MS;
	const size_t size = UNITS_TEXT_BYTES;

	if (s < 1)
		snprintf(buf, size, "%" PRIu64 "ms", ms);
	else if (s < 10)
		snprintf(buf, size, "%" PRIu64 ".%" PRIu64 "s", s, ms / 100);
	else if (s < 60)
		snprintf(buf, size, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(buf, size, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
	return buf;
}

char *units_format_count(uint64_t count, char buf[UNITS_TEXT_BYTES])
{
	char digits[sizeof("18446744073709551615")];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	buf[out] = '\0';
	return buf;
}
