/* SPDX-License-Identifier: MIT */
/*
 * Sinks: where results go.
 *
 * A job hands one record at a time to its sink, in the order of the source
 * unless the job is unordered, from one thread at a time (not always the same
 * one). A sink that is slow slows the reading; nothing piles up.
 */
#ifndef WEIR_SINK_H
#define WEIR_SINK_H

#include <weir/common.h>
#include <weir/error.h>
#include <weir/stage.h>

WEIR_BEGIN_DECLS

/* A digest that a manifest gives, which may be that of any of `candidates`. */
struct weir_expected_digest {
	uint32_t candidates; /* set of digests of this length */
	uint8_t len_bytes;
	uint8_t bytes[WEIR_DIGEST_MAX_BYTES];
};

/* What a manifest said of a file: all of these digests must be right. */
struct weir_expectation {
	uint64_t line; /* in the manifest, from 1 */
	size_t digests_count;
	struct weir_expected_digest digests[];
};

/*
 * What became of one file. Everything that it points to belongs to the engine
 * and ends with the call.
 */
struct weir_record {
	const char *path; /* bytes; also NUL-terminated */
	size_t path_len_bytes;
	uint64_t size_bytes;               /* that were read, or would have been for a hard link */
	const struct weir_digest *digests; /* in the order of enum weir_digest_id; none on error */
	size_t digests_count;
	const struct weir_error *error;          /* NULL: all well */
	const struct weir_expectation *expected; /* NULL: not from a manifest */
	bool is_match;                           /* the digests are the expected ones */
	bool is_hardlink; /* the file has several names; it was read once for those in the source */
	bool is_excused;  /* an error that was expected: a missing file, under ignore_missing */
};

/*
 * A sink. put returns 0, or a negative errno value, which ends the job with
 * that error. finish is called once, after the last put, when the job was not
 * cut short; abandon instead of it when it was. finish and abandon may be NULL.
 */
struct weir_sink {
	const char *name; /* stands in errors */
	int (*put)(struct weir_sink *sink, const struct weir_record *record);
	int (*finish)(struct weir_sink *sink);
	void (*abandon)(struct weir_sink *sink);
};

/*
 * An output: a file that appears under its name only when it is complete and
 * durable (temporary name in the same folder, fsync, rename, fsync of the
 * folder), or a descriptor such as standard output.
 */
struct weir_output;

/*
 * path: the file to make or to replace; where it is a symbolic link, the file
 * that it points to is replaced. A FIFO or a device is written to as it is.
 * Returns 0, or an error that ret_error (may be NULL) explains.
 */
WEIR_API int weir_output_new_file(const char *path, struct weir_output **ret_output,
				  struct weir_error *ret_error);

/* Writes to fd, which stays the caller's. */
WEIR_API int weir_output_new_fd(int fd, struct weir_output **ret_output);

/* Buffered; an error is remembered and returned by every later call. */
WEIR_API int weir_output_write(struct weir_output *output, const void *data, size_t len_bytes);

/* Writes out what is buffered; the file does not yet appear under its name. */
WEIR_API int weir_output_flush(struct weir_output *output);

/* Flushes; a file is made durable and gets its final name. Idempotent. */
WEIR_API int weir_output_commit(struct weir_output *output);

/* Without a commit the temporary file is removed. Takes NULL. */
WEIR_API void weir_output_free(struct weir_output *output);

/*
 * Removes the temporary file and nothing else: for a process that is about to
 * end while other threads may still be using the output. Takes NULL.
 */
WEIR_API void weir_output_discard(struct weir_output *output);

/*
 * Whether a file is the one being written, or the one that it will replace, so
 * that an output inside the tree it describes is not read.
 */
WEIR_API bool weir_output_is_file(const struct weir_output *output, uint64_t device,
				  uint64_t inode);

struct weir_manifest_format {
	size_t size;
	bool tagged; /* ALGORITHM (PATH) = HEX; always so when a record has several digests */
	bool zero;   /* lines end with NUL, and names are not escaped */
	bool json;   /* one object a line, errors included */
};

/*
 * A manifest as text or JSON; records with errors are left to on_error (may be
 * NULL), which gets every one, in its turn, whatever the format. finish flushes
 * the output; to commit it is the caller's, when the job has ended well. output
 * stays the caller's and must outlive the sink.
 */
WEIR_API int weir_sink_new_manifest(struct weir_output *output,
				    const struct weir_manifest_format *format,
				    void (*on_error)(void *ctx, const struct weir_record *record),
				    void *ctx, struct weir_sink **ret_sink);

/* Counts of a verification; read them after the job has ended. */
struct weir_check_counts {
	uint64_t matched, differing, unreadable, missing, malformed;
};

struct weir_check_format {
	size_t size;
	bool quiet;  /* no line for a file that matches */
	bool status; /* no line at all */
	bool json;
	bool zero; /* lines end with NUL, and names are not escaped */
};

/* "PATH: OK", "PATH: FAILED", "PATH: FAILED open or read": as the coreutils say it. */
WEIR_API int weir_sink_new_check(struct weir_output *output, const struct weir_check_format *format,
				 void (*on_error)(void *ctx, const struct weir_record *record),
				 void *ctx, struct weir_sink **ret_sink);
WEIR_API struct weir_check_counts weir_sink_check_counts(const struct weir_sink *sink);

/* Takes every record and does nothing: for measuring what stands before it. */
WEIR_API int weir_sink_new_null(struct weir_sink **ret_sink);

/* For sinks made by the functions above. Takes NULL. */
WEIR_API void weir_sink_free(struct weir_sink *sink);

WEIR_END_DECLS
#endif
