/* SPDX-License-Identifier: MIT */
/*
 * Whatever is read as a line can be written again, in each of the forms in
 * which weir writes, and is read as the same.
 *
 * The first byte of the input chooses: bit 0, NUL-terminated lines; bits 1 and
 * up, what a plain line may stand for. The rest is the line.
 */
#include "walk/manifest_line.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/name.h"
#include "base/verify.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint32_t wanted_sets[] = {
	0,
	WEIR_DIGEST_BIT(WEIR_XXH128),
	WEIR_DIGEST_BIT(WEIR_BLAKE3) | WEIR_DIGEST_BIT(WEIR_MD5),
	UINT32_MAX,
};

static void check_digest(const struct weir_expected_digest *digest)
{
	VERIFY(digest->candidates && digest->len_bytes);
	VERIFY(digest->candidates < WEIR_DIGEST_BIT(WEIR_DIGEST_COUNT));
	for (unsigned int id = 0; id < WEIR_DIGEST_COUNT; id++) {
		if (digest->candidates & WEIR_DIGEST_BIT(id))
			VERIFY(weir_digest_len_bytes((enum weir_digest_id)id) == digest->len_bytes);
	}
}

static bool digest_is(const struct weir_expected_digest *a, const struct weir_expected_digest *b)
{
	return a->len_bytes == b->len_bytes && memcmp(a->bytes, b->bytes, a->len_bytes) == 0;
}

/* Reads what was written for line, and compares. */
static void check_reads_back(const struct manifest_line *line, const struct str *text, bool is_zero,
			     size_t index, uint32_t wanted)
{
	struct manifest_line back = {0};

	VERIFY(!text->err);
	VERIFY(manifest_line_parse(&back, text->buf, text->len, is_zero, wanted) == 0);
	VERIFY(back.path.len == line->path.len);
	VERIFY(memcmp(back.path.buf, line->path.buf, line->path.len) == 0);
	VERIFY(back.digests_count == 1);
	VERIFY(digest_is(&back.digests[0], &line->digests[index]));
	VERIFY(back.digests[0].candidates & line->digests[index].candidates);
	manifest_line_release(&back);
}

static void append_name(struct str *text, const struct manifest_line *line, bool is_zero)
{
	if (is_zero)
		str_append(text, line->path.buf, line->path.len);
	else
		name_append_escaped(text, line->path.buf, line->path.len);
}

static void begin(struct str *text, const struct manifest_line *line, bool is_zero)
{
	str_clear(text);
	if (!is_zero && name_is_odd(line->path.buf, line->path.len))
		str_append_byte(text, '\\');
}

static void check_written(const struct manifest_line *line, size_t index, bool is_zero)
{
	const struct weir_expected_digest *digest = &line->digests[index];
	enum weir_digest_id id = (enum weir_digest_id)__builtin_ctz(digest->candidates);
	struct str text = STR_INIT;

	begin(&text, line, is_zero);
	hex_append(&text, digest->bytes, digest->len_bytes);
	str_append_text(&text, "  ");
	append_name(&text, line, is_zero);
	check_reads_back(line, &text, is_zero, index, digest->candidates);

	begin(&text, line, is_zero);
	str_printf(&text, "%s (", weir_digest_tag(id));
	append_name(&text, line, is_zero);
	str_append_text(&text, ") = ");
	hex_append(&text, digest->bytes, digest->len_bytes);
	check_reads_back(line, &text, is_zero, index, 0);

	str_clear(&text);
	str_append_text(&text, "{\"type\":\"file\",");
	json_append_path(&text, line->path.buf, line->path.len);
	str_printf(&text, ",\"digests\":{\"%s\":\"", weir_digest_name(id));
	hex_append(&text, digest->bytes, digest->len_bytes);
	str_append_text(&text, "\"}}");
	check_reads_back(line, &text, is_zero, index, 0);
	str_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest_line line = {0};

	if (!len)
		return 0;
	bool is_zero = data[0] & 1;
	uint32_t wanted = wanted_sets[(data[0] >> 1) % 4];
	int err = manifest_line_parse(&line, (const char *)data + 1, len - 1, is_zero, wanted);
	VERIFY(err == 0 || err == -EINVAL || err == -ENOENT);

	if (!err) {
		VERIFY(line.path.len && !memchr(line.path.buf, '\0', line.path.len));
		VERIFY(line.digests_count && line.digests_count <= WEIR_DIGEST_COUNT);
	}
	for (size_t i = 0; !err && i < line.digests_count; i++) {
		check_digest(&line.digests[i]);
		check_written(&line, i, is_zero);
	}
	manifest_line_release(&line);
	return 0;
}
