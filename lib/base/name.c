/* SPDX-License-Identifier: MIT */
#include "base/name.h"

#include <errno.h>
#include <string.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The letter behind the backslash, or 0 for a byte that stands for itself. */
static char escape_of(char byte)
{
	switch (byte) {
	case '\\':
		return '\\';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	default:
		return 0;
	}
}

/* The byte that a backslash and this letter stand for, or 0. */
static char unescape_of(char letter)
{
	switch (letter) {
	case '\\':
		return '\\';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	default:
		return 0;
	}
}

static void str_cut(struct str *str, size_t len)
{
	str->len = len;
	if (str->buf)
		str->buf[len] = '\0';
}

bool name_is_odd(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (escape_of(name[i]))
			return true;
	}
	return false;
}

void name_append_escaped(struct str *str, const char *name, size_t len)
{
	size_t before = str->len;
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		char letter = escape_of(name[i]);
		if (!letter)
			continue;
		str_append(str, name + run, i - run);
		str_append(str, (char[]){'\\', letter}, 2);
		run = i + 1;
	}
	str_append(str, name + run, len - run);
	if (str->err)
		str_cut(str, before);
}

int name_append_unescaped(struct str *str, const char *text, size_t len)
{
	size_t before = str->len;
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\\')
			continue;
		char byte = i + 1 < len ? unescape_of(text[i + 1]) : 0;
		if (!byte) {
			str_cut(str, before);
			return -EINVAL;
		}
		str_append(str, text + run, i - run);
		str_append_byte(str, byte);
		run = ++i + 1;
	}
	str_append(str, text + run, len - run);
	if (str->err)
		str_cut(str, before);
	return str->err;
}

/*
 * The length of the character that begins at s, or 0. The table of the Unicode
 * standard: only the second byte has ranges of its own.
 */
static size_t utf8_char_len(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t want;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		want = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		want = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		want = 4;
	else
		return 0;

	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;

	if (len < want || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < want; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return want;
}

bool name_is_utf8(const char *name, size_t len)
{
	const unsigned char *s = (const unsigned char *)name;

	for (size_t i = 0; i < len;) {
		size_t step = utf8_char_len(s + i, len - i);
		if (!step)
			return false;
		i += step;
	}
	return true;
}

void name_append_base64(struct str *str, const char *name, size_t len)
{
	const unsigned char *s = (const unsigned char *)name;

	if (str_reserve(str, len / 3 * 4 + 4))
		return;
	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)s[i] << 16;
		if (have > 1)
			bits |= (uint32_t)s[i + 1] << 8;
		if (have > 2)
			bits |= s[i + 2];

		char group[4] = {'=', '=', '=', '='};
		group[0] = base64_digits[bits >> 18];
		group[1] = base64_digits[bits >> 12 & 63];
		if (have > 1)
			group[2] = base64_digits[bits >> 6 & 63];
		if (have > 2)
			group[3] = base64_digits[bits & 63];
		str_append(str, group, sizeof(group));
	}
}

static int base64_value(char digit)
{
	const char *at = digit ? strchr(base64_digits, digit) : NULL;
	return at ? (int)(at - base64_digits) : -1;
}

/* Decodes one group of four with `pad` signs of padding at its end, or -EINVAL. */
static int base64_group(const char *text, size_t pad, char out[3])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4 - pad; i++) {
		int value = base64_value(text[i]);
		if (value < 0)
			return -EINVAL;
		bits |= (uint32_t)value << (18 - 6 * i);
	}
	/* Bits that no byte takes must be zero, or two texts would mean one name. */
	if (bits & ((UINT32_C(1) << (8 * pad)) - 1))
		return -EINVAL;
	out[0] = (char)(bits >> 16);
	out[1] = (char)(bits >> 8 & 0xff);
	out[2] = (char)(bits & 0xff);
	return 0;
}

int name_append_from_base64(struct str *str, const char *text, size_t len)
{
	size_t before = str->len;

	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		size_t pad = 0;
		char bytes[3];
		if (i + 4 == len && text[i + 3] == '=')
			pad = text[i + 2] == '=' ? 2 : 1;
		if (base64_group(text + i, pad, bytes)) {
			str_cut(str, before);
			return -EINVAL;
		}
		str_append(str, bytes, 3 - pad);
	}
	if (str->err)
		str_cut(str, before);
	return str->err;
}
