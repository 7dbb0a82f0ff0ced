/* SPDX-License-Identifier: MIT */
/* The gate: who waits for whom, against a model that is simple enough to be right. */
#include "gate/gate.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define FOREVER UINT64_MAX

struct asker {
	struct gate *gate;
	struct thread thread;
	uint64_t weight, deadline_ns;
	atomic_bool is_done;
	int err;
};

static void ask(void *arg)
{
	struct asker *asker = arg;
	asker->err = gate_acquire(asker->gate, asker->weight, asker->deadline_ns);
	atomic_store(&asker->is_done, true);
}

static size_t waiting(struct gate *gate)
{
	size_t count = 0;
	mutex_lock(&gate->lock);
	for (struct list_node *n = gate->waiters.next; n != &gate->waiters; n = n->next)
		count++;
	mutex_unlock(&gate->lock);
	return count;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

/* Starts a thread that asks, and returns when it stands in the queue. */
static void start_waiting(struct asker *asker, struct gate *gate, uint64_t weight,
			  uint64_t deadline_ns)
{
	size_t before = waiting(gate);
	*asker = (struct asker){.gate = gate, .weight = weight, .deadline_ns = deadline_ns};
	assert_int_equal(thread_start(&asker->thread, "asker", ask, asker), 0);
	while (waiting(gate) == before && !atomic_load(&asker->is_done))
		nap();
}

static int answer(struct asker *asker)
{
	thread_join(&asker->thread);
	return asker->err;
}

static void test_without_waiting(void **state)
{
	struct gate gate;
	(void)state;

	gate_init(&gate, 10);
	assert_int_equal(gate_acquire(&gate, 4, FOREVER), 0);
	assert_int_equal(gate_try_acquire(&gate, 6), 0);
	assert_int_equal(gate_try_acquire(&gate, 1), -EAGAIN);
	assert_int_equal(gate_try_acquire(&gate, 0), 0);
	assert_int_equal(gate_acquire(&gate, 1, 0), -ETIMEDOUT);
	gate_release(&gate, 10);
	struct gate_stats stats = gate_stats(&gate);
	assert_int_equal(stats.whole, 10);
	assert_int_equal(stats.used, 0);
	assert_int_equal(stats.peak, 10);
	gate_release_all(&gate);
}

/* More than there will ever be is refused at once, also when others wait. */
static void test_too_big(void **state)
{
	struct gate gate;
	struct asker asker;
	(void)state;

	gate_init(&gate, 10);
	assert_int_equal(gate_acquire(&gate, 11, FOREVER), -E2BIG);
	assert_int_equal(gate_try_acquire(&gate, UINT64_MAX), -E2BIG);
	assert_int_equal(gate_acquire(&gate, 10, FOREVER), 0);
	start_waiting(&asker, &gate, 1, FOREVER);
	assert_int_equal(gate_acquire(&gate, 11, FOREVER), -E2BIG);
	gate_release(&gate, 10);
	assert_int_equal(answer(&asker), 0);
	gate_release(&gate, 1);
	gate_release_all(&gate);
}

/* A large request is not overtaken by small ones that would fit. */
static void test_first_come_first_served(void **state)
{
	struct gate gate;
	struct asker large, small[4];
	(void)state;

	gate_init(&gate, 10);
	assert_int_equal(gate_acquire(&gate, 5, FOREVER), 0);
	start_waiting(&large, &gate, 9, FOREVER);
	for (int i = 0; i < 4; i++)
		start_waiting(&small[i], &gate, 1, FOREVER);
	assert_int_equal(gate_try_acquire(&gate, 1), -EAGAIN);
	assert_int_equal(waiting(&gate), 5);
	gate_release(&gate, 4);
	assert_int_equal(answer(&large), 0);
	assert_int_equal(waiting(&gate), 4);
	for (int i = 0; i < 4; i++)
		assert_false(atomic_load(&small[i].is_done));
	gate_release(&gate, 9);
	for (int i = 0; i < 4; i++)
		assert_int_equal(answer(&small[i]), 0);
	gate_release(&gate, 5);
	assert_int_equal(gate_stats(&gate).peak, 10);
	gate_release_all(&gate);
}

/* Who gives up at the head of the queue lets those behind go, and keeps nothing. */
static void test_deadline_at_the_head(void **state)
{
	struct gate gate;
	struct asker large, small;
	(void)state;

	gate_init(&gate, 10);
	assert_int_equal(gate_acquire(&gate, 5, FOREVER), 0);
	start_waiting(&large, &gate, 9, clock_monotonic_ns() + 200 * NS_PER_MS);
	start_waiting(&small, &gate, 5, FOREVER);
	assert_int_equal(answer(&small), 0);
	assert_int_equal(answer(&large), -ETIMEDOUT);
	assert_int_equal(gate_stats(&gate).used, 10);
	gate_release(&gate, 10);
	assert_true(gate_stats(&gate).wait_ns > 0);
	gate_release_all(&gate);
}

/* All who wait are told, whatever fits when those before them leave. */
static void test_cancel(void **state)
{
	struct gate gate;
	struct asker askers[8];
	(void)state;

	gate_init(&gate, 10);
	assert_int_equal(gate_acquire(&gate, 5, FOREVER), 0);
	for (unsigned i = 0; i < 8; i++)
		start_waiting(&askers[i], &gate, i ? 1 : 9, FOREVER);
	gate_cancel(&gate);
	for (int i = 0; i < 8; i++)
		assert_int_equal(answer(&askers[i]), -ECANCELED);
	assert_int_equal(gate_acquire(&gate, 1, FOREVER), -ECANCELED);
	assert_int_equal(gate_try_acquire(&gate, 1), -ECANCELED);
	assert_int_equal(gate_stats(&gate).used, 5);
	gate_release(&gate, 5);
	gate_release_all(&gate);
}

/*
 * The model: a queue of weights and a number. After each step, those who hold
 * tokens by the model have been answered, and the others stand in the queue.
 */
#define ASKERS 24

struct model {
	uint64_t used;
	struct asker *queue[ASKERS];
	size_t queued;
};

static void model_grant(struct model *model, uint64_t whole)
{
	size_t gone = 0;
	while (gone < model->queued && model->queue[gone]->weight <= whole - model->used)
		model->used += model->queue[gone++]->weight;
	for (size_t i = gone; i < model->queued; i++)
		model->queue[i - gone] = model->queue[i];
	model->queued -= gone;
}

static void test_against_a_model(void **state)
{
	const uint64_t whole = 100;
	struct asker askers[ASKERS];
	struct model model = {0};
	struct gate gate;
	unsigned seed = 1;
	(void)state;

	gate_init(&gate, whole);
	for (int round = 0; round < 20; round++) {
		uint64_t held = (uint64_t)rand_r(&seed) % whole + 1;
		assert_int_equal(gate_acquire(&gate, held, FOREVER), 0);
		model.used = held;
		for (size_t i = 0; i < ASKERS; i++) {
			start_waiting(&askers[i], &gate, (uint64_t)rand_r(&seed) % whole + 1,
				      FOREVER);
			model.queue[model.queued++] = &askers[i];
			if (model.queued == 1)
				model_grant(&model, whole);
			if (rand_r(&seed) % 2 && model.used) {
				uint64_t back = (uint64_t)rand_r(&seed) % model.used + 1;
				gate_release(&gate, back);
				model.used -= back;
				model_grant(&model, whole);
			}
			assert_int_equal(gate_stats(&gate).used, model.used);
			assert_int_equal(waiting(&gate), model.queued);
		}
		while (model.used) {
			gate_release(&gate, model.used);
			model.used = 0;
			model_grant(&model, whole);
			assert_int_equal(gate_stats(&gate).used, model.used);
			assert_int_equal(waiting(&gate), model.queued);
		}
		for (size_t i = 0; i < ASKERS; i++)
			assert_int_equal(answer(&askers[i]), 0);
	}
	gate_release_all(&gate);
}

/* Many at once: never more than the whole, and all come through. */
struct crowd {
	struct gate *gate;
	atomic_ullong held, most;
	unsigned seed;
};

static void push(void *arg)
{
	struct crowd *crowd = arg;
	unsigned seed = (unsigned)(uintptr_t)&seed;
	for (int i = 0; i < 300; i++) {
		uint64_t weight = (uint64_t)rand_r(&seed) % 64 + 1;
		uint64_t deadline_ns = rand_r(&seed) % 4 ? FOREVER : clock_monotonic_ns() + 20000;
		if (gate_acquire(crowd->gate, weight, deadline_ns))
			continue;
		uint64_t held = atomic_fetch_add(&crowd->held, weight) + weight;
		unsigned long long most = atomic_load(&crowd->most);
		while (held > most && !atomic_compare_exchange_weak(&crowd->most, &most, held))
			;
		atomic_fetch_sub(&crowd->held, weight);
		gate_release(crowd->gate, weight);
	}
}

static void test_crowd(void **state)
{
	struct gate gate;
	struct crowd crowd = {.gate = &gate};
	struct thread threads[8];
	(void)state;

	gate_init(&gate, 100);
	for (int i = 0; i < 8; i++)
		assert_int_equal(thread_start(&threads[i], "crowd", push, &crowd), 0);
	for (int i = 0; i < 8; i++)
		thread_join(&threads[i]);
	assert_true(atomic_load(&crowd.most) <= 100);
	assert_int_equal(gate_stats(&gate).used, 0);
	assert_true(gate_stats(&gate).peak <= 100);
	gate_release_all(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_waiting),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_first_come_first_served),
		cmocka_unit_test(test_deadline_at_the_head),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_against_a_model),
		cmocka_unit_test(test_crowd),
	};
	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
