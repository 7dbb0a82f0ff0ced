/* SPDX-License-Identifier: MIT */
/* The stages of one worker, in their order: digests, then the caller's. */
#include "stage/stage.h"

#include "stage/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * When a file gets several digests, each sees this much before the next slice is
 * begun, so that all but the first find it in the cache. Measured with chunks of
 * 4 MiB on a Xeon with AVX-512 and 48 KiB of first-level cache, in GB/s:
 *
 *	slice             4 KiB   16 KiB   32 KiB   64 KiB   256 KiB   none
 *	xxh3, crc32c      10.3    18.3     15.9     14.4     10.2       8.1
 *	blake3, xxh3       1.4     3.3      3.9      3.5      3.8       3.7
 *	blake3, sha256     0.64    0.94     0.98     0.95     0.93      0.95
 *
 * Below 16 KiB, BLAKE3 has too few of its 1 KiB leaves to fill its vectors.
 */
#define SLICE_BYTES ((size_t)32 << 10)

struct chain {
	uint32_t digests; /* of the file in work */
	const char *failed_stage;
	void *hash_states[WEIR_DIGEST_COUNT]; /* NULL until the digest is first asked for */
	const struct weir_stage *const *stages;
	size_t stages_count;
	void *stage_states[]; /* NULL for a stage that keeps none */
};

static int fail(struct chain *chain, const char *name, int err)
{
	chain->failed_stage = name;
	return err;
}

/* The first digest of the set from `from` on; WEIR_DIGEST_COUNT after the last. */
static unsigned next_digest(uint32_t set, unsigned from)
{
	uint32_t rest = from < 32 ? set >> from : 0;
	return rest ? from + (unsigned)__builtin_ctz(rest) : WEIR_DIGEST_COUNT;
}

#define FOR_EACH_DIGEST(id, set)                                          \
	for (unsigned id = next_digest((set), 0); id < WEIR_DIGEST_COUNT; \
	     id = next_digest((set), id + 1))

static int make_stage_state(struct chain *chain, size_t i)
{
	const struct weir_stage *stage = chain->stages[i];
	if (!stage->name || !stage->chunk)
		return -EINVAL;
	if (stage->state_bytes == 0)
		return 0;
	if (posix_memalign(&chain->stage_states[i], HASH_STATE_ALIGN_BYTES, stage->state_bytes)) {
		chain->stage_states[i] = NULL;
		return -ENOMEM;
	}
	memset(chain->stage_states[i], 0, stage->state_bytes);
	return 0;
}

int chain_new(const struct weir_stage *const *stages, size_t stages_count, struct chain **ret_chain)
{
	size_t states_bytes;
	if (__builtin_mul_overflow(stages_count, sizeof(void *), &states_bytes) ||
	    states_bytes > SIZE_MAX / 2)
		return -ENOMEM;
	struct chain *chain = calloc(1, sizeof(*chain) + states_bytes);
	if (!chain)
		return -ENOMEM;
	chain->stages = stages;
	chain->stages_count = stages_count;
	for (size_t i = 0; i < stages_count; i++) {
		int err = make_stage_state(chain, i);
		if (err) {
			chain_free(chain);
			return err;
		}
	}
	*ret_chain = chain;
	return 0;
}

void chain_free(struct chain *chain)
{
	if (!chain)
		return;
	for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++) {
		if (chain->hash_states[id])
			hash_state_free(hash_find(id), chain->hash_states[id]);
	}
	for (size_t i = 0; i < chain->stages_count; i++)
		free(chain->stage_states[i]);
	free(chain);
}

static int begin_digest(struct chain *chain, enum weir_digest_id id)
{
	const struct hash_ops *ops = hash_find(id);
	if (!ops)
		return -EOPNOTSUPP;
	if (!chain->hash_states[id])
		chain->hash_states[id] = hash_state_new(ops);
	if (!chain->hash_states[id])
		return -ENOMEM;
	return ops->init(ops, chain->hash_states[id]);
}

int chain_begin(struct chain *chain, uint32_t digests)
{
	assert(digests < WEIR_DIGEST_BIT(WEIR_DIGEST_COUNT));
	chain->failed_stage = NULL;
	chain->digests = digests;
	FOR_EACH_DIGEST (id, digests) {
		int err = begin_digest(chain, id);
		if (err)
			return fail(chain, weir_digest_name(id), err);
	}
	for (size_t i = 0; i < chain->stages_count; i++) {
		const struct weir_stage *stage = chain->stages[i];
		int err = stage->begin ? stage->begin(chain->stage_states[i], stage->ctx) : 0;
		if (err)
			return fail(chain, stage->name, err);
	}
	return 0;
}

static int update_digests(struct chain *chain, const void *data, size_t len_bytes)
{
	FOR_EACH_DIGEST (id, chain->digests) {
		int err = hash_find(id)->update(chain->hash_states[id], data, len_bytes);
		if (err)
			return fail(chain, weir_digest_name(id), err);
	}
	return 0;
}

/* One digest takes the chunk at once: BLAKE3 is faster the more it gets. */
static size_t slice_bytes(const struct chain *chain)
{
	bool is_single = (chain->digests & (chain->digests - 1)) == 0;
	return is_single ? SIZE_MAX : SLICE_BYTES;
}

int chain_chunk(struct chain *chain, const struct weir_chunk *chunk)
{
	chain->failed_stage = NULL;
	const char *data = chunk->data;
	size_t max = slice_bytes(chain);
	for (size_t done = 0; chain->digests && done < chunk->len_bytes;) {
		size_t rest = chunk->len_bytes - done;
		size_t len = rest < max ? rest : max;
		int err = update_digests(chain, data + done, len);
		if (err)
			return err;
		done += len;
	}
	for (size_t i = 0; i < chain->stages_count; i++) {
		const struct weir_stage *stage = chain->stages[i];
		int err = stage->chunk(chain->stage_states[i], stage->ctx, chunk);
		if (err)
			return fail(chain, stage->name, err);
	}
	return 0;
}

static int end_digest(struct chain *chain, enum weir_digest_id id, struct weir_digest *ret_digest)
{
	ret_digest->id = id;
	ret_digest->len_bytes = (uint8_t)weir_digest_len_bytes(id);
	return hash_find(id)->final(chain->hash_states[id], ret_digest->bytes);
}

int chain_end(struct chain *chain, const char *path, size_t path_len_bytes,
	      struct weir_digest *ret_digests, size_t *ret_count)
{
	chain->failed_stage = NULL;
	for (size_t i = 0; i < chain->stages_count; i++) {
		const struct weir_stage *stage = chain->stages[i];
		int err = stage->end ? stage->end(chain->stage_states[i], stage->ctx, path,
						  path_len_bytes)
				     : 0;
		if (err)
			return fail(chain, stage->name, err);
	}
	struct weir_digest results[WEIR_DIGEST_COUNT] = {0};
	size_t count = 0;
	FOR_EACH_DIGEST (id, chain->digests) {
		int err = end_digest(chain, id, &results[count]);
		if (err)
			return fail(chain, weir_digest_name(id), err);
		count++;
	}
	if (count)
		memcpy(ret_digests, results, count * sizeof(results[0]));
	*ret_count = count;
	return 0;
}

const char *chain_failed_stage(const struct chain *chain)
{
	return chain->failed_stage;
}
