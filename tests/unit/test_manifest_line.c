/* SPDX-License-Identifier: MIT */
#include "walk/manifest_line.h"

#include "base/hex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1
#define SET(name) WEIR_DIGEST_BIT(WEIR_##name)

#define HEX_XXH32 "2ec430ea"
#define HEX_XXH64 "5c80c09683041123"
#define HEX_XXH3 "eaf06c6480b2cd11"
#define HEX_XXH128 "5c7401c0ec22eeeeeaf06c6480b2cd11"
#define HEX_MD5 "9dd4e461268c8034f5c8564e155c67a6"
#define HEX_SHA1 "11f6ad8ec52a2984abaafd7c3b516503785c2072"
#define HEX_SHA224 "54a2f7f92a5f975d8096af77a126edda7da60c5aa872ef1b871701ae"
#define HEX_SHA256 "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
#define HEX_BLAKE3 "3ae7d805f6789a6402acb70ad4096a85a56bf6804eaf25c0493ac697548d30b5"
#define HEX_SHA384                                         \
	"d752c2c51fba0e29aa190570a9d4253e44077a058d3297fa" \
	"3a5630d5bd012622f97c28acaed313b5c83bb990caa7da85"
#define HEX_BLAKE2B                                                        \
	"0909377ad35110cafb2909e185672b7f2728d1f5094f8ad68d6fac6274bf1f49" \
	"9485a80ea364c04ed006d29459ea3cb7c600280e2f83e032529906f88ae30d0a"

static struct manifest_line line;

static int parse_with(const char *data, size_t len, bool is_zero, uint32_t digests)
{
	/* In memory of just its size, so that a sanitizer sees a read behind the end. */
	char *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, data, len);
	int err = manifest_line_parse(&line, copy, len, is_zero, digests);
	free(copy);
	return err;
}

static void assert_line(const char *data, size_t len, bool is_zero, uint32_t candidates,
			const char *hex, const char *path, size_t path_len)
{
	struct str digits = STR_INIT;

	int err = parse_with(data, len, is_zero, 0);
	if (err)
		fail_msg("\"%.*s\": %d", (int)len, data, err);
	assert_int_equal(line.digests_count, 1);
	assert_int_equal(line.digests[0].candidates, candidates);
	hex_append(&digits, line.digests[0].bytes, line.digests[0].len_bytes);
	assert_string_equal(digits.buf, hex);
	assert_int_equal(line.path.len, path_len);
	assert_memory_equal(line.path.buf, path, path_len);
	assert_int_equal(line.path.buf[path_len], 0);
	str_release(&digits);
}

#define READS(data, candidates, hex, path) \
	assert_line(TEXT(data), false, candidates, hex, TEXT(path))
#define READS_ZERO(data, candidates, hex, path) \
	assert_line(TEXT(data), true, candidates, hex, TEXT(path))

static void assert_error(const char *data, size_t len, bool is_zero, int want)
{
	int err = parse_with(data, len, is_zero, 0);
	if (err != want)
		fail_msg("\"%.*s\": %d, not %d", (int)len, data, err, want);
}

#define FAILS(data) assert_error(TEXT(data), false, -EINVAL)
#define IGNORED(data) assert_error(TEXT(data), false, -ENOENT)

static void test_plain(void **state)
{
	(void)state;
	READS(HEX_SHA256 "  a", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a");
	READS(HEX_SHA256 " *a", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a");
	READS(HEX_SHA256 " a", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a");
	READS(HEX_SHA256 " a  b", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a  b");
	READS(HEX_SHA256 "   lead", SET(BLAKE3) | SET(SHA256), HEX_SHA256, " lead");
	READS(HEX_SHA256 "  *star", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "*star");
	READS(HEX_SHA256 " **star", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "*star");
	READS(HEX_SHA256 "  a) = b", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a) = b");
	READS(HEX_SHA256 "  bad\xff", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "bad\xff");
	READS(HEX_SHA256 "  trail  ", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "trail  ");
	READS(" \t" HEX_SHA256 "  a", SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a");
	READS("2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881  a",
	      SET(BLAKE3) | SET(SHA256), HEX_SHA256, "a");
}

static void test_lengths(void **state)
{
	(void)state;
	READS(HEX_XXH32 "  a", SET(CRC32C) | SET(XXH32), HEX_XXH32, "a");
	READS(HEX_XXH64 "  a", SET(XXH64) | SET(XXH3), HEX_XXH64, "a");
	READS("XXH3_" HEX_XXH3 "  a", SET(XXH3), HEX_XXH3, "a");
	READS(HEX_MD5 "  a", SET(MD5), HEX_MD5, "a");
	READS(HEX_SHA1 "  a", SET(SHA1), HEX_SHA1, "a");
	READS(HEX_SHA224 "  a", SET(SHA224), HEX_SHA224, "a");
	READS(HEX_SHA384 "  a", SET(SHA384), HEX_SHA384, "a");
	READS(HEX_BLAKE2B "  a", SET(SHA512) | SET(BLAKE2B), HEX_BLAKE2B, "a");
}

static void test_wanted_digests(void **state)
{
	(void)state;
	assert_int_equal(parse_with(TEXT(HEX_MD5 "  a"), false, SET(XXH128)), 0);
	assert_int_equal(line.digests[0].candidates, SET(XXH128));
	assert_int_equal(parse_with(TEXT(HEX_MD5 "  a"), false, SET(XXH128) | SET(MD5)), 0);
	assert_int_equal(line.digests[0].candidates, SET(XXH128) | SET(MD5));
	assert_int_equal(parse_with(TEXT(HEX_BLAKE3 "  a"), false, SET(SHA256) | SET(MD5)), 0);
	assert_int_equal(line.digests[0].candidates, SET(SHA256));
	assert_int_equal(parse_with(TEXT(HEX_BLAKE3 "  a"), false, SET(MD5)), -EINVAL);
	/* What says itself which digest it is stays that. */
	assert_int_equal(parse_with(TEXT("MD5 (a) = " HEX_MD5), false, SET(XXH128)), 0);
	assert_int_equal(line.digests[0].candidates, SET(MD5));
}

static void test_plain_malformed(void **state)
{
	(void)state;
	FAILS("a");
	FAILS("hello world");
	FAILS(HEX_SHA256);
	FAILS(HEX_SHA256 " ");
	FAILS(HEX_SHA256 "  ");
	FAILS(HEX_SHA256 " *");
	FAILS(HEX_SHA256 "a  b");
	FAILS("0" HEX_SHA256 "  a");
	FAILS("g" HEX_SHA256 "  a");
	FAILS(HEX_SHA256 "/a");
	FAILS("1234567  a");
	FAILS("12345678901234567890  a");
	FAILS("  a");
	FAILS("XXH3_" HEX_SHA256 "  a");
	FAILS("XXH3_  a");
	FAILS(HEX_BLAKE2B HEX_BLAKE2B "  a");
	FAILS(HEX_SHA256 "  a\0b");
	FAILS(HEX_SHA256 "\0 a");
	FAILS("\xef\xbb\xbf" HEX_SHA256 "  a");
}

static void test_escapes(void **state)
{
	(void)state;
	READS("\\" HEX_SHA1 "  back\\\\slash", SET(SHA1), HEX_SHA1, "back\\slash");
	READS("\\" HEX_SHA1 "  new\\nline\\r", SET(SHA1), HEX_SHA1, "new\nline\r");
	READS("\\" HEX_SHA1 " *new\\nline", SET(SHA1), HEX_SHA1, "new\nline");
	READS("\\SHA1 (a\\\\b) = " HEX_SHA1, SET(SHA1), HEX_SHA1, "a\\b");
	READS("\\" HEX_SHA1 "  needless", SET(SHA1), HEX_SHA1, "needless");
	/* Without the leading backslash, names are raw. */
	READS(HEX_SHA1 "  back\\slash", SET(SHA1), HEX_SHA1, "back\\slash");
	READS(HEX_SHA1 "  a\\n\\", SET(SHA1), HEX_SHA1, "a\\n\\");
	READS(HEX_SHA1 "  \\lead", SET(SHA1), HEX_SHA1, "\\lead");
	READS("SHA1 (a\\nb) = " HEX_SHA1, SET(SHA1), HEX_SHA1, "a\\nb");
	FAILS("\\" HEX_SHA1 "  a\\tb");
	FAILS("\\" HEX_SHA1 "  a\\");
	FAILS("\\SHA1 (a\\) = " HEX_SHA1);
	FAILS("\\\\" HEX_SHA1 "  a");
	FAILS("\\");
}

static void test_line_ends(void **state)
{
	(void)state;
	READS(HEX_SHA1 "  a\r", SET(SHA1), HEX_SHA1, "a");
	READS(HEX_SHA1 "  a\r\r", SET(SHA1), HEX_SHA1, "a\r");
	READS("SHA1 (a) = " HEX_SHA1 "\r", SET(SHA1), HEX_SHA1, "a");
	READS("SHA1 (a\r) = " HEX_SHA1, SET(SHA1), HEX_SHA1, "a\r");
	READS("\\" HEX_SHA1 "  a\\r\r", SET(SHA1), HEX_SHA1, "a\r");
	READS("{\"type\":\"file\",\"path\":\"a\",\"digests\":{\"sha1\":\"" HEX_SHA1 "\"}}\r",
	      SET(SHA1), HEX_SHA1, "a");
	IGNORED("\r");
}

static void test_zero(void **state)
{
	(void)state;
	READS_ZERO(HEX_SHA1 "  a\nb", SET(SHA1), HEX_SHA1, "a\nb");
	READS_ZERO(HEX_SHA1 "  a\\nb\r", SET(SHA1), HEX_SHA1, "a\\nb\r");
	READS_ZERO(HEX_SHA1 "  \n", SET(SHA1), HEX_SHA1, "\n");
	READS_ZERO("SHA1 (a\n) = b) = " HEX_SHA1, SET(SHA1), HEX_SHA1, "a\n) = b");
	assert_error(TEXT("\\" HEX_SHA1 "  a"), true, -EINVAL);
	assert_error(TEXT("\n"), true, -ENOENT);
	assert_error(TEXT(""), true, -ENOENT);
	assert_error(TEXT("# x"), true, -ENOENT);
}

static void test_tagged(void **state)
{
	(void)state;
	READS("SHA256 (a) = " HEX_SHA256, SET(SHA256), HEX_SHA256, "a");
	READS("BLAKE3 (a) = " HEX_BLAKE3, SET(BLAKE3), HEX_BLAKE3, "a");
	READS("sha256 (a) = " HEX_SHA256, SET(SHA256), HEX_SHA256, "a");
	READS("SHA2-256(a)= " HEX_SHA256, SET(SHA256), HEX_SHA256, "a");
	READS("SHA256(a)= " HEX_SHA256, SET(SHA256), HEX_SHA256, "a");
	READS("SHA2-224(a)= " HEX_SHA224, SET(SHA224), HEX_SHA224, "a");
	READS("SHA2-384(a)= " HEX_SHA384, SET(SHA384), HEX_SHA384, "a");
	READS("SHA1(a)= " HEX_SHA1, SET(SHA1), HEX_SHA1, "a");
	READS("MD5(a)= " HEX_MD5, SET(MD5), HEX_MD5, "a");
	READS("BLAKE2b (a) = " HEX_BLAKE2B, SET(BLAKE2B), HEX_BLAKE2B, "a");
	READS("BLAKE2b-512 (a) = " HEX_BLAKE2B, SET(BLAKE2B), HEX_BLAKE2B, "a");
	READS("BLAKE2B-512(a)= " HEX_BLAKE2B, SET(BLAKE2B), HEX_BLAKE2B, "a");
	READS("BLAKE2b512(a)= " HEX_BLAKE2B, SET(BLAKE2B), HEX_BLAKE2B, "a");
	READS("XXH32 (a) = " HEX_XXH32, SET(XXH32), HEX_XXH32, "a");
	READS("XXH64 (a) = " HEX_XXH64, SET(XXH64), HEX_XXH64, "a");
	READS("XXH3 (a) = " HEX_XXH3, SET(XXH3), HEX_XXH3, "a");
	READS("XXH128 (a) = " HEX_XXH128, SET(XXH128), HEX_XXH128, "a");
	READS("CRC32C (a) = 01234567", SET(CRC32C), "01234567", "a");
	READS("XXH3_LE (a) = 11cdb280646cf0ea", SET(XXH3), HEX_XXH3, "a");
	READS("XXH64_LE (a) = 2311048396c0805c", SET(XXH64), HEX_XXH64, "a");
	READS("XXH32_LE (a) = ea30c42e", SET(XXH32), HEX_XXH32, "a");
	READS("XXH128_LE (a) = 11cdb280646cf0eaeeee22ecc001745c", SET(XXH128), HEX_XXH128, "a");
	READS("SHA256 ( lead) = " HEX_SHA256, SET(SHA256), HEX_SHA256, " lead");
	READS("SHA256 (a) = b) = " HEX_SHA256, SET(SHA256), HEX_SHA256, "a) = b");
	READS("SHA256 (par(en)) = " HEX_SHA256, SET(SHA256), HEX_SHA256, "par(en)");
	READS("SHA256 (()) = " HEX_SHA256, SET(SHA256), HEX_SHA256, "()");
}

static void test_tagged_malformed(void **state)
{
	(void)state;
	FAILS("SHA256 (a) = ");
	FAILS("SHA256 (a) " HEX_SHA256);
	FAILS("SHA256 (a = " HEX_SHA256);
	FAILS("SHA256 a) = " HEX_SHA256);
	FAILS("SHA256 () = " HEX_SHA256);
	FAILS("SHA256 (a) = " HEX_MD5);
	FAILS("SHA256 (a) = " HEX_SHA256 " ");
	FAILS("SHA256 (a) = " HEX_SHA256 "00");
	FAILS("SHA256 (a) == " HEX_SHA256);
	FAILS("SHA256  (a) = " HEX_SHA256);
	FAILS("SHA256 (a\0b) = " HEX_SHA256);
	FAILS("BLAKE2b-256 (a) = " HEX_SHA256);
	FAILS("SHA2-512/256(a)= " HEX_SHA256);
	FAILS("SHA3-256(a)= " HEX_SHA256);
	FAILS("SM3 (a) = " HEX_SHA256);
	FAILS("SHA256 (");
	FAILS("SHA256 ()");
	FAILS("SHA256");
}

static void test_ignored(void **state)
{
	(void)state;
	IGNORED("");
	IGNORED("  \t");
	IGNORED("#");
	IGNORED("# " HEX_SHA256 "  a");
	IGNORED("  # indented");
	IGNORED("{\"type\":\"error\",\"path\":\"a\",\"op\":\"read\",\"errno\":\"EIO\"}");
	IGNORED("{\"type\":\"summary\",\"files\":3}");
	IGNORED("{\"type\":\"check\",\"path\":\"a\",\"result\":\"ok\"}");
}

static void test_json(void **state)
{
	(void)state;
	READS("{\"type\":\"file\",\"path\":\"a/b\",\"size_bytes\":12,"
	      "\"digests\":{\"sha256\":\"" HEX_SHA256 "\"}}",
	      SET(SHA256), HEX_SHA256, "a/b");
	READS("{ \"digests\" : { \"SHA-256\" : \"" HEX_SHA256 "\" , \"whirlpool\":\"00\" } ,"
	      " \"path\" : \"\\u00e9\\n\\\\\" , \"type\" : \"file\" , \"more\":[1,{}] } ",
	      SET(SHA256), HEX_SHA256, "\xc3\xa9\n\\");
	READS("{\"type\":\"file\",\"path_base64\":\"YmFk/w==\",\"hardlink\":true,"
	      "\"digests\":{\"md5\":\"" HEX_MD5 "\"}}",
	      SET(MD5), HEX_MD5, "bad\xff");
}

static void test_json_several(void **state)
{
	uint32_t seen = 0;
	(void)state;

	assert_int_equal(parse_with(TEXT("{\"type\":\"file\",\"path\":\"a\",\"digests\":{"
					 "\"md5\":\"" HEX_MD5 "\",\"xxh128\":\"" HEX_XXH128
					 "\",\"blake3\":\"" HEX_BLAKE3 "\"}}"),
				    false, SET(SHA1)),
			 0);
	assert_int_equal(line.digests_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct weir_expected_digest *digest = &line.digests[i];
		struct str digits = STR_INIT;
		hex_append(&digits, digest->bytes, digest->len_bytes);
		if (digest->candidates == SET(MD5))
			assert_string_equal(digits.buf, HEX_MD5);
		else if (digest->candidates == SET(XXH128))
			assert_string_equal(digits.buf, HEX_XXH128);
		else
			assert_string_equal(digits.buf, HEX_BLAKE3);
		str_release(&digits);
		seen |= digest->candidates;
	}
	assert_int_equal(seen, SET(MD5) | SET(XXH128) | SET(BLAKE3));
}

#define FILE_JSON(members) "{\"type\":\"file\"," members "}"
#define GOOD_PATH "\"path\":\"a\""
#define GOOD_DIGESTS "\"digests\":{\"md5\":\"" HEX_MD5 "\"}"

static void test_json_malformed(void **state)
{
	(void)state;
	READS(FILE_JSON(GOOD_PATH "," GOOD_DIGESTS), SET(MD5), HEX_MD5, "a");
	FAILS("{");
	FAILS("{}");
	FAILS("{\"type\":1}");
	FAILS("{\"type\":\"folder\"," GOOD_PATH "," GOOD_DIGESTS "}");
	FAILS("{" GOOD_PATH "," GOOD_DIGESTS "}");
	FAILS(FILE_JSON(GOOD_PATH "," GOOD_DIGESTS) "x");
	FAILS(FILE_JSON(GOOD_PATH));
	FAILS(FILE_JSON(GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path\":\"\"," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path\":7," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path\":null," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path\":\"a\\u0000b\"," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path\":\"a\xff\"," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path\":\"\\ud800\"," GOOD_DIGESTS));
	FAILS(FILE_JSON(GOOD_PATH ",\"path_base64\":\"YQ==\"," GOOD_DIGESTS));
	FAILS(FILE_JSON(GOOD_PATH ",\"path\":\"b\"," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path_base64\":\"\"," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path_base64\":\"YQ\"," GOOD_DIGESTS));
	FAILS(FILE_JSON("\"path_base64\":\"AA==\"," GOOD_DIGESTS));
	FAILS(FILE_JSON(GOOD_PATH ",\"digests\":{}"));
	FAILS(FILE_JSON(GOOD_PATH ",\"digests\":[]"));
	FAILS(FILE_JSON(GOOD_PATH ",\"digests\":{\"whirlpool\":\"00\"}"));
	FAILS(FILE_JSON(GOOD_PATH ",\"digests\":{\"md5\":\"00\"}"));
	FAILS(FILE_JSON(GOOD_PATH ",\"digests\":{\"md5\":7}"));
	FAILS(FILE_JSON(GOOD_PATH ",\"digests\":{\"md5\":\"" HEX_MD5 "\",\"MD-5\":\"" HEX_MD5
				  "\"}"));
	FAILS("{\"type\":\"error\"\0}");
}

static void test_release(void **state)
{
	(void)state;
	manifest_line_release(&line);
	manifest_line_release(&line);
	assert_int_equal(line.digests_count, 0);
	assert_null(line.path.buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_wanted_digests),
		cmocka_unit_test(test_plain_malformed),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_tagged),
		cmocka_unit_test(test_tagged_malformed),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_several),
		cmocka_unit_test(test_json_malformed),
		cmocka_unit_test(test_release),
	};
	return cmocka_run_group_tests_name("manifest_line", tests, NULL, NULL);
}
