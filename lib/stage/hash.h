/* SPDX-License-Identifier: MIT */
/*
 * What a hash library gives the stages; private to this folder.
 *
 * A state is state_bytes bytes, 64-byte aligned, zero before its first init.
 * It lives as long as a worker: init, any number of updates and final are called
 * again for each file, and release once at the end, even if no init succeeded.
 */
#ifndef WEIR_STAGE_HASH_H
#define WEIR_STAGE_HASH_H

#include <weir/stage.h>

#define HASH_STATE_ALIGN_BYTES 64

struct hash_ops {
	const char *fetch_name; /* what the library calls it, where it is asked by name */
	size_t state_bytes;
	/*
	 * Starts a new message, whatever became of the one before. Returns 0,
	 * -ENOMEM, or -EOPNOTSUPP when the library refuses this digest here.
	 */
	int (*init)(const struct hash_ops *ops, void *state);
	/* Any len, 0 included. */
	int (*update)(void *state, const void *data, size_t len_bytes);
	/* Writes as many bytes as the digest has, in the order in which they are printed. */
	int (*final)(void *state, uint8_t *out);
	/* Frees what init made. Optional. */
	void (*release)(void *state);
};

/* NULL when this build lacks the library, or for a number out of range. */
const struct hash_ops *hash_find(enum weir_digest_id id);

/* A zeroed state, or NULL; state_free() releases what it holds. */
void *hash_state_new(const struct hash_ops *ops);
void hash_state_free(const struct hash_ops *ops, void *state);

/* Each exists only where its library does; hash_find() knows. */
extern const struct hash_ops hash_blake3;
extern const struct hash_ops hash_xxh3, hash_xxh128, hash_xxh64, hash_xxh32;
extern const struct hash_ops hash_sha256, hash_sha512, hash_sha1, hash_md5, hash_sha224;
extern const struct hash_ops hash_sha384, hash_blake2b;
extern const struct hash_ops hash_crc32c;

#endif
