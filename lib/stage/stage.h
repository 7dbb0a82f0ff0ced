/* SPDX-License-Identifier: MIT */
/*
 * Stages: what a worker does with the chunks of a file.
 *
 * A chain belongs to one worker and lives as long as it. It owns a state for
 * every digest and every stage of the caller's that it has met, made on first
 * use and used again for every further file. For one file:
 *
 *	chain_begin, chain_chunk for each chunk in the order of the file, then
 *	chain_end if the file was read whole and unchanged, or nothing
 *
 * Thread safety: one chain belongs to one thread at a time. Different chains
 * share nothing but the ctx of the caller's stages.
 */
#ifndef WEIR_STAGE_STAGE_H
#define WEIR_STAGE_STAGE_H

#include <weir/stage.h>

/*
 * Whether every digest of the set can be computed here, tried out. Returns 0,
 * -ENOMEM, -EINVAL for a bit that stands for no digest, or -EOPNOTSUPP; the
 * last two put the digest's number into *ret_id (may be NULL), because a build
 * can lack a library and a system's policy can forbid MD5.
 */
int digest_set_check(uint32_t digests, enum weir_digest_id *ret_id);

struct chain;

/*
 * Borrows the stages until chain_free(). Returns 0, -EINVAL for a stage
 * without name or chunk hook, or -ENOMEM.
 */
int chain_new(const struct weir_stage *const *stages, size_t stages_count,
	      struct chain **ret_chain);

/*
 * Starts a file that the given set of digests is wanted of. Whatever the chain
 * had begun before is dropped. Returns 0, -ENOMEM, -EOPNOTSUPP as
 * digest_set_check() does, or what a stage's begin hook returned.
 */
int chain_begin(struct chain *chain, uint32_t digests);

/* Digests, then stages. Returns 0 or the error of the first that failed. */
int chain_chunk(struct chain *chain, const struct weir_chunk *chunk);

/*
 * Ends the file: the caller's stages first, so that one which fails leaves no
 * result. Writes the digests in the order of enum weir_digest_id, room for
 * as many as were begun, and their number into *ret_count.
 */
int chain_end(struct chain *chain, const char *path, size_t path_len_bytes,
	      struct weir_digest *ret_digests, size_t *ret_count);

/* The digest or stage that made the last call fail, as long-lived as the job; or NULL. */
const char *chain_failed_stage(const struct chain *chain);

/* Takes NULL, and a chain in the middle of a file. */
void chain_free(struct chain *chain);

#endif
