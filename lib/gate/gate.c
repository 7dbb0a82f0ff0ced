/* SPDX-License-Identifier: MIT */
/*
 * The weighted semaphore.
 *
 * Invariants, under the lock:
 *   used <= whole
 *   if waiters is not empty, its first does not fit: used + first.weight > whole
 *
 * The second holds because tokens are handed over by whoever changes the state
 * (a release, or a waiter that gives up at the head of the queue), not raced
 * for by those who wake up. A waiter that times out may find that it was
 * granted its tokens just then; it keeps them, and the request has succeeded.
 */
#include "gate/gate.h"

#include "base/clock.h"
#include "base/verify.h"

#include <errno.h>

struct waiter {
	struct list_node node;
	struct cond granted;
	uint64_t weight;
	bool is_granted;
};

void gate_init(struct gate *gate, uint64_t whole)
{
	*gate = (struct gate){.whole = whole};
	mutex_init(&gate->lock);
	list_init(&gate->waiters);
}

void gate_release_all(struct gate *gate)
{
	VERIFY(gate->used == 0 && list_is_empty(&gate->waiters));
	mutex_release(&gate->lock);
}

static bool fits(const struct gate *gate, uint64_t weight)
{
	return weight <= gate->whole - gate->used;
}

static void take(struct gate *gate, uint64_t weight)
{
	gate->used += weight;
	if (gate->used > gate->peak)
		gate->peak = gate->used;
}

/* Hands tokens to the oldest waiters as far as they go. */
static void grant(struct gate *gate)
{
	while (!gate->is_cancelled && !list_is_empty(&gate->waiters)) {
		struct waiter *first = list_entry(gate->waiters.next, struct waiter, node);
		if (!fits(gate, first->weight))
			return;
		take(gate, first->weight);
		list_remove(&first->node);
		first->is_granted = true;
		cond_signal(&first->granted);
	}
}

/* Waits in the queue; the lock is held. */
static int wait_turn(struct gate *gate, uint64_t weight, uint64_t deadline_ns)
{
	struct waiter self = {.weight = weight};
	cond_init(&self.granted);
	list_push_back(&gate->waiters, &self.node);

	uint64_t start_ns = clock_monotonic_ns();
	bool is_in_time = true;
	while (!self.is_granted && !gate->is_cancelled && is_in_time) {
		if (deadline_ns == UINT64_MAX)
			cond_wait(&self.granted, &gate->lock);
		else
			is_in_time = cond_wait_until(&self.granted, &gate->lock, deadline_ns);
	}
	gate->wait_ns += clock_monotonic_ns() - start_ns;

	if (!self.is_granted) {
		list_remove(&self.node);
		grant(gate);
	}
	cond_release(&self.granted);
	if (self.is_granted)
		return 0;
	return gate->is_cancelled ? -ECANCELED : -ETIMEDOUT;
}

static int acquire(struct gate *gate, uint64_t weight, uint64_t deadline_ns, bool may_wait)
{
	if (gate->is_cancelled)
		return -ECANCELED;
	if (weight > gate->whole)
		return -E2BIG;
	if (list_is_empty(&gate->waiters) && fits(gate, weight)) {
		take(gate, weight);
		return 0;
	}
	return may_wait ? wait_turn(gate, weight, deadline_ns) : -EAGAIN;
}

int gate_acquire(struct gate *gate, uint64_t weight, uint64_t deadline_ns)
{
	mutex_lock(&gate->lock);
	int err = acquire(gate, weight, deadline_ns, true);
	mutex_unlock(&gate->lock);
	return err;
}

int gate_try_acquire(struct gate *gate, uint64_t weight)
{
	mutex_lock(&gate->lock);
	int err = acquire(gate, weight, 0, false);
	mutex_unlock(&gate->lock);
	return err;
}

void gate_release(struct gate *gate, uint64_t weight)
{
	mutex_lock(&gate->lock);
	VERIFY(weight <= gate->used);
	gate->used -= weight;
	grant(gate);
	mutex_unlock(&gate->lock);
}

void gate_cancel(struct gate *gate)
{
	mutex_lock(&gate->lock);
	gate->is_cancelled = true;
	for (struct list_node *n = gate->waiters.next; n != &gate->waiters; n = n->next)
		cond_signal(&list_entry(n, struct waiter, node)->granted);
	mutex_unlock(&gate->lock);
}

struct gate_stats gate_stats(struct gate *gate)
{
	mutex_lock(&gate->lock);
	struct gate_stats stats = {gate->whole, gate->used, gate->peak, gate->wait_ns};
	mutex_unlock(&gate->lock);
	return stats;
}
