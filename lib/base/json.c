/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/name.h"

#include <string.h>

/* The letter of a two-character escape, or 0. */
static char short_escape_of(char byte)
{
	switch (byte) {
	case '"':
		return '"';
	case '\\':
		return '\\';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

void json_append_string(struct str *str, const char *bytes, size_t len)
{
	size_t run = 0;

	str_append_byte(str, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		char letter = short_escape_of(bytes[i]);
		if (!letter && byte >= 0x20 && byte != 0x7f)
			continue;
		str_append(str, bytes + run, i - run);
		if (letter)
			str_append(str, (char[]){'\\', letter}, 2);
		else
			str_printf(str, "\\u%04x", byte);
		run = i + 1;
	}
	str_append(str, bytes + run, len - run);
	str_append_byte(str, '"');
}

void json_append_path(struct str *str, const char *path, size_t len)
{
	if (name_is_utf8(path, len) && !(len && memchr(path, '\0', len))) {
		str_append_text(str, "\"path\":");
		json_append_string(str, path, len);
		return;
	}
	str_append_text(str, "\"path_base64\":\"");
	name_append_base64(str, path, len);
	str_append_byte(str, '"');
}
