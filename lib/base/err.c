/* SPDX-License-Identifier: MIT */
/* The words for errors. */
#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static const char *const op_names[] = {
	[WEIR_OP_NONE] = "none",       [WEIR_OP_WALK] = "walk",   [WEIR_OP_STAT] = "stat",
	[WEIR_OP_OPEN] = "open",       [WEIR_OP_READ] = "read",   [WEIR_OP_COMPARE] = "compare",
	[WEIR_OP_PROCESS] = "process", [WEIR_OP_PARSE] = "parse", [WEIR_OP_VERIFY] = "verify",
	[WEIR_OP_WRITE] = "write",     [WEIR_OP_START] = "start",
};

/* Where the system's words for a number would mislead. */
static const struct {
	enum weir_op op;
	int code;
	const char *reason;
} own_reasons[] = {
	{WEIR_OP_PARSE, -EINVAL, "malformed"},
	{WEIR_OP_PARSE, -E2BIG, "too long"},
	{WEIR_OP_WALK, -ESTALE, "the folder changed"},
	{WEIR_OP_COMPARE, -ESTALE, "changed while it was read"},
	{WEIR_OP_VERIFY, -EBADMSG, "the digest differs"},
};

/* The positive number, or -1 for one that no call returns. */
static int errno_of(int code)
{
	return code < 0 && code > -4096 ? -code : -1;
}

const char *weir_op_name(enum weir_op op)
{
	return (unsigned int)op < ARRAY_LEN(op_names) ? op_names[op] : "unknown";
}

const char *weir_errno_name(int code)
{
	const char *name = strerrorname_np(errno_of(code));
	return name ? name : "E?";
}

const char *err_reason(const struct weir_error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(own_reasons); i++) {
		if (own_reasons[i].op == error->op && own_reasons[i].code == error->code)
			return own_reasons[i].reason;
	}
	if (!error->code)
		return "Success";
	const char *reason = strerrordesc_np(errno_of(error->code));
	return reason ? reason : "Unknown error";
}

char *weir_error_format(const struct weir_error *error, char *buf, size_t buf_size_bytes)
{
	char where[sizeof(" at offset 18446744073709551615")] = "";
	if (error->has_offset)
		snprintf(where, sizeof(where), " at %s %" PRIu64,
			 error->op == WEIR_OP_PARSE ? "line" : "offset", error->offset_bytes);

	bool has_op = error->op != WEIR_OP_NONE;
	snprintf(buf, buf_size_bytes, "%s%s%s%s%s%s%s", has_op ? weir_op_name(error->op) : "",
		 has_op ? where : "", has_op ? ": " : "", err_reason(error),
		 error->hint ? " (" : "", error->hint ? error->hint : "", error->hint ? ")" : "");
	return buf;
}
