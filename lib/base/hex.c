/* SPDX-License-Identifier: MIT */
#include "base/hex.h"

#include <errno.h>

int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

void hex_encode(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
}

void hex_append(struct str *str, const uint8_t *bytes, size_t len)
{
	if (str_reserve(str, 2 * len))
		return;
	hex_encode(bytes, len, str->buf + str->len);
	str->len += 2 * len;
	str->buf[str->len] = '\0';
}

int hex_decode(const char *digits, size_t digits_len, uint8_t *out)
{
	if (digits_len % 2)
		return -EINVAL;
	for (size_t i = 0; i < digits_len; i++) {
		if (hex_value(digits[i]) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < digits_len / 2; i++)
		out[i] = (uint8_t)(hex_value(digits[2 * i]) << 4 | hex_value(digits[2 * i + 1]));
	return 0;
}
