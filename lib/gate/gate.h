/* SPDX-License-Identifier: MIT */
/*
 * The bounds on data in motion: `gate`, how many bytes may be in flight, and
 * `rate`, how many may be read per second. Neither knows of files.
 *
 * No deadlock: who holds tickets of a gate must not wait for anything but time
 * and other holders of tickets of the same gate that do the same.
 */
#ifndef WEIR_GATE_GATE_H
#define WEIR_GATE_GATE_H

#include "base/list.h"
#include "base/thread.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A semaphore with weights. First come first served: a request waits behind
 * every earlier one, even if it would fit, so that a large one is not overtaken
 * for ever. Tokens are handed over by who returns them. Thread-safe.
 */
struct gate {
	struct mutex lock;
	struct list_node waiters; /* struct waiter, the oldest first */
	uint64_t whole, used, peak;
	uint64_t wait_ns; /* summed over those who waited */
	bool is_cancelled;
};

void gate_init(struct gate *gate, uint64_t whole);
void gate_release_all(struct gate *gate); /* the gate itself; nobody may hold or wait */

/*
 * Takes `weight` tokens, and waits for them until deadline_ns on the monotonic
 * clock (UINT64_MAX: for ever). 0; -E2BIG, at once, for more than the whole;
 * -ETIMEDOUT; -ECANCELED. On failure nothing is held.
 */
int gate_acquire(struct gate *gate, uint64_t weight, uint64_t deadline_ns);

/* Without waiting; -EAGAIN where acquire would have waited. */
int gate_try_acquire(struct gate *gate, uint64_t weight);

void gate_release(struct gate *gate, uint64_t weight);

/* All waiters and all later requests get -ECANCELED; tickets that are out may still be returned. */
void gate_cancel(struct gate *gate);

struct gate_stats {
	uint64_t whole, used, peak, wait_ns;
};
struct gate_stats gate_stats(struct gate *gate);

/*
 * A token bucket, as a pure function of time.
 *
 * Requests are numbered by bytes: a request of n bytes gets the position
 * issued + n, and may go when the bytes allowed so far have reached it:
 *
 *	allowed(now) = base_bytes + (now - base_ns) * bytes_per_s / 10^9
 *
 * computed with 128 bits from a base that moves only when the rate is changed
 * or the bucket is full, so nothing is lost by rounding at any rate. A rate of
 * 0 allows everything. The bucket starts empty and holds burst_bytes at most.
 */
struct rate {
	uint64_t bytes_per_s;
	uint64_t burst_bytes;
	uint64_t base_bytes, base_ns;
	uint64_t issued_bytes;
};

/* 100 ms worth of the rate, but at least min_burst_bytes: the largest request. */
void rate_init(struct rate *rate, uint64_t bytes_per_s, uint64_t min_burst_bytes, uint64_t now_ns);

/* The position of a request of `bytes`, to be given to rate_wait_ns(). */
uint64_t rate_issue(struct rate *rate, uint64_t bytes, uint64_t now_ns);

/* How long it takes from now until that request may go; 0: it may. */
uint64_t rate_wait_ns(const struct rate *rate, uint64_t position, uint64_t now_ns);

/* From now on; requests that wait are measured by the new rate. */
void rate_set(struct rate *rate, uint64_t bytes_per_s, uint64_t min_burst_bytes, uint64_t now_ns);

/* A rate that threads share and can be made to stop waiting for. Thread-safe. */
struct limiter {
	struct mutex lock;
	struct cond changed;
	struct rate rate;
	uint64_t min_burst_bytes;
	uint64_t wait_ns;
	bool is_cancelled;
};

void limiter_init(struct limiter *limiter, uint64_t bytes_per_s, uint64_t min_burst_bytes);
void limiter_release(struct limiter *limiter);

/* Returns when `bytes` may be read: 0, or -ECANCELED. */
int limiter_wait(struct limiter *limiter, uint64_t bytes);
void limiter_set(struct limiter *limiter, uint64_t bytes_per_s);
void limiter_cancel(struct limiter *limiter);
uint64_t limiter_wait_total_ns(struct limiter *limiter);

#endif
