/* SPDX-License-Identifier: MIT */
#include "sink/sink.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/name.h"
#include "sink/sink_internal.h"

#include <errno.h>
#include <string.h>

const char *sink_write_hint(int code)
{
	switch (code) {
	case -ENOSPC:
		return "the file system is full: free space, or write elsewhere";
	case -EDQUOT:
		return "the disk quota is used up: free space, or write elsewhere";
	case -EFBIG:
		return "the file is larger than the file system or `ulimit -f` allows";
	case -EROFS:
		return "the file system is read-only: write elsewhere";
	case -EPIPE:
		return "the reader of the output is gone";
	case -EACCES:
	case -EPERM:
		return "needs permission to read and write the folder, or to write the device";
	case -ENOENT:
	case -ENOTDIR:
		return "the folder does not exist: create it first";
	case -EISDIR:
		return "this is a folder: name a file in it";
	case -ELOOP:
		return "a loop of symbolic links, or too many of them";
	case -ENAMETOOLONG:
		return "the name is too long for the file system";
	case -ESTALE:
		return "the link leads to a file that has no name of its own to be replaced";
	case -EMFILE:
		return "raise `ulimit -n`";
	default:
		return NULL;
	}
}

void line_begin(struct str *line, struct line_style style, const struct weir_record *record)
{
	if (!style.is_zero && name_is_odd(record->path, record->path_len_bytes))
		str_append_byte(line, '\\');
}

void line_path(struct str *line, struct line_style style, const struct weir_record *record)
{
	if (style.is_zero)
		str_append(line, record->path, record->path_len_bytes);
	else
		name_append_escaped(line, record->path, record->path_len_bytes);
}

void line_end(struct str *line, bool is_zero)
{
	str_append_byte(line, is_zero ? '\0' : '\n');
}

/* All words of the program's own: no byte in them needs an escape. */
static void json_word(struct str *line, const char *name, const char *word)
{
	str_printf(line, ",\"%s\":\"%s\"", name, word);
}

static void json_text(struct str *line, const char *name, const char *text)
{
	str_printf(line, ",\"%s\":", name);
	json_append_string(line, text, strlen(text));
}

void json_digests(struct str *line, const struct weir_record *record)
{
	str_append_text(line, "\"digests\":{");
	for (size_t i = 0; i < record->digests_count; i++) {
		const struct weir_digest *digest = &record->digests[i];
		str_printf(line, "%s\"%s\":\"", i ? "," : "", weir_digest_name(digest->id));
		hex_append(line, digest->bytes, digest->len_bytes);
		str_append_byte(line, '"');
	}
	str_append_byte(line, '}');
}

void json_error_members(struct str *line, const struct weir_error *error)
{
	json_word(line, "op", weir_op_name(error->op));
	json_word(line, "errno", weir_errno_name(error->code));
	json_text(line, "message", err_reason(error));
	if (error->stage)
		json_text(line, "stage", error->stage);
	if (error->has_offset) {
		str_printf(line, ",\"%s\":", error->op == WEIR_OP_PARSE ? "line" : "offset_bytes");
		str_append_u64(line, error->offset_bytes);
	}
	if (error->hint)
		json_text(line, "hint", error->hint);
}

void json_error_object(struct str *line, const struct weir_record *record)
{
	str_append_text(line, "{\"type\":\"error\"");
	if (record->path) {
		str_append_byte(line, ',');
		json_append_path(line, record->path, record->path_len_bytes);
	}
	json_error_members(line, record->error);
	str_append_byte(line, '}');
}

void weir_sink_free(struct weir_sink *sink)
{
	if (sink)
		((struct sink_base *)sink)->free(sink);
}
