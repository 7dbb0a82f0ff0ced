/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_release(struct str *str)
{
	free(str->buf);
	*str = (struct str)STR_INIT;
}

void str_clear(struct str *str)
{
	str->len = 0;
	str->err = 0;
	if (str->buf)
		str->buf[0] = '\0';
}

int str_reserve(struct str *str, size_t more)
{
	if (str->err)
		return str->err;
	if (str->cap && more < str->cap - str->len)
		return 0;
	if (more >= SIZE_MAX / 2 - str->len)
		return str->err = -ENOMEM;

	size_t cap = str->cap ? str->cap : 64;
	while (cap <= str->len + more)
		cap *= 2;
	char *buf = realloc(str->buf, cap);
	if (!buf)
		return str->err = -ENOMEM;
	str->buf = buf;
	str->cap = cap;
	return 0;
}

void str_append(struct str *str, const void *data, size_t len)
{
	if (str_reserve(str, len))
		return;
	if (len)
		memcpy(str->buf + str->len, data, len);
	str->len += len;
	str->buf[str->len] = '\0';
}

void str_append_text(struct str *str, const char *text)
{
	str_append(str, text, strlen(text));
}

void str_append_byte(struct str *str, char byte)
{
	str_append(str, &byte, 1);
}

void str_append_u64(struct str *str, uint64_t value)
{
	str_printf(str, "%" PRIu64, value);
}

void str_printf(struct str *str, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || str_reserve(str, (size_t)len))
		return;
	va_start(args, format);
	vsnprintf(str->buf + str->len, (size_t)len + 1, format, args);
	va_end(args);
	str->len += (size_t)len;
}
