/* SPDX-License-Identifier: MIT */
/*
 * Every digest against what its own tool prints (b3sum, xxhsum, the coreutils;
 * for CRC-32C, a bit-by-bit program), and against itself in pieces.
 */
#include "stage/hash.h"
#include "stage/stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATTERN_BYTES ((size_t)1 << 20)

struct vectors {
	const char *empty, *abc;
	const char *pattern; /* PATTERN_BYTES bytes, byte i being i modulo 251 */
};

/* clang-format off */
static const struct vectors vectors[WEIR_DIGEST_COUNT] = {
	[WEIR_BLAKE3] = {
		.empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
		.abc = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
		.pattern = "74cb441fd087764ca9c3694da742ebe30cbeb3060a17009ca81825c7a8d10343",
	},
	[WEIR_XXH3] = {
		.empty = "2d06800538d394c2",
		.abc = "78af5f94892f3950",
		.pattern = "6e0d7ac36b8c10ff",
	},
	[WEIR_XXH128] = {
		.empty = "99aa06d3014798d86001c324468d497f",
		.abc = "06b05ab6733a618578af5f94892f3950",
		.pattern = "53738d98098cabba6e0d7ac36b8c10ff",
	},
	[WEIR_SHA256] = {
		.empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		.abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		.pattern = "631b84027d6b9e52b539c4e8373622d23032dfadc64d60af87339c9037e4f769",
	},
	[WEIR_SHA512] = {
		.empty = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		 "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
		.abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		.pattern = "67dad569eefc986a3b2424f5516d5a0284bb53d7b52d75f5ed881a6830a95765"
		 "ccc82bc48752fb693422579f11dc9a400561ec1885af9eeef703dbbd312d4fd0",
	},
	[WEIR_SHA1] = {
		.empty = "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		.abc = "a9993e364706816aba3e25717850c26c9cd0d89d",
		.pattern = "c2fc4cb20f1301a6b0dd211c19e69a13925dbe40",
	},
	[WEIR_MD5] = {
		.empty = "d41d8cd98f00b204e9800998ecf8427e",
		.abc = "900150983cd24fb0d6963f7d28e17f72",
		.pattern = "8f293a2f6c19b345152f7a49bb4c643c",
	},
	[WEIR_CRC32C] = {
		.empty = "00000000",
		.abc = "364b3fb7",
		.pattern = "dc3e0071",
	},
	[WEIR_SHA224] = {
		.empty = "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
		.abc = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
		.pattern = "5ea506c312141d911fb8909367ae6ecd22513c9fe337046ec36f3dde",
	},
	[WEIR_SHA384] = {
		.empty = "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
		 "274edebfe76f65fbd51ad2f14898b95b",
		.abc = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		 "8086072ba1e7cc2358baeca134c825a7",
		.pattern = "c0b5633796816dc370458921d148550ed3e490ca635324e19b86a26c500577c6"
		 "23a37ecc5de698c222fba72e08e0ee5b",
	},
	[WEIR_BLAKE2B] = {
		.empty = "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419"
		 "d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
		.abc = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
		 "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
		.pattern = "797c6241704933d0c62cea0793db1dd5c65ffd258f8340d394d2cd26b7bf5370"
		 "46ebb5914fb1fae7635ce1f379fb819abc57ad509c015bb4dba4bc981bb1c446",
	},
	[WEIR_XXH64] = {
		.empty = "ef46db3751d8e999",
		.abc = "44bc2cf5ad770999",
		.pattern = "89ac0399c4464a31",
	},
	[WEIR_XXH32] = {
		.empty = "02cc5d05",
		.abc = "32d153ff",
		.pattern = "e911b742",
	},
};
/* clang-format on */

static unsigned char *pattern;

static int make_pattern(void **state)
{
	(void)state;
	pattern = malloc(PATTERN_BYTES);
	if (!pattern)
		return -1;
	for (size_t i = 0; i < PATTERN_BYTES; i++)
		pattern[i] = (unsigned char)(i % 251);
	return 0;
}

static int free_pattern(void **state)
{
	(void)state;
	free(pattern);
	return 0;
}

/* What a finished state says, as hexadecimal digits. */
static void finish_hex(enum weir_digest_id id, void *state, char *hex)
{
	uint8_t bytes[WEIR_DIGEST_MAX_BYTES];
	assert_int_equal(hash_find(id)->final(state, bytes), 0);
	for (size_t i = 0; i < weir_digest_len_bytes(id); i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static void expect_hex(enum weir_digest_id id, void *state, const void *data, size_t len,
		       const char *expected)
{
	const struct hash_ops *ops = hash_find(id);
	char hex[2 * WEIR_DIGEST_MAX_BYTES + 1] = "";
	assert_int_equal(ops->init(ops, state), 0);
	assert_int_equal(ops->update(state, data, len), 0);
	finish_hex(id, state, hex);
	assert_string_equal(hex, expected);
}

/* A state of a digest that this build has; skips the test otherwise. */
static void *state_or_skip(enum weir_digest_id id)
{
	int err = digest_set_check(WEIR_DIGEST_BIT(id), NULL);
	if (err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
	void *state = hash_state_new(hash_find(id));
	assert_non_null(state);
	assert_int_equal((uintptr_t)state % HASH_STATE_ALIGN_BYTES, 0);
	return state;
}

static enum weir_digest_id id_of(void **test_state)
{
	return (enum weir_digest_id)(uintptr_t)*test_state;
}

/* One state for all: what one message leaves behind must not show in the next. */
static void test_known(void **test_state)
{
	enum weir_digest_id id = id_of(test_state);
	void *state = state_or_skip(id);
	expect_hex(id, state, pattern, PATTERN_BYTES, vectors[id].pattern);
	expect_hex(id, state, "", 0, vectors[id].empty);
	expect_hex(id, state, "abc", 3, vectors[id].abc);
	expect_hex(id, state, pattern, PATTERN_BYTES, vectors[id].pattern);
	hash_state_free(hash_find(id), state);
}

static void test_no_update(void **test_state)
{
	enum weir_digest_id id = id_of(test_state);
	const struct hash_ops *ops = hash_find(id);
	void *state = state_or_skip(id);
	char hex[2 * WEIR_DIGEST_MAX_BYTES + 1] = "";
	assert_int_equal(ops->init(ops, state), 0);
	assert_int_equal(ops->update(state, "dropped", 7), 0);
	assert_int_equal(ops->init(ops, state), 0);
	finish_hex(id, state, hex);
	assert_string_equal(hex, vectors[id].empty);
	hash_state_free(ops, state);
}

static void update_split(const struct hash_ops *ops, void *state, size_t len, size_t at)
{
	assert_int_equal(ops->init(ops, state), 0);
	assert_int_equal(ops->update(state, pattern, at), 0);
	assert_int_equal(ops->update(state, pattern + at, 0), 0);
	assert_int_equal(ops->update(state, pattern + at, len - at), 0);
}

/* The block and leaf sizes of all these are 16 to 1024 bytes. */
static void test_split(void **test_state)
{
	static const size_t edges[] = {16, 32, 64, 128, 256, 512, 1024, 2048};
	enum weir_digest_id id = id_of(test_state);
	const struct hash_ops *ops = hash_find(id);
	void *state = state_or_skip(id);
	const size_t len = 4097;
	char whole[2 * WEIR_DIGEST_MAX_BYTES + 1] = "";
	update_split(ops, state, len, 0);
	finish_hex(id, state, whole);
	for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
		for (size_t at = edges[e] - 2; at <= edges[e] + 2; at++) {
			char hex[sizeof(whole)] = "";
			update_split(ops, state, len, at);
			finish_hex(id, state, hex);
			assert_string_equal(hex, whole);
		}
	}
	hash_state_free(ops, state);
}

/* Pieces of growing, odd sizes from addresses of every alignment. */
static void test_pieces(void **test_state)
{
	enum weir_digest_id id = id_of(test_state);
	const struct hash_ops *ops = hash_find(id);
	void *state = state_or_skip(id);
	char hex[2 * WEIR_DIGEST_MAX_BYTES + 1] = "";
	assert_int_equal(ops->init(ops, state), 0);
	size_t len = 0;
	for (size_t at = 0; at < PATTERN_BYTES; at += len) {
		len = at / 7 + 1 < PATTERN_BYTES - at ? at / 7 + 1 : PATTERN_BYTES - at;
		assert_int_equal(ops->update(state, pattern + at, len), 0);
	}
	finish_hex(id, state, hex);
	assert_string_equal(hex, vectors[id].pattern);
	hash_state_free(ops, state);
}

/* The value that every definition of CRC-32C gives for a check. */
static void test_crc32c_check(void **test_state)
{
	(void)test_state;
	void *state = state_or_skip(WEIR_CRC32C);
	expect_hex(WEIR_CRC32C, state, "123456789", 9, "e3069283");
	hash_state_free(hash_find(WEIR_CRC32C), state);
}

/* A worker that never came to its first file frees states that were never begun. */
static void test_unused_state(void **test_state)
{
	(void)test_state;
	for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++) {
		const struct hash_ops *ops = hash_find((enum weir_digest_id)id);
		if (!ops)
			continue;
		void *state = hash_state_new(ops);
		assert_non_null(state);
		hash_state_free(ops, state);
		hash_state_free(ops, NULL);
	}
}

static void test_table(void **test_state)
{
	(void)test_state;
	for (unsigned i = 0; i < WEIR_DIGEST_COUNT; i++) {
		enum weir_digest_id id = (enum weir_digest_id)i, parsed;
		const char *name = weir_digest_name(id), *tag = weir_digest_tag(id);
		assert_int_equal(weir_digest_parse(name, strlen(name), &parsed), 0);
		assert_int_equal(parsed, id);
		assert_int_equal(weir_digest_parse(tag, strlen(tag), &parsed), 0);
		assert_int_equal(parsed, id);
		assert_int_equal(2 * weir_digest_len_bytes(id), strlen(vectors[id].empty));
		assert_int_equal(weir_digest_is_plain(id), id != WEIR_XXH3 && id != WEIR_XXH128);
	}
	enum weir_digest_id none = WEIR_DIGEST_COUNT;
	assert_null(weir_digest_name(none));
	assert_null(weir_digest_tag(none));
	assert_null(hash_find(none));
	assert_int_equal(weir_digest_len_bytes(none), 0);
	assert_false(weir_digest_is_plain(none));
}

static void expect_parse(const char *name, enum weir_digest_id expected)
{
	enum weir_digest_id id = WEIR_DIGEST_COUNT;
	assert_int_equal(weir_digest_parse(name, strlen(name), &id),
			 expected == WEIR_DIGEST_COUNT ? -ENOENT : 0);
	assert_int_equal(id, expected);
}

static void test_parse(void **test_state)
{
	(void)test_state;
	expect_parse("SHA-256", WEIR_SHA256);
	expect_parse("sha256", WEIR_SHA256);
	expect_parse("Sha-1", WEIR_SHA1);
	expect_parse("BLAKE2b", WEIR_BLAKE2B);
	expect_parse("XXH-128", WEIR_XXH128);
	expect_parse("", WEIR_DIGEST_COUNT);
	expect_parse("-", WEIR_DIGEST_COUNT);
	expect_parse("sha256-", WEIR_DIGEST_COUNT);
	expect_parse("-sha256", WEIR_DIGEST_COUNT);
	expect_parse("sha", WEIR_DIGEST_COUNT);
	expect_parse("sha2567", WEIR_DIGEST_COUNT);
	expect_parse("xxh", WEIR_DIGEST_COUNT);

	/* Only len bytes are looked at. */
	enum weir_digest_id id;
	assert_int_equal(weir_digest_parse("md5,sha1", 3, &id), 0);
	assert_int_equal(id, WEIR_MD5);
}

static void test_set_check(void **test_state)
{
	(void)test_state;
	enum weir_digest_id id = WEIR_BLAKE3;
	assert_int_equal(digest_set_check(0, &id), 0);
	assert_int_equal(id, WEIR_BLAKE3);
	assert_int_equal(digest_set_check(UINT32_C(1) << 31, &id), -EINVAL);
	assert_int_equal(id, 31);
	assert_int_equal(digest_set_check(WEIR_DIGEST_BIT(WEIR_DIGEST_COUNT), NULL), -EINVAL);
	for (unsigned i = 0; i < WEIR_DIGEST_COUNT; i++) {
		if (!hash_find((enum weir_digest_id)i)) {
			assert_int_equal(digest_set_check(WEIR_DIGEST_BIT(i), &id), -EOPNOTSUPP);
			assert_int_equal(id, i);
		}
	}
}

/* The test of one digest: "known blake3". cmocka keeps the pointer to the name. */
static struct CMUnitTest digest_test(const char *what, void (*fn)(void **), unsigned id)
{
	static char names[4 * WEIR_DIGEST_COUNT][32];
	static size_t used;
	char *name = names[used++];
	snprintf(name, sizeof(names[0]), "%s %s", what, weir_digest_name((enum weir_digest_id)id));
	return (struct CMUnitTest){
		.name = name,
		.test_func = fn,
		.initial_state = (void *)(uintptr_t)id,
	};
}

int main(void)
{
	struct CMUnitTest tests[4 * WEIR_DIGEST_COUNT];
	struct CMUnitTest *next = tests;
	for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++) {
		*next++ = digest_test("known", test_known, id);
		*next++ = digest_test("no update", test_no_update, id);
		*next++ = digest_test("split", test_split, id);
		*next++ = digest_test("pieces", test_pieces, id);
	}
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_crc32c_check), cmocka_unit_test(test_unused_state),
		cmocka_unit_test(test_table),        cmocka_unit_test(test_parse),
		cmocka_unit_test(test_set_check),
	};
	int failed = cmocka_run_group_tests_name("digests", tests, make_pattern, free_pattern);
	return failed + cmocka_run_group_tests_name("digest table", others, NULL, NULL);
}
