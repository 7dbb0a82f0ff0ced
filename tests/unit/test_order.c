/* SPDX-License-Identifier: MIT */
/* Items that are put in any order, by any thread, leave in theirs. */
#include "sink/order.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ITEMS ((size_t)20000)
#define THREADS 4

/* What an order is connected to. */
struct outlet {
	struct order order;
	size_t emitted, fail_at;
	uint64_t sequence[ITEMS];
	atomic_bool is_busy;
	atomic_size_t dropped;
};

static int emit(void *ctx, struct order_item *item)
{
	struct outlet *outlet = ctx;
	if (atomic_exchange(&outlet->is_busy, true))
		abort();
	uint64_t seq = item->seq;
	free(item);
	int err = outlet->emitted == outlet->fail_at ? -EIO : 0;
	if (!err)
		outlet->sequence[outlet->emitted++] = seq;
	atomic_store(&outlet->is_busy, false);
	return err;
}

static void drop(void *ctx, struct order_item *item)
{
	struct outlet *outlet = ctx;
	atomic_fetch_add(&outlet->dropped, 1);
	free(item);
}

static struct outlet *outlet_new(uint64_t bytes_max, bool is_unordered)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));
	assert_non_null(outlet);
	outlet->fail_at = SIZE_MAX;
	assert_int_equal(
		order_init(&outlet->order, &(struct order_options){.bytes_max = bytes_max,
								   .is_unordered = is_unordered,
								   .emit = emit,
								   .drop = drop,
								   .ctx = outlet}),
		0);
	return outlet;
}

static void outlet_free(struct outlet *outlet)
{
	order_release(&outlet->order);
	order_release(&outlet->order);
	free(outlet);
}

static struct order_item *item_new(uint64_t seq, size_t bytes)
{
	struct order_item *item = malloc(sizeof(*item));
	if (!item)
		abort();
	*item = (struct order_item){.seq = seq, .bytes = bytes};
	return item;
}

static void assert_in_order(const struct outlet *outlet, size_t count)
{
	assert_int_equal(outlet->emitted, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(outlet->sequence[i], i);
}

static void test_backwards(void **state)
{
	struct outlet *outlet = outlet_new(1 << 20, false);
	(void)state;

	for (uint64_t seq = 200; seq-- > 0;) {
		assert_int_equal(outlet->emitted, 0);
		assert_int_equal(order_put(&outlet->order, item_new(seq, 100)), 0);
	}
	assert_in_order(outlet, 200);
	assert_int_equal(outlet->order.bytes, 0);
	outlet_free(outlet);
}

/*
 * As workers do it: each takes the next few numbers, finishes them after others
 * have taken theirs, and puts them in ascending order.
 */
struct worker {
	struct outlet *outlet;
	struct thread thread;
	atomic_size_t *next;
	unsigned seed;
	size_t items;
	int err;
};

static void work(void *arg)
{
	struct worker *worker = arg;
	for (;;) {
		size_t take = (size_t)rand_r(&worker->seed) % 5 + 1;
		size_t first = atomic_fetch_add(worker->next, take);
		if (rand_r(&worker->seed) % 64 == 0)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		for (size_t i = 0; i < take && first + i < worker->items; i++) {
			size_t bytes = (size_t)rand_r(&worker->seed) % 3000;
			int err = order_put(&worker->outlet->order, item_new(first + i, bytes));
			if (err) {
				worker->err = err;
				return;
			}
		}
		if (first >= worker->items)
			return;
	}
}

static void run_workers(struct outlet *outlet, size_t items, unsigned seed, int errs[THREADS])
{
	struct worker workers[THREADS];
	atomic_size_t next = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.outlet = outlet, .next = &next, .seed = seed + i, .items = items};
		assert_int_equal(thread_start(&workers[i].thread, "work", work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		thread_join(&workers[i].thread);
		errs[i] = workers[i].err;
	}
}

/* With memory for any number of items down to less than one. */
static void test_several_threads(void **state)
{
	static const uint64_t memories[] = {1 << 30, 100000, 5000, 1, 0};
	(void)state;
	for (unsigned i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
		struct outlet *outlet = outlet_new(memories[i], false);
		int errs[THREADS];
		run_workers(outlet, ITEMS, i * 100, errs);
		for (int t = 0; t < THREADS; t++)
			assert_int_equal(errs[t], 0);
		assert_in_order(outlet, ITEMS);
		assert_int_equal(outlet->order.bytes, 0);
		outlet_free(outlet);
	}
}

static void test_unordered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct outlet *outlet = outlet_new(i ? 4000 : 1 << 30, true);
		int errs[THREADS];
		run_workers(outlet, ITEMS, i, errs);
		assert_in_order(outlet, ITEMS);
		outlet_free(outlet);
	}
	/* Nothing waits for number 0. */
	struct outlet *outlet = outlet_new(1 << 20, true);
	assert_int_equal(order_put(&outlet->order, item_new(77, 10)), 0);
	assert_int_equal(outlet->emitted, 1);
	outlet_free(outlet);
}

/* An error of emit is everybody's: those who wait, and those who come later. */
static void test_error(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct outlet *outlet = outlet_new(round % 2 ? 2000 : 1 << 20, false);
		int errs[THREADS];
		outlet->fail_at = 500 + round;
		run_workers(outlet, ITEMS, round, errs);
		for (int t = 0; t < THREADS; t++)
			assert_int_equal(errs[t], -EIO);
		assert_in_order(outlet, 500 + round);
		assert_int_equal(order_put(&outlet->order, item_new(0, 1)), -EIO);
		outlet_free(outlet);
	}
}

struct putter {
	struct outlet *outlet;
	struct thread thread;
	uint64_t seq;
	int err;
};

static void put_one(void *arg)
{
	struct putter *putter = arg;
	putter->err = order_put(&putter->outlet->order, item_new(putter->seq, 100));
}

/* Number 0 never comes; those that wait for room are let go, and all is dropped. */
static void test_cancel(void **state)
{
	struct outlet *outlet = outlet_new(250, false);
	struct putter putters[6];
	(void)state;

	for (unsigned i = 0; i < 6; i++) {
		putters[i] = (struct putter){.outlet = outlet, .seq = i + 1};
		assert_int_equal(thread_start(&putters[i].thread, "put", put_one, &putters[i]), 0);
	}
	/* Two fit; the others stay. */
	for (uint64_t bytes = 0; bytes < 200;) {
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		mutex_lock(&outlet->order.lock);
		bytes = outlet->order.bytes;
		mutex_unlock(&outlet->order.lock);
	}
	order_cancel(&outlet->order);
	int fine = 0;
	for (int i = 0; i < 6; i++) {
		thread_join(&putters[i].thread);
		fine += putters[i].err == 0;
		assert_true(putters[i].err == 0 || putters[i].err == -ECANCELED);
	}
	assert_int_equal(fine, 2);
	assert_int_equal(order_put(&outlet->order, item_new(0, 1)), -ECANCELED);
	assert_int_equal(outlet->emitted, 0);
	assert_int_equal(atomic_load(&outlet->dropped), 5);
	order_release(&outlet->order);
	assert_int_equal(atomic_load(&outlet->dropped), 7);
	outlet_free(outlet);
}

/* One that is too far ahead waits, whatever memory there is. */
static void test_far_ahead(void **state)
{
	struct outlet *outlet = outlet_new(1 << 10, false);
	struct putter far = {.outlet = outlet, .seq = outlet->order.places};
	(void)state;

	assert_int_equal(thread_start(&far.thread, "far", put_one, &far), 0);
	for (uint64_t seq = 0; seq < far.seq; seq++)
		assert_int_equal(order_put(&outlet->order, item_new(seq, 1)), 0);
	thread_join(&far.thread);
	assert_int_equal(far.err, 0);
	assert_in_order(outlet, far.seq + 1);
	outlet_free(outlet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backwards), cmocka_unit_test(test_several_threads),
		cmocka_unit_test(test_unordered), cmocka_unit_test(test_error),
		cmocka_unit_test(test_cancel),    cmocka_unit_test(test_far_ahead),
	};
	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
