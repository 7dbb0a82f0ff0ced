/* SPDX-License-Identifier: MIT */
/*
 * Stages: what is done with each chunk of a file.
 *
 * Built in are the digests below, each from a library that is kept for it.
 * A program adds its own stage by filling a struct weir_stage.
 */
#ifndef WEIR_STAGE_H
#define WEIR_STAGE_H

#include <weir/chunk.h>
#include <weir/common.h>

WEIR_BEGIN_DECLS

enum weir_digest_id {
	WEIR_BLAKE3,
	WEIR_XXH3,
	WEIR_XXH128,
	WEIR_SHA256,
	WEIR_SHA512,
	WEIR_SHA1,
	WEIR_MD5,
	WEIR_CRC32C,
	/* Read by --check because other programs write them. */
	WEIR_SHA224,
	WEIR_SHA384,
	WEIR_BLAKE2B,
	WEIR_XXH64,
	WEIR_XXH32,
	WEIR_DIGEST_COUNT,
};

#define WEIR_DIGEST_MAX_BYTES 64
/* A set of digests is the OR of these. */
#define WEIR_DIGEST_BIT(id) (UINT32_C(1) << (id))

struct weir_digest {
	enum weir_digest_id id;
	uint8_t len_bytes;
	uint8_t bytes[WEIR_DIGEST_MAX_BYTES]; /* in the order in which they are printed */
};

/* "blake3", the name that options and JSON use. NULL for a number out of range. */
WEIR_API const char *weir_digest_name(enum weir_digest_id id);

/* "BLAKE3", "SHA256", "XXH3", ...: the name of tagged lines, as the digest's own tool writes it. */
WEIR_API const char *weir_digest_tag(enum weir_digest_id id);

/* 32 for BLAKE3, 8 for XXH3, ...; 0 for a number out of range. */
WEIR_API size_t weir_digest_len_bytes(enum weir_digest_id id);

/*
 * False for XXH3, whose plain lines xxhsum would take for XXH64, and XXH128,
 * whose lines look like MD5's: these are always written in tagged form.
 */
WEIR_API bool weir_digest_is_plain(enum weir_digest_id id);

/* 0 and the digest of that name (any case; "sha-256" is "sha256"), or -ENOENT. */
WEIR_API int weir_digest_parse(const char *name, size_t len, enum weir_digest_id *ret_id);

/*
 * A stage of the caller's. A state, of state_bytes bytes, aligned to 64 and zero
 * at its first begin, serves one file at a time; there are as many as files in
 * work, so no hook needs a lock for its state. For one file the calls come one
 * at a time, in this order:
 *
 *	begin, chunk (any number of times, in the order of the file, without
 *	gaps), then end if the file was read whole and has not changed, or
 *	nothing if it failed
 *
 * A hook returns 0, or a negative errno value that becomes this file's error.
 * begin and end may be NULL.
 */
struct weir_stage {
	const char *name; /* stands in errors; a literal or as long-lived as the job */
	size_t state_bytes;
	int (*begin)(void *state, void *ctx);
	int (*chunk)(void *state, void *ctx, const struct weir_chunk *chunk);
	int (*end)(void *state, void *ctx, const char *path, size_t path_len_bytes);
	void *ctx; /* shared by all workers: the caller's, and the caller's to lock */
};

WEIR_END_DECLS
#endif
