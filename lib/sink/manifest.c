/* SPDX-License-Identifier: MIT */
/* Checksum lines, as text or JSON. */
#include "sink/sink.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/opts.h"
#include "sink/sink_internal.h"

#include <errno.h>
#include <stdlib.h>

struct manifest_sink {
	struct sink_base base;
	struct weir_output *output;
	struct weir_manifest_format format;
	void (*on_error)(void *ctx, const struct weir_record *record);
	void *ctx;
	struct str text; /* of the record in hand */
};

static void put_plain(struct manifest_sink *manifest, const struct weir_record *record)
{
	struct line_style style = {.is_zero = manifest->format.zero};
	struct str *text = &manifest->text;

	line_begin(text, style, record);
	hex_append(text, record->digests[0].bytes, record->digests[0].len_bytes);
	str_append_text(text, "  ");
	line_path(text, style, record);
	line_end(text, style.is_zero);
}

static void put_tagged(struct manifest_sink *manifest, const struct weir_record *record)
{
	struct line_style style = {.is_zero = manifest->format.zero};
	struct str *text = &manifest->text;

	for (size_t i = 0; i < record->digests_count; i++) {
		const struct weir_digest *digest = &record->digests[i];
		line_begin(text, style, record);
		str_append_text(text, weir_digest_tag(digest->id));
		str_append_text(text, " (");
		line_path(text, style, record);
		str_append_text(text, ") = ");
		hex_append(text, digest->bytes, digest->len_bytes);
		line_end(text, style.is_zero);
	}
}

static void put_json(struct manifest_sink *manifest, const struct weir_record *record)
{
	struct str *text = &manifest->text;

	if (record->error) {
		json_error_object(text, record);
	} else {
		str_append_text(text, "{\"type\":\"file\",");
		json_append_path(text, record->path, record->path_len_bytes);
		str_append_text(text, ",\"size_bytes\":");
		str_append_u64(text, record->size_bytes);
		if (record->is_hardlink)
			str_append_text(text, ",\"hardlink\":true");
		str_append_byte(text, ',');
		json_digests(text, record);
		str_append_byte(text, '}');
	}
	line_end(text, manifest->format.zero);
}

static bool is_tagged(const struct manifest_sink *manifest, const struct weir_record *record)
{
	return manifest->format.tagged || record->digests_count > 1 ||
	       !weir_digest_is_plain(record->digests[0].id);
}

static int manifest_put(struct weir_sink *sink, const struct weir_record *record)
{
	struct manifest_sink *manifest = (struct manifest_sink *)sink;

	if (record->error && manifest->on_error)
		manifest->on_error(manifest->ctx, record);

	str_clear(&manifest->text);
	if (manifest->format.json)
		put_json(manifest, record);
	else if (record->error || !record->digests_count)
		return 0;
	else if (is_tagged(manifest, record))
		put_tagged(manifest, record);
	else
		put_plain(manifest, record);

	if (manifest->text.err)
		return manifest->text.err;
	return weir_output_write(manifest->output, manifest->text.buf, manifest->text.len);
}

static int manifest_finish(struct weir_sink *sink)
{
	return weir_output_flush(((struct manifest_sink *)sink)->output);
}

static void manifest_free(struct weir_sink *sink)
{
	struct manifest_sink *manifest = (struct manifest_sink *)sink;
	str_release(&manifest->text);
	free(manifest);
}

int weir_sink_new_manifest(struct weir_output *output, const struct weir_manifest_format *format,
			   void (*on_error)(void *ctx, const struct weir_record *record), void *ctx,
			   struct weir_sink **ret_sink)
{
	struct weir_manifest_format own;
	int err = opts_copy(&own, sizeof(own), format);
	if (err)
		return err;

	struct manifest_sink *manifest = malloc(sizeof(*manifest));
	if (!manifest)
		return -ENOMEM;
	*manifest = (struct manifest_sink){
		.base =
			{
				.face =
					{
						.name = "manifest",
						.put = manifest_put,
						.finish = manifest_finish,
					},
				.free = manifest_free,
			},
		.output = output,
		.format = own,
		.on_error = on_error,
		.ctx = ctx,
	};
	*ret_sink = &manifest->base.face;
	return 0;
}
