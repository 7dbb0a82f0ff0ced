/* SPDX-License-Identifier: MIT */
/*
 * A ring of places, indexed by seq.
 *
 * Invariants, under the lock:
 *   ring[s % places] holds item s or nothing, for next <= s < next + places
 *   if ring[next % places] holds an item, somebody is emitting
 *
 * The second makes the hand-over safe: an item that becomes next while another
 * thread is emitting is found by that thread, which looks at the ring again,
 * under the lock, before it stops.
 */
#include "sink/order.h"

#include <errno.h>
#include <stdlib.h>

#define PLACES_MAX ((size_t)1 << 16)
#define PLACES_MIN ((size_t)256)
/* No item is smaller, so more places could not be filled. */
#define ITEM_MIN_BYTES 128
/* How many items leave under one look at the ring. */
#define EMIT_BATCH 64

int order_init(struct order *order, const struct order_options *options)
{
	*order = (struct order){
		.places = PLACES_MIN,
		.bytes_max = options->bytes_max,
		.is_unordered = options->is_unordered,
		.emit = options->emit,
		.drop = options->drop,
		.ctx = options->ctx,
	};
	while (order->places < PLACES_MAX && order->places * ITEM_MIN_BYTES < options->bytes_max)
		order->places *= 2;
	order->ring = calloc(order->places, sizeof(struct order_item *));
	if (!order->ring)
		return -ENOMEM;
	mutex_init(&order->lock);
	cond_init(&order->room);
	return 0;
}

void order_release(struct order *order)
{
	if (!order->ring)
		return;
	for (size_t i = 0; i < order->places; i++)
		if (order->ring[i])
			order->drop(order->ctx, order->ring[i]);
	free(order->ring);
	order->ring = NULL;
	cond_release(&order->room);
	mutex_release(&order->lock);
}

static bool must_wait(const struct order *order, const struct order_item *item)
{
	if (item->seq == order->next)
		return false;
	return item->seq - order->next >= order->places ||
	       order->bytes + item->bytes > order->bytes_max;
}

/* Takes the next items out of the ring. The lock is held. */
static size_t take_batch(struct order *order, struct order_item *batch[EMIT_BATCH])
{
	size_t count = 0;
	while (count < EMIT_BATCH) {
		struct order_item **place = &order->ring[order->next & (order->places - 1)];
		if (!*place)
			break;
		batch[count++] = *place;
		order->bytes -= (*place)->bytes;
		*place = NULL;
		order->next++;
	}
	return count;
}

/* Emits what is in order. The lock is held, but for the calls. */
static void emit_ready(struct order *order)
{
	struct order_item *batch[EMIT_BATCH];
	size_t count;
	order->is_emitting = true;
	while ((count = take_batch(order, batch)) > 0) {
		cond_broadcast(&order->room);
		int err = order->is_cancelled ? -ECANCELED : order->err;
		mutex_unlock(&order->lock);
		for (size_t i = 0; i < count; i++) {
			if (err)
				order->drop(order->ctx, batch[i]);
			else
				err = order->emit(order->ctx, batch[i]);
		}
		mutex_lock(&order->lock);
		if (err && !order->err) {
			order->err = err;
			cond_broadcast(&order->room);
		}
	}
	order->is_emitting = false;
}

int order_put(struct order *order, struct order_item *item)
{
	mutex_lock(&order->lock);
	if (order->is_unordered)
		item->seq = order->assigned++;
	while (!order->is_cancelled && !order->err && must_wait(order, item))
		cond_wait(&order->room, &order->lock);

	int err = order->is_cancelled ? -ECANCELED : order->err;
	if (err) {
		cond_broadcast(&order->room);
		mutex_unlock(&order->lock);
		order->drop(order->ctx, item);
		return err;
	}
	order->ring[item->seq & (order->places - 1)] = item;
	order->bytes += item->bytes;
	if (item->seq == order->next && !order->is_emitting)
		emit_ready(order);
	err = order->err;
	mutex_unlock(&order->lock);
	return err;
}

void order_cancel(struct order *order)
{
	mutex_lock(&order->lock);
	order->is_cancelled = true;
	cond_broadcast(&order->room);
	mutex_unlock(&order->lock);
}
