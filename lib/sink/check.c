/* SPDX-License-Identifier: MIT */
/* The outcome of a verification, file by file, in the coreutils' words or as JSON. */
#include "sink/sink.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/opts.h"
#include "sink/sink_internal.h"

#include <errno.h>
#include <stdlib.h>

enum check_result {
	CHECK_OK,
	CHECK_DIFFERS,
	CHECK_UNREADABLE,
	CHECK_MISSING,
	CHECK_MALFORMED, /* a line of the manifest, not a file */
	CHECK_MANIFEST,  /* the manifest itself could not be read */
};

static const struct {
	const char *text, *json;
} result_words[] = {
	[CHECK_OK] = {": OK", "ok"},
	[CHECK_DIFFERS] = {": FAILED", "failed"},
	[CHECK_UNREADABLE] = {": FAILED open or read", "unreadable"},
	[CHECK_MISSING] = {": FAILED open or read", "unreadable"},
};

struct check_sink {
	struct sink_base base;
	struct weir_output *output;
	struct weir_check_format format;
	struct weir_check_counts counts;
	void (*on_error)(void *ctx, const struct weir_record *record);
	void *ctx;
	struct str text; /* of the record in hand */
};

static enum check_result result_of(const struct weir_record *record)
{
	const struct weir_error *error = record->error;

	if (!error)
		return record->is_match ? CHECK_OK : CHECK_DIFFERS;
	if (error->op == WEIR_OP_PARSE)
		return CHECK_MALFORMED;
	if (error->op == WEIR_OP_VERIFY)
		return CHECK_DIFFERS;
	if (!record->expected)
		return CHECK_MANIFEST;
	if (error->code == -ENOENT && (error->op == WEIR_OP_OPEN || error->op == WEIR_OP_STAT))
		return CHECK_MISSING;
	return CHECK_UNREADABLE;
}

static void count(struct weir_check_counts *counts, enum check_result result)
{
	switch (result) {
	case CHECK_OK:
		counts->matched++;
		break;
	case CHECK_DIFFERS:
		counts->differing++;
		break;
	case CHECK_UNREADABLE:
		counts->unreadable++;
		break;
	case CHECK_MISSING:
		counts->missing++;
		break;
	case CHECK_MALFORMED:
		counts->malformed++;
		break;
	case CHECK_MANIFEST:
		break;
	}
}

/* Whether the format has a line for this result. */
static bool is_shown(const struct weir_check_format *format, enum check_result result)
{
	if (format->status)
		return false;
	if (result == CHECK_OK)
		return !format->quiet;
	return result < CHECK_MALFORMED || format->json;
}

static void put_text(struct check_sink *check, const struct weir_record *record,
		     enum check_result result)
{
	struct line_style style = {.is_zero = check->format.zero};

	line_begin(&check->text, style, record);
	line_path(&check->text, style, record);
	str_append_text(&check->text, result_words[result].text);
}

/* "line":3,"expected":["HEX"]: what the manifest says, which may leave open which digest it is */
static void json_expected(struct str *text, const struct weir_expectation *expected)
{
	str_append_text(text, "\"line\":");
	str_append_u64(text, expected->line);
	str_append_text(text, ",\"expected\":[");
	for (size_t i = 0; i < expected->digests_count; i++) {
		str_append_text(text, i ? ",\"" : "\"");
		hex_append(text, expected->digests[i].bytes, expected->digests[i].len_bytes);
		str_append_byte(text, '"');
	}
	str_append_byte(text, ']');
}

static void put_json(struct check_sink *check, const struct weir_record *record,
		     enum check_result result)
{
	struct str *text = &check->text;

	if (result >= CHECK_MALFORMED) {
		json_error_object(text, record);
		return;
	}
	str_append_text(text, "{\"type\":\"check\",");
	json_append_path(text, record->path, record->path_len_bytes);
	str_printf(text, ",\"result\":\"%s\"", result_words[result].json);
	if (record->expected) {
		str_append_byte(text, ',');
		json_expected(text, record->expected);
	}
	if (record->digests_count) {
		str_append_byte(text, ',');
		json_digests(text, record);
	}
	if (record->error)
		json_error_members(text, record->error);
	str_append_byte(text, '}');
}

static int check_put(struct weir_sink *sink, const struct weir_record *record)
{
	struct check_sink *check = (struct check_sink *)sink;
	enum check_result result = result_of(record);

	count(&check->counts, result);
	if (record->is_excused)
		return 0;
	if (record->error && check->on_error)
		check->on_error(check->ctx, record);
	if (!is_shown(&check->format, result))
		return 0;

	str_clear(&check->text);
	if (check->format.json)
		put_json(check, record, result);
	else
		put_text(check, record, result);
	line_end(&check->text, check->format.zero);
	if (check->text.err)
		return check->text.err;
	return weir_output_write(check->output, check->text.buf, check->text.len);
}

static int check_finish(struct weir_sink *sink)
{
	return weir_output_flush(((struct check_sink *)sink)->output);
}

static void check_free(struct weir_sink *sink)
{
	struct check_sink *check = (struct check_sink *)sink;
	str_release(&check->text);
	free(check);
}

int weir_sink_new_check(struct weir_output *output, const struct weir_check_format *format,
			void (*on_error)(void *ctx, const struct weir_record *record), void *ctx,
			struct weir_sink **ret_sink)
{
	struct weir_check_format own;
	int err = opts_copy(&own, sizeof(own), format);
	if (err)
		return err;

	struct check_sink *check = malloc(sizeof(*check));
	if (!check)
		return -ENOMEM;
	*check = (struct check_sink){
		.base =
			{
				.face =
					{
						.name = "check",
						.put = check_put,
						.finish = check_finish,
					},
				.free = check_free,
			},
		.output = output,
		.format = own,
		.on_error = on_error,
		.ctx = ctx,
	};
	*ret_sink = &check->base.face;
	return 0;
}

struct weir_check_counts weir_sink_check_counts(const struct weir_sink *sink)
{
	return ((const struct check_sink *)sink)->counts;
}
