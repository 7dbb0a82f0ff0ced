/* SPDX-License-Identifier: MIT */
/*
 * The table of digests: one line each. A new one is its line here, its number
 * in the public header, and a struct hash_ops in the file of its library.
 */
#include "stage/stage.h"

#include "stage/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The build defines these as 1 for the libraries that it found. */
#if WEIR_HAVE_BLAKE3
#define BLAKE3(ops) (&(ops))
#else
#define BLAKE3(ops) NULL
#endif
#if WEIR_HAVE_XXHASH
#define XXHASH(ops) (&(ops))
#else
#define XXHASH(ops) NULL
#endif
#if WEIR_HAVE_CRYPTO
#define CRYPTO(ops) (&(ops))
#else
#define CRYPTO(ops) NULL
#endif
#if WEIR_HAVE_ISAL
#define ISAL(ops) (&(ops))
#else
#define ISAL(ops) NULL
#endif

struct digest {
	const char *name, *tag;
	uint8_t len_bytes;
	bool is_tagged_only;
	const struct hash_ops *ops;
};

/* clang-format off */
static const struct digest digests[WEIR_DIGEST_COUNT] = {
	[WEIR_BLAKE3]  = {"blake3",  "BLAKE3",  32, false, BLAKE3(hash_blake3)},
	[WEIR_XXH3]    = {"xxh3",    "XXH3",     8, true,  XXHASH(hash_xxh3)},
	[WEIR_XXH128]  = {"xxh128",  "XXH128",  16, true,  XXHASH(hash_xxh128)},
	[WEIR_SHA256]  = {"sha256",  "SHA256",  32, false, CRYPTO(hash_sha256)},
	[WEIR_SHA512]  = {"sha512",  "SHA512",  64, false, CRYPTO(hash_sha512)},
	[WEIR_SHA1]    = {"sha1",    "SHA1",    20, false, CRYPTO(hash_sha1)},
	[WEIR_MD5]     = {"md5",     "MD5",     16, false, CRYPTO(hash_md5)},
	[WEIR_CRC32C]  = {"crc32c",  "CRC32C",   4, false, ISAL(hash_crc32c)},
	[WEIR_SHA224]  = {"sha224",  "SHA224",  28, false, CRYPTO(hash_sha224)},
	[WEIR_SHA384]  = {"sha384",  "SHA384",  48, false, CRYPTO(hash_sha384)},
	[WEIR_BLAKE2B] = {"blake2b", "BLAKE2b", 64, false, CRYPTO(hash_blake2b)},
	[WEIR_XXH64]   = {"xxh64",   "XXH64",    8, false, XXHASH(hash_xxh64)},
	[WEIR_XXH32]   = {"xxh32",   "XXH32",    4, false, XXHASH(hash_xxh32)},
};
/* clang-format on */

/* The line of a digest; NULL for a number out of range. */
static const struct digest *digest_at(enum weir_digest_id id)
{
	return (unsigned)id < WEIR_DIGEST_COUNT ? &digests[id] : NULL;
}

const char *weir_digest_name(enum weir_digest_id id)
{
	const struct digest *digest = digest_at(id);
	return digest ? digest->name : NULL;
}

const char *weir_digest_tag(enum weir_digest_id id)
{
	const struct digest *digest = digest_at(id);
	return digest ? digest->tag : NULL;
}

size_t weir_digest_len_bytes(enum weir_digest_id id)
{
	const struct digest *digest = digest_at(id);
	return digest ? digest->len_bytes : 0;
}

bool weir_digest_is_plain(enum weir_digest_id id)
{
	const struct digest *digest = digest_at(id);
	return digest && !digest->is_tagged_only;
}

/* Whatever the locale says: names are ASCII. */
static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "SHA-256" is the name "sha256": case does not count, nor does a dash within. */
static bool is_name(const char *name, const char *text, size_t len)
{
	if (len == 0 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-')
			continue;
		if (*name == '\0' || ascii_lower(text[i]) != *name)
			return false;
		name++;
	}
	return *name == '\0';
}

int weir_digest_parse(const char *name, size_t len, enum weir_digest_id *ret_id)
{
	for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++) {
		if (is_name(digests[id].name, name, len)) {
			*ret_id = (enum weir_digest_id)id;
			return 0;
		}
	}
	return -ENOENT;
}

const struct hash_ops *hash_find(enum weir_digest_id id)
{
	const struct digest *digest = digest_at(id);
	return digest ? digest->ops : NULL;
}

void *hash_state_new(const struct hash_ops *ops)
{
	void *state;
	if (posix_memalign(&state, HASH_STATE_ALIGN_BYTES, ops->state_bytes))
		return NULL;
	memset(state, 0, ops->state_bytes);
	return state;
}

void hash_state_free(const struct hash_ops *ops, void *state)
{
	if (state && ops->release)
		ops->release(state);
	free(state);
}

/* Tries one digest out: only its library knows whether it may be used here. */
static int digest_check(enum weir_digest_id id)
{
	if (!digest_at(id))
		return -EINVAL;
	const struct hash_ops *ops = hash_find(id);
	if (!ops)
		return -EOPNOTSUPP;
	void *state = hash_state_new(ops);
	if (!state)
		return -ENOMEM;
	int err = ops->init(ops, state);
	hash_state_free(ops, state);
	return err;
}

int digest_set_check(uint32_t set, enum weir_digest_id *ret_id)
{
	for (unsigned id = 0; id < 32; id++) {
		if (!(set & WEIR_DIGEST_BIT(id)))
			continue;
		int err = digest_check((enum weir_digest_id)id);
		if (err) {
			if (ret_id && err != -ENOMEM)
				*ret_id = (enum weir_digest_id)id;
			return err;
		}
	}
	return 0;
}
