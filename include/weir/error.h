/* SPDX-License-Identifier: MIT */
/*
 * Errors.
 *
 * Every function that can fail returns 0 or a negative errno value, and leaves
 * its out-parameters (named ret_...) untouched on failure. Where there is more
 * to say than a number, a struct weir_error says it.
 *
 * Ownership: a struct weir_error that reaches a sink borrows its path from the
 * record beside it and is valid as long as that record. A struct weir_error
 * that a function fills for its caller carries no path, or one that the caller
 * passed in. `stage` and `hint` are string literals.
 *
 * Thread safety: all functions here are pure.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <weir/common.h>

WEIR_BEGIN_DECLS

/* What was being done when it failed. */
enum weir_op {
	WEIR_OP_NONE,
	WEIR_OP_WALK,    /* reading a folder */
	WEIR_OP_STAT,    /* looking at a name */
	WEIR_OP_OPEN,    /* opening a file or a folder */
	WEIR_OP_READ,    /* reading data; offset_bytes says where */
	WEIR_OP_COMPARE, /* comparing a file with what it was when it was opened */
	WEIR_OP_PROCESS, /* a stage */
	WEIR_OP_PARSE,   /* a line of a manifest; offset_bytes is the line's number */
	WEIR_OP_VERIFY,  /* a digest differs from its manifest's */
	WEIR_OP_WRITE,   /* a sink */
	WEIR_OP_START,   /* setting up: limits, threads, memory */
};

struct weir_error {
	int code; /* a negative errno value; 0: no error */
	enum weir_op op;
	bool has_offset;
	uint64_t offset_bytes; /* bytes from the start of the file, if has_offset */
	const char *path;      /* bytes, not text; NULL: no file is meant */
	size_t path_len_bytes;
	const char *stage; /* the stage or sink that failed, or NULL */
	const char *hint;  /* what to change, or NULL */
};

/* "open", "read", ...: the word that messages and JSON records use. Never NULL. */
WEIR_API const char *weir_op_name(enum weir_op op);

/* "EACCES" for -EACCES; "E?" for a number without a name. Never NULL. */
WEIR_API const char *weir_errno_name(int code);

/*
 * Writes "OPERATION [at offset N]: REASON [(HINT)]", without the path, and ends
 * it with a NUL, cut to buf_size_bytes. Returns buf.
 */
WEIR_API char *weir_error_format(const struct weir_error *error, char *buf, size_t buf_size_bytes);

WEIR_END_DECLS
#endif
