/* SPDX-License-Identifier: MIT */
/* The token bucket, with a clock of the test's own; and the limiter, which waits. */
#include "base/clock.h"
#include "gate/gate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

/* A moment far from 0, as the monotonic clock of a machine that has run for 30 years. */
#define START_NS (UINT64_C(946080000) * NS_PER_S)
#define PIB (UINT64_C(1) << 50)

static const uint64_t rates[] = {
	1,
	3,
	10,
	999,
	4096,
	65537,
	1000000,
	100000007,
	UINT64_C(10) << 30,
	UINT64_C(1) << 40,
	(UINT64_C(1) << 47) + 12345,
	PIB,
};

/* Asks for one piece after the other and waits as long as it is told; when all are let go. */
static uint64_t run_until(struct rate *rate, uint64_t now_ns, uint64_t piece, uint64_t pieces)
{
	for (uint64_t i = 0; i < pieces; i++) {
		uint64_t position = rate_issue(rate, piece, now_ns);
		uint64_t wait_ns = rate_wait_ns(rate, position, now_ns);
		assert_int_equal(rate_wait_ns(rate, position, now_ns + wait_ns), 0);
		/* Not told to wait longer than it must: a moment before, it may not go yet. */
		if (wait_ns)
			assert_int_equal(rate_wait_ns(rate, position, now_ns + wait_ns - 1), 1);
		now_ns += wait_ns;
	}
	return now_ns;
}

/* The time that `bytes` take, rounded up. */
static uint64_t exact_ns(uint64_t bytes, uint64_t bytes_per_s)
{
	unsigned __int128 ns = (unsigned __int128)bytes * NS_PER_S + bytes_per_s - 1;
	return (uint64_t)(ns / bytes_per_s);
}

/* The last byte is let go in the nanosecond in which its time has come. */
static void test_exact_at_all_rates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t piece = rates[i] / 50 + 1, pieces = 200;
		struct rate rate;
		rate_init(&rate, rates[i], piece, START_NS);
		uint64_t took_ns = run_until(&rate, START_NS, piece, pieces) - START_NS;
		uint64_t want_ns = exact_ns(piece * pieces, rates[i]);
		assert_int_equal(took_ns, want_ns);
	}
}

static void test_no_burst_at_the_start(void **state)
{
	struct rate rate;
	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		rate_init(&rate, rates[i], 1 << 20, START_NS);
		uint64_t position = rate_issue(&rate, 1, START_NS);
		assert_true(rate_wait_ns(&rate, position, START_NS) >= exact_ns(1, rates[i]));
	}
}

/* Over five seconds of asking whenever it may, the average is right within a thousandth. */
static void test_average(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t per_s = rates[i], piece = per_s / 1000 + 1, now_ns = START_NS, bytes = 0;
		struct rate rate;
		rate_init(&rate, per_s, piece, now_ns);
		for (;;) {
			uint64_t position = rate_issue(&rate, piece, now_ns);
			now_ns += rate_wait_ns(&rate, position, now_ns);
			if (now_ns > START_NS + 5 * NS_PER_S)
				break;
			bytes += piece;
			now_ns += 777; /* the reading itself takes a while */
		}
		assert_true(bytes <= 5 * per_s);
		assert_true(bytes + piece >= 5 * per_s - 5 * per_s / 1000);
	}
}

/* However long nobody asked, only a tenth of a second is made up for. */
static void test_idle_time_is_not_saved_up(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, 1000000, 1, START_NS);
	uint64_t now_ns = START_NS + 3600 * NS_PER_S, free_bytes = 0;
	while (rate_wait_ns(&rate, rate_issue(&rate, 1000, now_ns), now_ns) == 0)
		free_bytes += 1000;
	assert_int_equal(free_bytes, 100000);

	/* But one request of the largest size always fits into the bucket. */
	rate_init(&rate, 1000, 65536, START_NS);
	assert_int_equal(rate_wait_ns(&rate, rate_issue(&rate, 65536, now_ns), now_ns), 0);
	assert_true(rate_wait_ns(&rate, rate_issue(&rate, 1, now_ns), now_ns) > 0);
}

static void test_unlimited(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, 0, 1, START_NS);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rate_wait_ns(&rate, rate_issue(&rate, PIB, START_NS), START_NS),
				 0);
	/* When a rate is set then, what has gone is not held against it. */
	rate_set(&rate, 1000, 1, START_NS);
	uint64_t position = rate_issue(&rate, 500, START_NS);
	assert_true(rate_wait_ns(&rate, position, START_NS) == NS_PER_S / 2);
	rate_set(&rate, 0, 1, START_NS);
	assert_int_equal(rate_wait_ns(&rate, position, START_NS), 0);
}

/* Who waits is measured by the new rate from the change on. */
static void test_change_while_waiting(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, 1000, 1, START_NS);
	uint64_t position = rate_issue(&rate, 10000, START_NS);
	uint64_t wait_ns = rate_wait_ns(&rate, position, START_NS);
	assert_true(wait_ns == 10 * NS_PER_S);

	uint64_t now_ns = START_NS + 4 * NS_PER_S;
	rate_set(&rate, 3000, 1, now_ns);
	wait_ns = rate_wait_ns(&rate, position, now_ns);
	assert_true(wait_ns == 2 * NS_PER_S);

	now_ns += NS_PER_S;
	rate_set(&rate, 1, 1, now_ns);
	wait_ns = rate_wait_ns(&rate, position, now_ns);
	assert_true(wait_ns == 3000 * NS_PER_S);
}

struct waiter {
	struct limiter *limiter;
	struct thread thread;
	uint64_t bytes;
	atomic_bool is_done;
	int err;
};

static void wait_for_it(void *arg)
{
	struct waiter *waiter = arg;
	waiter->err = limiter_wait(waiter->limiter, waiter->bytes);
	atomic_store(&waiter->is_done, true);
}

static void start_waiters(struct waiter *waiters, size_t count, struct limiter *limiter)
{
	for (size_t i = 0; i < count; i++) {
		waiters[i] = (struct waiter){.limiter = limiter, .bytes = 1000000};
		assert_int_equal(thread_start(&waiters[i].thread, "rate", wait_for_it, &waiters[i]),
				 0);
	}
	/* All have asked when the bucket has issued what they want. */
	for (uint64_t issued = 0; issued < count * 1000000;) {
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		mutex_lock(&limiter->lock);
		issued = limiter->rate.issued_bytes;
		mutex_unlock(&limiter->lock);
	}
}

/* At a byte a second they would wait for months. */
static void test_limiter_cancel_and_change(void **state)
{
	struct limiter limiter;
	struct waiter waiters[3];
	(void)state;

	limiter_init(&limiter, 1, 1);
	start_waiters(waiters, 3, &limiter);
	for (int i = 0; i < 3; i++)
		assert_false(atomic_load(&waiters[i].is_done));
	limiter_set(&limiter, PIB);
	for (int i = 0; i < 3; i++) {
		thread_join(&waiters[i].thread);
		assert_int_equal(waiters[i].err, 0);
	}
	assert_true(limiter_wait_total_ns(&limiter) > 0);
	limiter_release(&limiter);

	limiter_init(&limiter, 1, 1);
	start_waiters(waiters, 3, &limiter);
	limiter_cancel(&limiter);
	for (int i = 0; i < 3; i++) {
		thread_join(&waiters[i].thread);
		assert_int_equal(waiters[i].err, -ECANCELED);
	}
	assert_int_equal(limiter_wait(&limiter, 1), -ECANCELED);
	limiter_release(&limiter);
}

/* Several threads together get no more than one would. */
static void test_limiter_shares(void **state)
{
	struct limiter limiter;
	struct waiter waiters[3];
	(void)state;

	uint64_t start_ns = clock_monotonic_ns();
	limiter_init(&limiter, 60000000, 1);
	start_waiters(waiters, 3, &limiter);
	for (int i = 0; i < 3; i++) {
		thread_join(&waiters[i].thread);
		assert_int_equal(waiters[i].err, 0);
	}
	assert_true(clock_monotonic_ns() - start_ns >= 50 * NS_PER_MS);
	limiter_release(&limiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_at_all_rates),
		cmocka_unit_test(test_no_burst_at_the_start),
		cmocka_unit_test(test_average),
		cmocka_unit_test(test_idle_time_is_not_saved_up),
		cmocka_unit_test(test_unlimited),
		cmocka_unit_test(test_change_while_waiting),
		cmocka_unit_test(test_limiter_cancel_and_change),
		cmocka_unit_test(test_limiter_shares),
	};
	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
