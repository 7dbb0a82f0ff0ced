/* SPDX-License-Identifier: MIT */
/* BLAKE3, from its authors' C sources; they pick SSE, AVX2 or AVX-512 at run time. */
#include "stage/hash.h"

#include <blake3.h>

static int init(const struct hash_ops *ops, void *state)
{
	(void)ops;
	blake3_hasher_init(state);
	return 0;
}

static int update(void *state, const void *data, size_t len_bytes)
{
	blake3_hasher_update(state, data, len_bytes);
	return 0;
}

static int final(void *state, uint8_t *out)
{
	blake3_hasher_finalize(state, out, BLAKE3_OUT_LEN);
	return 0;
}

const struct hash_ops hash_blake3 = {
	.state_bytes = sizeof(blake3_hasher),
	.init = init,
	.update = update,
	.final = final,
};
