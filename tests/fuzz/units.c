/* SPDX-License-Identifier: MIT */
/*
 * The size parser against one that knows the table of units by heart and does
 * long arithmetic on decimal digits; and the formatters' texts against limits.
 */
#include "base/units.h"
#include "base/verify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
	const char *unit;
	unsigned int base, power;
} units[] = {
	{"", 1, 0},       {"b", 1, 0},      {"k", 1024, 1},   {"ki", 1024, 1},  {"kib", 1024, 1},
	{"kb", 1000, 1},  {"m", 1024, 2},   {"mi", 1024, 2},  {"mib", 1024, 2}, {"mb", 1000, 2},
	{"g", 1024, 3},   {"gi", 1024, 3},  {"gib", 1024, 3}, {"gb", 1000, 3},  {"t", 1024, 4},
	{"ti", 1024, 4},  {"tib", 1024, 4}, {"tb", 1000, 4},  {"p", 1024, 5},   {"pi", 1024, 5},
	{"pib", 1024, 5}, {"pb", 1000, 5},  {"e", 1024, 6},   {"ei", 1024, 6},  {"eib", 1024, 6},
	{"eb", 1000, 6},
};

/* A number of decimal digits, the lowest first. */
struct decimal {
	unsigned int digits[TEXT_MAX + 32];
};

#define DIGITS (sizeof(((struct decimal *)0)->digits) / sizeof(unsigned int))

static void decimal_multiply(struct decimal *number, unsigned int by)
{
	unsigned int carry = 0;
	for (size_t i = 0; i < DIGITS; i++) {
		carry += number->digits[i] * by;
		number->digits[i] = carry % 10;
		carry /= 10;
	}
	VERIFY(!carry);
}

static int naive_size(const char *text, uint64_t *ret_bytes)
{
	struct decimal number = {0};
	char digits[TEXT_MAX + 1] = "";
	size_t whole = strspn(text, "0123456789"), fraction = 0, unit;
	const char *rest = text + whole;

	if (!whole)
		return -EINVAL;
	memcpy(digits, text, whole);
	if (*rest == '.') {
		fraction = strspn(++rest, "0123456789");
		memcpy(digits + whole, rest, fraction);
		rest += fraction;
		if (!fraction || !*rest)
			return -EINVAL;
	}
	for (unit = 0; unit < sizeof(units) / sizeof(units[0]); unit++) {
		if (!strcasecmp(units[unit].unit, rest))
			break;
	}
	if (unit == sizeof(units) / sizeof(units[0]))
		return -EINVAL;

	for (size_t i = 0; i < whole + fraction; i++)
		number.digits[i] = (unsigned int)(digits[whole + fraction - 1 - i] - '0');
	for (unsigned int i = 0; i < units[unit].power; i++)
		decimal_multiply(&number, units[unit].base);

	uint64_t value = 0;
	for (size_t i = DIGITS; i-- > fraction;) {
		if (value > (UINT64_MAX - number.digits[i]) / 10)
			return -ERANGE;
		value = value * 10 + number.digits[i];
	}
	*ret_bytes = value;
	return 0;
}

static void check_size(const char *text)
{
	uint64_t want = 4711, size = 4711, rate = 4711;
	char with_rate[TEXT_MAX + 3];

	int err = naive_size(text, &want);
	VERIFY(units_parse_size(text, &size) == err);
	VERIFY(size == want);

	snprintf(with_rate, sizeof(with_rate), "%s/s", text);
	VERIFY(units_parse_rate(with_rate, &rate) == err);
	VERIFY(rate == want);
	VERIFY(units_parse_size(with_rate, &rate) == -EINVAL);
}

/* The text of a size is near it: half of its last digit's worth at most. */
static void check_format(uint64_t value)
{
	char text[UNITS_TEXT_BYTES], compact[UNITS_TEXT_BYTES];
	uint64_t back = 0;
	size_t out = 0;

	units_format_bytes(value, text);
	for (const char *at = text; *at; at++) {
		if (*at != ' ')
			compact[out++] = *at;
	}
	compact[out] = '\0';
	int err = units_parse_size(compact, &back);
	VERIFY(err == 0 || (err == -ERANGE && !strcmp(text, "16.0 EiB")));
	uint64_t off = back > value ? back - value : value - back;
	VERIFY(err || off <= value / 20 + 1);

	units_format_rate(value, compact);
	VERIFY(!strncmp(text, compact, strlen(text)) && !strcmp(compact + strlen(text), "/s"));
	VERIFY(strlen(units_format_duration(value, text)) < UNITS_TEXT_BYTES);

	units_format_count(value, text);
	out = 0;
	for (size_t i = 0, len = strlen(text); i < len; i++) {
		VERIFY((text[i] == ',') == ((len - i) % 4 == 0));
		if (text[i] != ',')
			compact[out++] = text[i];
	}
	compact[out] = '\0';
	VERIFY(strtoull(compact, NULL, 10) == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[TEXT_MAX + 1] = "";
	uint64_t value = 0;

	memcpy(text, data, len < TEXT_MAX ? len : TEXT_MAX);
	check_size(text);
	if (!units_parse_size(text, &value))
		check_format(value);
	memcpy(&value, text, sizeof(value));
	check_format(value);
	return 0;
}
