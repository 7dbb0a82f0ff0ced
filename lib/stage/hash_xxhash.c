/* SPDX-License-Identifier: MIT */
/*
 * XXH3, XXH128, XXH64 and XXH32, from libxxhash.
 *
 * The library makes its own states: their layout is not part of its ABI, and
 * XXH3's must be aligned. Results are big-endian, as xxhsum prints them.
 */
#include "stage/hash.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

/* On x86 this turns XXH3's update into one that picks AVX2 or AVX-512 at run time. */
#if WEIR_HAVE_XXHASH_DISPATCH
#include <xxh_x86dispatch.h>
#endif

union state {
	XXH3_state_t *xxh3; /* XXH3 and XXH128 */
	XXH64_state_t *xxh64;
	XXH32_state_t *xxh32;
};

/* XXH_ERROR is only for a NULL state. */
static int to_errno(XXH_errorcode code)
{
	return code == XXH_OK ? 0 : -EINVAL;
}

static int xxh3_create(union state *state)
{
	if (!state->xxh3)
		state->xxh3 = XXH3_createState();
	return state->xxh3 ? 0 : -ENOMEM;
}

static int xxh3_init(const struct hash_ops *ops, void *opaque)
{
	(void)ops;
	union state *state = opaque;
	int err = xxh3_create(state);
	return err ? err : to_errno(XXH3_64bits_reset(state->xxh3));
}

static int xxh3_update(void *opaque, const void *data, size_t len_bytes)
{
	union state *state = opaque;
	return to_errno(XXH3_64bits_update(state->xxh3, data, len_bytes));
}

static int xxh3_final(void *opaque, uint8_t *out)
{
	union state *state = opaque;
	XXH64_canonical_t canonical;
	XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(state->xxh3));
	memcpy(out, canonical.digest, sizeof(canonical.digest));
	return 0;
}

static void xxh3_release(void *opaque)
{
	union state *state = opaque;
	XXH3_freeState(state->xxh3);
}

static int xxh128_init(const struct hash_ops *ops, void *opaque)
{
	(void)ops;
	union state *state = opaque;
	int err = xxh3_create(state);
	return err ? err : to_errno(XXH3_128bits_reset(state->xxh3));
}

static int xxh128_update(void *opaque, const void *data, size_t len_bytes)
{
	union state *state = opaque;
	return to_errno(XXH3_128bits_update(state->xxh3, data, len_bytes));
}

static int xxh128_final(void *opaque, uint8_t *out)
{
	union state *state = opaque;
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state->xxh3));
	memcpy(out, canonical.digest, sizeof(canonical.digest));
	return 0;
}

static int xxh64_init(const struct hash_ops *ops, void *opaque)
{
	(void)ops;
	union state *state = opaque;
	if (!state->xxh64)
		state->xxh64 = XXH64_createState();
	return state->xxh64 ? to_errno(XXH64_reset(state->xxh64, 0)) : -ENOMEM;
}

static int xxh64_update(void *opaque, const void *data, size_t len_bytes)
{
	union state *state = opaque;
	return to_errno(XXH64_update(state->xxh64, data, len_bytes));
}

static int xxh64_final(void *opaque, uint8_t *out)
{
	union state *state = opaque;
	XXH64_canonical_t canonical;
	XXH64_canonicalFromHash(&canonical, XXH64_digest(state->xxh64));
	memcpy(out, canonical.digest, sizeof(canonical.digest));
	return 0;
}

static void xxh64_release(void *opaque)
{
	union state *state = opaque;
	XXH64_freeState(state->xxh64);
}

static int xxh32_init(const struct hash_ops *ops, void *opaque)
{
	(void)ops;
	union state *state = opaque;
	if (!state->xxh32)
		state->xxh32 = XXH32_createState();
	return state->xxh32 ? to_errno(XXH32_reset(state->xxh32, 0)) : -ENOMEM;
}

static int xxh32_update(void *opaque, const void *data, size_t len_bytes)
{
	union state *state = opaque;
	return to_errno(XXH32_update(state->xxh32, data, len_bytes));
}

static int xxh32_final(void *opaque, uint8_t *out)
{
	union state *state = opaque;
	XXH32_canonical_t canonical;
	XXH32_canonicalFromHash(&canonical, XXH32_digest(state->xxh32));
	memcpy(out, canonical.digest, sizeof(canonical.digest));
	return 0;
}

static void xxh32_release(void *opaque)
{
	union state *state = opaque;
	XXH32_freeState(state->xxh32);
}

const struct hash_ops hash_xxh3 = {
	.state_bytes = sizeof(union state),
	.init = xxh3_init,
	.update = xxh3_update,
	.final = xxh3_final,
	.release = xxh3_release,
};

const struct hash_ops hash_xxh128 = {
	.state_bytes = sizeof(union state),
	.init = xxh128_init,
	.update = xxh128_update,
	.final = xxh128_final,
	.release = xxh3_release,
};

const struct hash_ops hash_xxh64 = {
	.state_bytes = sizeof(union state),
	.init = xxh64_init,
	.update = xxh64_update,
	.final = xxh64_final,
	.release = xxh64_release,
};

const struct hash_ops hash_xxh32 = {
	.state_bytes = sizeof(union state),
	.init = xxh32_init,
	.update = xxh32_update,
	.final = xxh32_final,
	.release = xxh32_release,
};
