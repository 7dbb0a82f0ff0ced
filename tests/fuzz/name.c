/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a name come back from both ways of writing them, and any text
 * that is read as one of them is what writing gives.
 */
#include "base/name.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/verify.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool str_is(const struct str *str, const char *bytes, size_t len)
{
	return !str->err && str->len == len && (!len || memcmp(str->buf, bytes, len) == 0);
}

static void check_escapes(const char *name, size_t len)
{
	struct str text = STR_INIT, back = STR_INIT;

	name_append_escaped(&text, name, len);
	VERIFY(name_is_odd(name, len) == (text.len != len));
	for (size_t i = 0; i < text.len; i++)
		VERIFY(text.buf[i] != '\n' && text.buf[i] != '\r');
	VERIFY(name_append_unescaped(&back, text.buf, text.len) == 0);
	VERIFY(str_is(&back, name, len));

	/* As a text: what is accepted is what would have been written, raw line ends apart. */
	str_clear(&text);
	str_clear(&back);
	str_append_text(&back, "kept");
	int err = name_append_unescaped(&back, name, len);
	if (err) {
		VERIFY(err == -EINVAL && str_is(&back, "kept", 4) && memchr(name, '\\', len));
	} else if (!len || (!memchr(name, '\n', len) && !memchr(name, '\r', len))) {
		name_append_escaped(&text, back.buf + 4, back.len - 4);
		VERIFY(str_is(&text, name, len));
	}
	str_release(&text);
	str_release(&back);
}

static void check_base64(const char *name, size_t len)
{
	struct str text = STR_INIT, back = STR_INIT;

	name_append_base64(&text, name, len);
	VERIFY(text.len == (len + 2) / 3 * 4);
	VERIFY(name_append_from_base64(&back, text.buf, text.len) == 0);
	VERIFY(str_is(&back, name, len));

	str_clear(&text);
	str_clear(&back);
	str_append_text(&back, "kept");
	if (name_append_from_base64(&back, name, len)) {
		VERIFY(str_is(&back, "kept", 4));
	} else {
		name_append_base64(&text, back.buf + 4, back.len - 4);
		VERIFY(str_is(&text, name, len));
	}
	str_release(&text);
	str_release(&back);
}

/* Decodes each character by its definition. */
static bool naive_is_utf8(const uint8_t *s, size_t len)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};

	for (size_t i = 0; i < len;) {
		size_t count = s[i] < 0x80       ? 1
			       : s[i] >> 5 == 6  ? 2
			       : s[i] >> 4 == 14 ? 3
			       : s[i] >> 3 == 30 ? 4
						 : 0;
		if (!count || count > len - i)
			return false;
		uint32_t value = count == 1 ? s[i] : s[i] & (0x7fU >> count);
		for (size_t k = 1; k < count; k++) {
			if (s[i + k] >> 6 != 2)
				return false;
			value = value << 6 | (s[i + k] & 0x3fU);
		}
		bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
		if (value < lowest[count] || value > 0x10ffff || is_surrogate)
			return false;
		i += count;
	}
	return true;
}

static void check_json(const char *name, size_t len)
{
	struct str text = STR_INIT;
	bool is_plain = name_is_utf8(name, len) && !(len && memchr(name, '\0', len));

	VERIFY(name_is_utf8(name, len) == naive_is_utf8((const uint8_t *)name, len));
	json_append_path(&text, name, len);
	VERIFY(!text.err && name_is_utf8(text.buf, text.len));
	VERIFY(is_plain == (strncmp(text.buf, "\"path\":\"", 8) == 0));
	VERIFY(text.buf[text.len - 1] == '"');
	for (size_t i = 0; i < text.len; i++)
		VERIFY((unsigned char)text.buf[i] >= 0x20);
	str_release(&text);
}

static void check_hex(const uint8_t *data, size_t len)
{
	struct str digits = STR_INIT, back = STR_INIT;

	hex_append(&digits, data, len);
	VERIFY(!str_reserve(&back, len));
	VERIFY(hex_decode(digits.buf, digits.len, (uint8_t *)back.buf) == 0);
	VERIFY(!len || memcmp(back.buf, data, len) == 0);
	str_release(&digits);
	str_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *name = (const char *)data;

	check_escapes(name, len);
	check_base64(name, len);
	check_json(name, len);
	check_hex(data, len);
	return 0;
}
