/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Pieces of all sizes stay where they are and as they were written. */
static void test_pieces_never_move(void **state)
{
	struct arena arena = {0};
	char *copies[500];
	char text[1000];
	(void)state;

	for (size_t i = 0; i < 500; i++) {
		memset(text, (int)(i % 256), sizeof(text));
		copies[i] = arena_copy(&arena, text, i * 2);
		assert_non_null(copies[i]);
	}
	for (size_t i = 0; i < 500; i++) {
		memset(text, (int)(i % 256), sizeof(text));
		assert_memory_equal(copies[i], text, i * 2);
		assert_int_equal(copies[i][i * 2], '\0');
	}
	arena_release(&arena);
	assert_null(arena.slabs);
	assert_int_equal(arena.total_bytes, 0);
}

static void test_alignment(void **state)
{
	struct arena arena = {0};
	(void)state;

	for (size_t i = 0; i < 300; i++) {
		assert_non_null(arena_copy(&arena, "abcdefghij", i % 11));
		void *piece = arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
		memset(piece, 0xaa, i);
	}
	arena_release(&arena);
}

/* A piece larger than any slab has one of its own, and the total says what is taken. */
static void test_large_pieces_and_total(void **state)
{
	struct arena arena = {0};
	size_t asked = 0, last = 0;
	(void)state;

	for (size_t bytes = 1; bytes <= 1 << 20; bytes *= 4) {
		void *piece = arena_alloc(&arena, bytes);
		assert_non_null(piece);
		memset(piece, 1, bytes);
		asked += bytes;
		assert_true(arena.total_bytes >= asked);
		assert_true(arena.total_bytes >= last);
		last = arena.total_bytes;
	}
	arena_release(&arena);
	arena_release(&arena);
}

/* What a small folder takes is small. */
static void test_first_slab_is_small(void **state)
{
	struct arena arena = {0};
	(void)state;

	assert_non_null(arena_copy(&arena, "name", 4));
	assert_true(arena.total_bytes <= 2048);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_never_move),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_large_pieces_and_total),
		cmocka_unit_test(test_first_slab_is_small),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
