/* SPDX-License-Identifier: MIT */
/*
 * Bounded reassembly: items that are completed in any order leave in theirs.
 *
 * There is no thread for it: whoever completes the item that is next hands it
 * on, and all that follow it. Others leave theirs and go on with their work.
 */
#ifndef WEIR_SINK_ORDER_H
#define WEIR_SINK_ORDER_H

#include "base/thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what is to be ordered. */
struct order_item {
	uint64_t seq; /* from 0, each once */
	size_t bytes; /* what it takes while it waits */
};

/* Takes the item over. 0, or an error that ends the order: it is returned by every later put. */
typedef int order_emit(void *ctx, struct order_item *item);
/* Takes over an item that will not be emitted. */
typedef void order_drop(void *ctx, struct order_item *item);

struct order {
	struct mutex lock;
	struct cond room;
	struct order_item **ring; /* by seq modulo places */
	size_t places;            /* a power of two */
	uint64_t next;            /* the item that is to leave next */
	uint64_t assigned;        /* unordered: numbers given out */
	uint64_t bytes, bytes_max;
	bool is_unordered, is_emitting, is_cancelled;
	int err;
	order_emit *emit;
	order_drop *drop;
	void *ctx;
};

struct order_options {
	uint64_t bytes_max;
	bool is_unordered; /* items leave as they come; their seq is overwritten */
	order_emit *emit;  /* called by one thread at a time, without a lock */
	order_drop *drop;
	void *ctx;
};

/* 0, or -ENOMEM. */
int order_init(struct order *order, const struct order_options *options);
/* Drops what is left. Takes an order of zeros. */
void order_release(struct order *order);

/*
 * Takes the item over, also on failure. Waits while the item is too far ahead
 * of the next one, or memory is used up; the item that is next never waits.
 * 0; -ECANCELED; or what emit returned, now or before.
 */
int order_put(struct order *order, struct order_item *item);

void order_cancel(struct order *order);

#endif
