/* SPDX-License-Identifier: MIT */
#include "chunk/chunk.h"

#include "../fault/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BUFFER_BYTES ((size_t)64 << 10)

static void test_buffers_are_reused(void **state)
{
	struct bufpool pool;
	void *a, *b, *c;
	(void)state;

	assert_int_equal(bufpool_init(&pool, BUFFER_BYTES), 0);
	assert_int_equal(bufpool_get(&pool, &a), 0);
	assert_int_equal(bufpool_get(&pool, &b), 0);
	assert_ptr_not_equal(a, b);
	assert_int_equal((uintptr_t)a % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
	memset(a, 1, BUFFER_BYTES);
	memset(b, 2, BUFFER_BYTES);
	bufpool_put(&pool, a);
	bufpool_put(&pool, b);
	/* The one that came back last is still in the cache. */
	assert_int_equal(bufpool_get(&pool, &c), 0);
	assert_ptr_equal(c, b);
	bufpool_put(&pool, c);
	assert_int_equal(pool.buffers, 2);
	assert_int_equal(pool.peak_out, 2);
	assert_int_equal(pool.buffers_out, 0);
	bufpool_release(&pool);
	bufpool_release(&pool);
}

static void test_zeros(void **state)
{
	static const char zeros[BUFFER_BYTES];
	struct bufpool pool;
	(void)state;

	assert_int_equal(bufpool_init(&pool, BUFFER_BYTES), 0);
	assert_memory_equal(pool.zeros, zeros, BUFFER_BYTES);
	bufpool_release(&pool);
}

static void test_no_memory(void **state)
{
	struct bufpool pool;
	void *buffer = NULL;
	(void)state;

	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_MMAP, 1, 1, ENOMEM});
	assert_int_equal(bufpool_init(&pool, BUFFER_BYTES), -ENOMEM);
	bufpool_release(&pool);
	fault_set_plan(&(struct fault_plan){FAULT_MMAP, 3, 1, ENOMEM});
	assert_int_equal(bufpool_init(&pool, BUFFER_BYTES), 0);
	assert_int_equal(bufpool_get(&pool, &buffer), -ENOMEM);
	assert_null(buffer);
	assert_int_equal(pool.buffers_out, 0);
	assert_int_equal(bufpool_get(&pool, &buffer), 0);
	bufpool_put(&pool, buffer);
	bufpool_release(&pool);
	/* All that was mapped has been given back. */
	assert_int_equal(fault_count(FAULT_MMAP) - 2, fault_count(FAULT_MUNMAP));
	fault_uninstall();
}

static void churn(void *arg)
{
	struct bufpool *pool = arg;
	for (unsigned i = 0; i < 2000; i++) {
		void *buffer;
		if (bufpool_get(pool, &buffer))
			return;
		unsigned *words = buffer;
		words[0] = words[100] = i;
		if (words[0] != i || words[100] != i)
			return;
		bufpool_put(pool, buffer);
	}
}

static void test_threads(void **state)
{
	struct bufpool pool;
	struct thread threads[4];
	(void)state;

	assert_int_equal(bufpool_init(&pool, BUFFER_BYTES), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "churn", churn, &pool), 0);
	for (int i = 0; i < 4; i++)
		thread_join(&threads[i]);
	assert_int_equal(pool.buffers_out, 0);
	assert_true(pool.buffers <= 4 && pool.buffers == pool.peak_out);
	bufpool_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffers_are_reused),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests_name("bufpool", tests, NULL, NULL);
}
