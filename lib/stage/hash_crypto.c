/* SPDX-License-Identifier: MIT */
/*
 * The SHA family, MD5 and BLAKE2b, from OpenSSL's libcrypto.
 *
 * An algorithm is fetched once for each state, because a fetch takes a lock and
 * a search; the context is used again for every file. A fetch can be refused:
 * in FIPS mode there is no MD5.
 */
#include "stage/hash.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>

struct state {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

/* What the last failed call means, taken off the thread's queue of errors. */
static int take_errno(int otherwise)
{
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	ERR_clear_error();
	return reason == ERR_R_MALLOC_FAILURE ? -ENOMEM : otherwise;
}

static int init(const struct hash_ops *ops, void *opaque)
{
	struct state *state = opaque;
	if (!state->md)
		state->md = EVP_MD_fetch(NULL, ops->fetch_name, NULL);
	if (!state->md)
		return take_errno(-EOPNOTSUPP);
	if (!state->ctx)
		state->ctx = EVP_MD_CTX_new();
	if (!state->ctx)
		return take_errno(-ENOMEM);
	return EVP_DigestInit_ex2(state->ctx, state->md, NULL) ? 0 : take_errno(-EOPNOTSUPP);
}

static int update(void *opaque, const void *data, size_t len_bytes)
{
	struct state *state = opaque;
	return EVP_DigestUpdate(state->ctx, data, len_bytes) ? 0 : take_errno(-EIO);
}

static int final(void *opaque, uint8_t *out)
{
	struct state *state = opaque;
	return EVP_DigestFinal_ex(state->ctx, out, NULL) ? 0 : take_errno(-EIO);
}

static void release(void *opaque)
{
	struct state *state = opaque;
	EVP_MD_CTX_free(state->ctx);
	EVP_MD_free(state->md);
}

#define CRYPTO_OPS(name)                                                                 \
	{                                                                                \
		.fetch_name = (name), .state_bytes = sizeof(struct state), .init = init, \
		.update = update, .final = final, .release = release,                    \
	}

const struct hash_ops hash_sha256 = CRYPTO_OPS("SHA256");
const struct hash_ops hash_sha512 = CRYPTO_OPS("SHA512");
const struct hash_ops hash_sha1 = CRYPTO_OPS("SHA1");
const struct hash_ops hash_md5 = CRYPTO_OPS("MD5");
const struct hash_ops hash_sha224 = CRYPTO_OPS("SHA224");
const struct hash_ops hash_sha384 = CRYPTO_OPS("SHA384");
const struct hash_ops hash_blake2b = CRYPTO_OPS("BLAKE2B-512");
