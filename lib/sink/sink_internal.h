/* SPDX-License-Identifier: MIT */
/*
 * What the sinks share among themselves.
 *
 * A sink is a struct whose first member is a struct sink_base. It renders each
 * record into a string of its own, which keeps its memory from one record to
 * the next, and writes it in one call.
 */
#ifndef WEIR_SINK_SINK_INTERNAL_H
#define WEIR_SINK_SINK_INTERNAL_H

#include "base/str.h"

#include <weir/sink.h>

struct sink_base {
	struct weir_sink face; /* first, so that one pointer is both */
	void (*free)(struct weir_sink *sink);
};

/* How lines of text are made. */
struct line_style {
	bool is_zero; /* NUL behind each line, and names as they are */
};

/* Starts a line on which this name will stand: with a backslash if it will be escaped. */
void line_begin(struct str *line, struct line_style style, const struct weir_record *record);
void line_path(struct str *line, struct line_style style, const struct weir_record *record);
void line_end(struct str *line, bool is_zero);

/* "digests":{"blake3":"..."}, without a comma */
void json_digests(struct str *line, const struct weir_record *record);

/* ,"op":"read","errno":"EIO",...: the members of a record's error, each behind a comma. */
void json_error_members(struct str *line, const struct weir_error *error);

/* {"type":"error",...} for a record with an error. */
void json_error_object(struct str *line, const struct weir_record *record);

#endif
