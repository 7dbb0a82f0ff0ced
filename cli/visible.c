/* SPDX-License-Identifier: MIT */
#include "visible.h"

#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>

/* The length of the UTF-8 character at s, and its number in ret_rune; 0 if there is none. */
static size_t utf8_decode(const char *s, size_t len, uint32_t *ret_rune)
{
	size_t size = 1;
	while (size <= 4 && size <= len && !name_is_utf8(s, size))
		size++;
	if (size > 4 || size > len)
		return 0;

	uint32_t rune = (unsigned char)s[0];
	if (size > 1)
		rune &= 0x7fu >> size;
	for (size_t i = 1; i < size; i++)
		rune = rune << 6 | ((unsigned char)s[i] & 0x3fu);
	*ret_rune = rune;
	return size;
}

static bool is_harmless(uint32_t rune)
{
	bool is_control = rune < 0x20 || (rune >= 0x7f && rune < 0xa0);
	bool is_separator = rune == 0x2028 || rune == 0x2029;
	bool is_bidi = rune == 0x061c || rune == 0x200e || rune == 0x200f ||
		       (rune >= 0x202a && rune <= 0x202e) || (rune >= 0x2066 && rune <= 0x2069);
	return !is_control && !is_separator && !is_bidi;
}

static void append_octal(struct str *str, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		str_printf(str, "\\%03o", (unsigned char)bytes[i]);
}

void visible_append(struct str *str, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t rune = 0;
		size_t size = utf8_decode(bytes + at, len - at, &rune);
		if (size && is_harmless(rune))
			str_append(str, bytes + at, size);
		else
			append_octal(str, bytes + at, size ? size : 1);
		at += size ? size : 1;
	}
}

void visible_append_line(struct str *str, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			append_octal(str, bytes + i, 1);
		else
			str_append_byte(str, bytes[i]);
	}
}
