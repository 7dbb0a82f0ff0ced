/* SPDX-License-Identifier: MIT */
/* The order of the hooks, the digests of a chain, and what a failure leaves behind. */
#include "stage/hash.h"
#include "stage/stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* More than one slice, and not a multiple of any. */
#define DATA_BYTES ((size_t)300001)

/* All digests that this build has. */
static uint32_t available(void)
{
	uint32_t set = 0;
	for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++) {
		if (digest_set_check(WEIR_DIGEST_BIT(id), NULL) == 0)
			set |= WEIR_DIGEST_BIT(id);
	}
	return set;
}

static unsigned char *make_data(void)
{
	unsigned char *data = malloc(DATA_BYTES);
	assert_non_null(data);
	for (size_t i = 0; i < DATA_BYTES; i++)
		data[i] = (unsigned char)(i * 2654435761U >> 7);
	return data;
}

/* What the library says of the data when it is handed over in one piece. */
static void expect_digest(const struct weir_digest *digest, const void *data, size_t len_bytes)
{
	const struct hash_ops *ops = hash_find(digest->id);
	void *state = hash_state_new(ops);
	assert_non_null(state);
	uint8_t expected[WEIR_DIGEST_MAX_BYTES];
	assert_int_equal(ops->init(ops, state), 0);
	assert_int_equal(ops->update(state, data, len_bytes), 0);
	assert_int_equal(ops->final(state, expected), 0);
	hash_state_free(ops, state);
	assert_int_equal(digest->len_bytes, weir_digest_len_bytes(digest->id));
	assert_memory_equal(digest->bytes, expected, digest->len_bytes);
}

static void feed(struct chain *chain, const unsigned char *data, size_t len_bytes,
		 size_t chunk_bytes)
{
	for (size_t at = 0; at < len_bytes; at += chunk_bytes) {
		size_t rest = len_bytes - at;
		struct weir_chunk chunk = {
			.data = data + at,
			.len_bytes = rest < chunk_bytes ? rest : chunk_bytes,
			.offset_bytes = at,
		};
		assert_int_equal(chain_chunk(chain, &chunk), 0);
	}
}

/* Runs one file through the chain; checks number, order and values of the digests. */
static void run_file(struct chain *chain, uint32_t set, const unsigned char *data, size_t len_bytes,
		     size_t chunk_bytes)
{
	struct weir_digest digests[WEIR_DIGEST_COUNT];
	size_t count = SIZE_MAX;
	assert_int_equal(chain_begin(chain, set), 0);
	feed(chain, data, len_bytes, chunk_bytes);
	assert_int_equal(chain_end(chain, "f", 1, digests, &count), 0);
	assert_int_equal(count, __builtin_popcount(set));
	assert_null(chain_failed_stage(chain));
	uint32_t seen = 0;
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || digests[i - 1].id < digests[i].id);
		seen |= WEIR_DIGEST_BIT(digests[i].id);
		expect_digest(&digests[i], data, len_bytes);
	}
	assert_int_equal(seen, set);
}

static void test_all_digests_in_one_read(void **state)
{
	(void)state;
	unsigned char *data = make_data();
	struct chain *chain;
	assert_int_equal(chain_new(NULL, 0, &chain), 0);
	run_file(chain, available(), data, DATA_BYTES, DATA_BYTES);
	run_file(chain, available(), data, DATA_BYTES, 4099);
	run_file(chain, available(), data, 1, 1);
	run_file(chain, available(), data, 0, 1);
	chain_free(chain);
	free(data);
}

/* A manifest may ask for another digest at every file. */
static void test_each_file_its_own_digests(void **state)
{
	(void)state;
	unsigned char *data = make_data();
	struct chain *chain;
	assert_int_equal(chain_new(NULL, 0, &chain), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++)
			run_file(chain, WEIR_DIGEST_BIT(id) & available(), data, 70000 + id, 70000);
	}
	run_file(chain, 0, data, 100, 100);
	chain_free(chain);
	free(data);
}

/* A file that is given up in the middle leaves nothing for the next one. */
static void test_begin_drops_what_was_begun(void **state)
{
	(void)state;
	unsigned char *data = make_data();
	struct chain *chain;
	assert_int_equal(chain_new(NULL, 0, &chain), 0);
	assert_int_equal(chain_begin(chain, available()), 0);
	feed(chain, data, 5000, 999);
	run_file(chain, available(), data + 1, 7000, 512);
	assert_int_equal(chain_begin(chain, available()), 0);
	feed(chain, data, 10, 10);
	chain_free(chain);
	free(data);
}

/* What the stages of the following tests write down. */
struct diary {
	char text[64];
	int fail_at; /* the letter of the hook that fails, or 0 */
	size_t bytes;
	uint64_t next_offset_bytes;
};

/* The state of such a stage: proves that it is kept, zeroed and aligned. */
struct counter {
	uint64_t files;
	unsigned char filler[100];
};

static int note(struct diary *diary, char letter)
{
	size_t len = strlen(diary->text);
	assert_true(len + 1 < sizeof(diary->text));
	diary->text[len] = letter;
	diary->text[len + 1] = '\0';
	return diary->fail_at == letter ? -ENOSPC : 0;
}

static int diary_begin(void *state, void *ctx)
{
	struct counter *counter = state;
	struct diary *diary = ctx;
	static const unsigned char zeros[sizeof(counter->filler)];
	assert_int_equal((uintptr_t)state % 64, 0);
	assert_memory_equal(counter->filler, zeros, sizeof(zeros));
	counter->files++;
	diary->next_offset_bytes = 0;
	return note(diary, 'b');
}

static int diary_chunk(void *state, void *ctx, const struct weir_chunk *chunk)
{
	struct diary *diary = ctx;
	(void)state;
	assert_int_equal(chunk->offset_bytes, diary->next_offset_bytes);
	diary->next_offset_bytes += chunk->len_bytes;
	diary->bytes += chunk->len_bytes;
	return note(diary, 'c');
}

static int diary_end(void *state, void *ctx, const char *path, size_t path_len_bytes)
{
	struct counter *counter = state;
	struct diary *diary = ctx;
	assert_int_equal(path_len_bytes, 1);
	assert_int_equal(path[0], 'f');
	assert_in_range(counter->files, 1, 2);
	return note(diary, 'e');
}

static struct weir_stage diary_stage(const char *name, struct diary *diary)
{
	return (struct weir_stage){
		.name = name,
		.state_bytes = sizeof(struct counter),
		.begin = diary_begin,
		.chunk = diary_chunk,
		.end = diary_end,
		.ctx = diary,
	};
}

static void test_stage_hooks_in_order(void **state)
{
	(void)state;
	unsigned char *data = make_data();
	struct diary diary = {0};
	struct weir_stage stage = diary_stage("diary", &diary);
	const struct weir_stage *stages[] = {&stage};
	struct chain *chain;
	assert_int_equal(chain_new(stages, 1, &chain), 0);
	run_file(chain, available(), data, DATA_BYTES, 100000);
	assert_string_equal(diary.text, "bcccce");
	assert_int_equal(diary.bytes, DATA_BYTES);
	run_file(chain, 0, data, 0, 1);
	assert_string_equal(diary.text, "bccccebe");
	chain_free(chain);
	free(data);
}

/* A stage without state, begin or end, between two that have them. */
static int count_chunk(void *state, void *ctx, const struct weir_chunk *chunk)
{
	(void)chunk;
	assert_null(state);
	++*(int *)ctx;
	return 0;
}

static void test_optional_hooks(void **state)
{
	(void)state;
	unsigned char *data = make_data();
	int chunks = 0;
	struct diary first = {0}, last = {0};
	struct weir_stage a = diary_stage("a", &first), c = diary_stage("c", &last);
	struct weir_stage b = {.name = "b", .chunk = count_chunk, .ctx = &chunks};
	const struct weir_stage *stages[] = {&a, &b, &c};
	struct chain *chain;
	assert_int_equal(chain_new(stages, 3, &chain), 0);
	run_file(chain, 0, data, 3000, 1000);
	assert_string_equal(first.text, "bccce");
	assert_int_equal(chunks, 3);
	assert_string_equal(last.text, "bccce");
	chain_free(chain);
	free(data);
}

/* What a failing hook returns comes back, with its stage's name; later stages are not called. */
static void expect_failure(int fail_at, const char *text_of_first, const char *text_of_last)
{
	struct diary first = {.fail_at = fail_at}, last = {0};
	struct weir_stage a = diary_stage("a", &first), b = diary_stage("b", &last);
	const struct weir_stage *stages[] = {&a, &b};
	struct chain *chain;
	assert_int_equal(chain_new(stages, 2, &chain), 0);

	struct weir_digest digest = {.len_bytes = 99};
	size_t count = 77;
	struct weir_chunk chunk = {.data = "x", .len_bytes = 1};
	int err = chain_begin(chain, available());
	if (!err)
		err = chain_chunk(chain, &chunk);
	if (!err)
		err = chain_end(chain, "f", 1, &digest, &count);
	assert_int_equal(err, -ENOSPC);
	assert_string_equal(chain_failed_stage(chain), "a");
	assert_string_equal(first.text, text_of_first);
	assert_string_equal(last.text, text_of_last);
	assert_int_equal(count, 77);
	assert_int_equal(digest.len_bytes, 99);

	first.fail_at = 0;
	run_file(chain, available(), (const unsigned char *)"abc", 3, 3);
	chain_free(chain);
}

static void test_failures(void **state)
{
	(void)state;
	expect_failure('b', "b", "");
	expect_failure('c', "bc", "b");
	expect_failure('e', "bce", "bc");
}

static void test_missing_digest(void **state)
{
	(void)state;
	uint32_t missing = ~available() & (WEIR_DIGEST_BIT(WEIR_DIGEST_COUNT) - 1);
	if (!missing)
		skip();
	struct chain *chain;
	assert_int_equal(chain_new(NULL, 0, &chain), 0);
	assert_int_equal(chain_begin(chain, missing), -EOPNOTSUPP);
	enum weir_digest_id first = (enum weir_digest_id)__builtin_ctz(missing);
	assert_string_equal(chain_failed_stage(chain), weir_digest_name(first));
	chain_free(chain);
}

static void test_bad_stages(void **state)
{
	(void)state;
	struct chain *chain = NULL;
	struct diary diary = {0};
	struct weir_stage good = diary_stage("good", &diary), bad = {.name = "no chunk"};
	const struct weir_stage *stages[] = {&good, &bad};
	assert_int_equal(chain_new(stages, 2, &chain), -EINVAL);
	bad = diary_stage(NULL, &diary);
	assert_int_equal(chain_new(stages, 2, &chain), -EINVAL);
	assert_null(chain);
	assert_int_equal(chain_new(stages, SIZE_MAX / 2, &chain), -ENOMEM);
	assert_null(chain);
	chain_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_digests_in_one_read),
		cmocka_unit_test(test_each_file_its_own_digests),
		cmocka_unit_test(test_begin_drops_what_was_begun),
		cmocka_unit_test(test_stage_hooks_in_order),
		cmocka_unit_test(test_optional_hooks),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_missing_digest),
		cmocka_unit_test(test_bad_stages),
	};
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
