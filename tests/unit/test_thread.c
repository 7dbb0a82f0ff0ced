/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct shared {
	struct mutex lock;
	struct cond changed;
	unsigned turn, count;
	bool has_all_signals_blocked;
	char name[16];
	sigset_t mask;
};

static void shared_init(struct shared *shared)
{
	*shared = (struct shared){0};
	mutex_init(&shared->lock);
	cond_init(&shared->changed);
}

static void shared_release(struct shared *shared)
{
	cond_release(&shared->changed);
	mutex_release(&shared->lock);
}

static void look_around(void *arg)
{
	struct shared *shared = arg;
	pthread_getname_np(pthread_self(), shared->name, sizeof(shared->name));
	pthread_sigmask(SIG_SETMASK, NULL, &shared->mask);
}

static void test_name_and_signals(void **state)
{
	struct shared shared;
	struct thread thread;
	(void)state;

	shared_init(&shared);
	sigset_t before, after;
	sigemptyset(&before);
	sigemptyset(&after);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(thread_start(&thread, "a-name-that-is-too-long", look_around, &shared), 0);
	thread_join(&thread);
	assert_string_equal(shared.name, "a-name-that-is-");
	for (int s = 1; s < 32; s++)
		if (s != SIGKILL && s != SIGSTOP)
			assert_int_equal(sigismember(&shared.mask, s), 1);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int s = 1; s < 32; s++)
		assert_int_equal(sigismember(&after, s), sigismember(&before, s));
	shared_release(&shared);
}

static void take_turns(void *arg)
{
	struct shared *shared = arg;
	for (int i = 0; i < 1000; i++) {
		mutex_lock(&shared->lock);
		while (shared->turn != 1)
			cond_wait(&shared->changed, &shared->lock);
		shared->turn = 0;
		shared->count++;
		cond_broadcast(&shared->changed);
		mutex_unlock(&shared->lock);
	}
}

static void test_turns(void **state)
{
	struct shared shared;
	struct thread thread;
	(void)state;

	shared_init(&shared);
	assert_int_equal(thread_start(&thread, "turns", take_turns, &shared), 0);
	for (unsigned i = 0; i < 1000; i++) {
		mutex_lock(&shared.lock);
		assert_int_equal(shared.count, i);
		shared.turn = 1;
		cond_signal(&shared.changed);
		while (shared.turn != 0)
			cond_wait(&shared.changed, &shared.lock);
		mutex_unlock(&shared.lock);
	}
	thread_join(&thread);
	assert_int_equal(shared.count, 1000);
	shared_release(&shared);
}

/* Deadlines count on the monotonic clock; one that has passed does not wait. */
static void test_deadlines(void **state)
{
	struct shared shared;
	(void)state;

	shared_init(&shared);
	mutex_lock(&shared.lock);
	assert_false(cond_wait_until(&shared.changed, &shared.lock, 0));
	uint64_t deadline_ns = clock_monotonic_ns() + 3 * NS_PER_MS;
	while (cond_wait_until(&shared.changed, &shared.lock, deadline_ns))
		;
	assert_true(clock_monotonic_ns() >= deadline_ns);
	mutex_unlock(&shared.lock);
	shared_release(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_and_signals),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_deadlines),
	};
	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
