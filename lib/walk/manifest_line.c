/* SPDX-License-Identifier: MIT */
#include "walk/manifest_line.h"

#include "base/hex.h"
#include "base/name.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* What is left of a line. */
struct text {
	const char *at;
	size_t len;
};

/* What a plain line may stand for when nobody has said. */
static const struct {
	size_t len_bytes;
	uint32_t candidates;
} plain_candidates[] = {
	{4, WEIR_DIGEST_BIT(WEIR_CRC32C) | WEIR_DIGEST_BIT(WEIR_XXH32)},
	{8, WEIR_DIGEST_BIT(WEIR_XXH64) | WEIR_DIGEST_BIT(WEIR_XXH3)},
	{16, WEIR_DIGEST_BIT(WEIR_MD5)},
	{20, WEIR_DIGEST_BIT(WEIR_SHA1)},
	{28, WEIR_DIGEST_BIT(WEIR_SHA224)},
	{32, WEIR_DIGEST_BIT(WEIR_BLAKE3) | WEIR_DIGEST_BIT(WEIR_SHA256)},
	{48, WEIR_DIGEST_BIT(WEIR_SHA384)},
	{64, WEIR_DIGEST_BIT(WEIR_SHA512) | WEIR_DIGEST_BIT(WEIR_BLAKE2B)},
};

/* clang-format off */
/* Tags of other programs, beside those of weir_digest_tag(). Case does not matter. */
static const struct tag {
	const char *name;
	enum weir_digest_id id;
	bool is_reversed; /* the bytes stand in the reverse order */
} foreign_tags[] = {
	{"SHA-1", WEIR_SHA1, false},
	{"SHA-224", WEIR_SHA224, false},
	{"SHA-256", WEIR_SHA256, false},
	{"SHA-384", WEIR_SHA384, false},
	{"SHA-512", WEIR_SHA512, false},
	{"SHA2-224", WEIR_SHA224, false}, /* openssl 3 */
	{"SHA2-256", WEIR_SHA256, false},
	{"SHA2-384", WEIR_SHA384, false},
	{"SHA2-512", WEIR_SHA512, false},
	{"BLAKE2b-512", WEIR_BLAKE2B, false},
	{"BLAKE2b512", WEIR_BLAKE2B, false}, /* openssl 1 */
	{"XXH32_LE", WEIR_XXH32, true},      /* xxhsum --tag --little-endian */
	{"XXH64_LE", WEIR_XXH64, true},
	{"XXH3_LE", WEIR_XXH3, true},
	{"XXH128_LE", WEIR_XXH128, true},
};
/* clang-format on */

static void text_skip(struct text *text, size_t len)
{
	text->at += len;
	text->len -= len;
}

static void text_skip_any(struct text *text, const char *bytes)
{
	while (text->len && *text->at && strchr(bytes, *text->at))
		text_skip(text, 1);
}

static bool text_has(const struct text *text, size_t at, char byte)
{
	return text->len > at && text->at[at] == byte;
}

static bool text_begins(const struct text *text, const char *word)
{
	size_t len = strlen(word);
	return text->len >= len && strncasecmp(text->at, word, len) == 0;
}

static int path_set(struct manifest_line *line, struct text path, bool is_escaped)
{
	if (!path.len)
		return -EINVAL;
	if (is_escaped)
		return name_append_unescaped(&line->path, path.at, path.len);
	str_append(&line->path, path.at, path.len);
	return line->path.err;
}

static void bytes_reverse(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t byte = bytes[i];
		bytes[i] = bytes[len - 1 - i];
		bytes[len - 1 - i] = byte;
	}
}

/* Adds a digest of `len_bytes`, of which hex must be the digits, all and nothing else. */
static int digest_add(struct manifest_line *line, struct text hex, size_t len_bytes,
		      uint32_t candidates)
{
	if (!candidates || !len_bytes || hex.len != 2 * len_bytes ||
	    len_bytes > WEIR_DIGEST_MAX_BYTES || line->digests_count == ARRAY_LEN(line->digests))
		return -EINVAL;

	struct weir_expected_digest *digest = &line->digests[line->digests_count];
	if (hex_decode(hex.at, hex.len, digest->bytes))
		return -EINVAL;
	digest->candidates = candidates;
	digest->len_bytes = (uint8_t)len_bytes;
	line->digests_count++;
	return 0;
}

/* If the text begins with this tag and an opening bracket, moves behind them. */
static bool tag_take(struct text *text, const char *name)
{
	if (!name || !text_begins(text, name))
		return false;
	size_t len = strlen(name);
	len += text_has(text, len, ' ');
	if (!text_has(text, len, '('))
		return false;
	text_skip(text, len + 1);
	return true;
}

static bool tag_find(struct text *text, struct tag *ret_tag)
{
	for (unsigned int id = 0; id < WEIR_DIGEST_COUNT; id++) {
		const char *name = weir_digest_tag((enum weir_digest_id)id);
		if (tag_take(text, name)) {
			*ret_tag = (struct tag){name, (enum weir_digest_id)id, false};
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign_tags); i++) {
		if (tag_take(text, foreign_tags[i].name)) {
			*ret_tag = foreign_tags[i];
			return true;
		}
	}
	return false;
}

/* `PATH) = HEX`. The last bracket is the one: a name may hold any, a digest none. */
static int parse_tagged(struct manifest_line *line, const struct tag *tag, struct text text,
			bool is_escaped)
{
	const char *close = memrchr(text.at, ')', text.len);
	if (!close)
		return -EINVAL;

	struct text path = {text.at, (size_t)(close - text.at)};
	text_skip(&text, path.len + 1);
	text_skip_any(&text, " \t");
	if (!text_has(&text, 0, '='))
		return -EINVAL;
	text_skip(&text, 1);
	text_skip_any(&text, " \t");

	int err = digest_add(line, text, weir_digest_len_bytes(tag->id), WEIR_DIGEST_BIT(tag->id));
	if (err)
		return err;
	if (tag->is_reversed)
		bytes_reverse(line->digests[0].bytes, line->digests[0].len_bytes);
	return path_set(line, path, is_escaped);
}

/* The digests of this length among those wanted, or in the table when none are. */
static uint32_t candidates_of(size_t len_bytes, uint32_t wanted)
{
	uint32_t candidates = 0;

	if (wanted) {
		for (unsigned int id = 0; id < WEIR_DIGEST_COUNT; id++) {
			if (weir_digest_len_bytes((enum weir_digest_id)id) == len_bytes)
				candidates |= wanted & WEIR_DIGEST_BIT(id);
		}
		return candidates;
	}
	for (size_t i = 0; i < ARRAY_LEN(plain_candidates); i++) {
		if (plain_candidates[i].len_bytes == len_bytes)
			candidates = plain_candidates[i].candidates;
	}
	return candidates;
}

/*
 * `HEX  PATH`. Behind the first space stands a space or a star, which says how
 * the file was read and means nothing here, or the path itself.
 */
static int parse_plain(struct manifest_line *line, struct text text, bool is_escaped,
		       uint32_t wanted)
{
	bool is_xxh3 = text_begins(&text, "XXH3_");
	if (is_xxh3)
		text_skip(&text, strlen("XXH3_"));

	struct text hex = {text.at, 0};
	while (hex.len < text.len && hex_value(text.at[hex.len]) >= 0)
		hex.len++;
	text_skip(&text, hex.len);
	if (!text_has(&text, 0, ' ') && !text_has(&text, 0, '\t'))
		return -EINVAL;
	text_skip(&text, 1);
	if (text_has(&text, 0, ' ') || text_has(&text, 0, '*'))
		text_skip(&text, 1);

	size_t len_bytes = is_xxh3 ? weir_digest_len_bytes(WEIR_XXH3) : hex.len / 2;
	uint32_t candidates =
		is_xxh3 ? WEIR_DIGEST_BIT(WEIR_XXH3) : candidates_of(len_bytes, wanted);
	int err = digest_add(line, hex, len_bytes, candidates);
	return err ? err : path_set(line, text, is_escaped);
}

static struct text json_text(const json_t *string)
{
	return (struct text){json_string_value(string), json_string_length(string)};
}

static int parse_json_path(struct manifest_line *line, const json_t *object)
{
	const json_t *plain = json_object_get(object, "path");
	const json_t *base64 = json_object_get(object, "path_base64");
	if (!plain == !base64 || !json_is_string(plain ? plain : base64))
		return -EINVAL;
	if (plain)
		return path_set(line, json_text(plain), false);

	struct text text = json_text(base64);
	int err = name_append_from_base64(&line->path, text.at, text.len);
	if (err)
		return err;
	return line->path.len && !memchr(line->path.buf, '\0', line->path.len) ? 0 : -EINVAL;
}

/* Digests that this version does not know are left to those that do. */
static int parse_json_digests(struct manifest_line *line, json_t *digests)
{
	const char *name;
	json_t *hex;
	uint32_t seen = 0;

	json_object_foreach(digests, name, hex)
	{
		enum weir_digest_id id;
		if (!json_is_string(hex))
			return -EINVAL;
		if (weir_digest_parse(name, strlen(name), &id))
			continue;
		if (seen & WEIR_DIGEST_BIT(id))
			return -EINVAL;
		seen |= WEIR_DIGEST_BIT(id);
		int err = digest_add(line, json_text(hex), weir_digest_len_bytes(id),
				     WEIR_DIGEST_BIT(id));
		if (err)
			return err;
	}
	return seen ? 0 : -EINVAL;
}

static int parse_json_object(struct manifest_line *line, const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	if (!type)
		return -EINVAL;
	if (!strcmp(type, "error") || !strcmp(type, "summary") || !strcmp(type, "check"))
		return -ENOENT;
	if (strcmp(type, "file"))
		return -EINVAL;

	int err = parse_json_digests(line, json_object_get(object, "digests"));
	return err ? err : parse_json_path(line, object);
}

static int parse_json(struct manifest_line *line, struct text text)
{
	json_error_t error;
	json_t *object = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;

	int err = parse_json_object(line, object);
	json_decref(object);
	return err;
}

int manifest_line_parse(struct manifest_line *line, const char *data, size_t len, bool is_zero,
			uint32_t plain_digests)
{
	struct text text = {data, len};
	struct tag tag;

	str_clear(&line->path);
	line->digests_count = 0;
	if (!is_zero && len && data[len - 1] == '\r')
		text.len--;
	text_skip_any(&text, is_zero ? " \t\r\n" : " \t");
	if (!text.len || text_has(&text, 0, '#'))
		return -ENOENT;
	if (text_has(&text, 0, '{'))
		return parse_json(line, text);
	if (memchr(text.at, '\0', text.len))
		return -EINVAL;

	bool is_escaped = !is_zero && text_has(&text, 0, '\\');
	if (is_escaped)
		text_skip(&text, 1);
	if (tag_find(&text, &tag))
		return parse_tagged(line, &tag, text, is_escaped);
	return parse_plain(line, text, is_escaped, plain_digests);
}

void manifest_line_release(struct manifest_line *line)
{
	str_release(&line->path);
	line->digests_count = 0;
}
