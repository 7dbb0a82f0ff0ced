/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>

/*
 * IDLE -> BUSY -> IDLE by the job's thread around each call of the inner sink;
 * IDLE -> CLOSED by relay_close(), for good.
 */
enum { IDLE, BUSY, CLOSED };

static struct relay *relay_of(struct weir_sink *sink)
{
	return (struct relay *)sink; /* sink is the first member */
}

static bool enter(struct relay *relay)
{
	int idle = IDLE;
	return atomic_compare_exchange_strong(&relay->state, &idle, BUSY);
}

static void leave(struct relay *relay)
{
	atomic_store(&relay->state, IDLE);
}

static int put(struct relay *relay, const struct weir_record *record)
{
	relay->see(relay->ctx, record);
	return relay->inner->put(relay->inner, record);
}

/* on_error callbacks run within and so hold the talk too. */
static int put_on_terminal(struct relay *relay, const struct weir_record *record)
{
	talk_hold(relay->talk);
	int err = put(relay, record);
	if (!err)
		err = weir_output_flush(relay->terminal);
	talk_let_go(relay->talk);
	return err;
}

static int relay_put(struct weir_sink *sink, const struct weir_record *record)
{
	struct relay *relay = relay_of(sink);
	if (!enter(relay))
		return -ECANCELED;
	int err = relay->terminal ? put_on_terminal(relay, record) : put(relay, record);
	leave(relay);
	return err;
}

static int relay_finish(struct weir_sink *sink)
{
	struct relay *relay = relay_of(sink);
	if (!enter(relay))
		return -ECANCELED;
	int err = relay->inner->finish ? relay->inner->finish(relay->inner) : 0;
	leave(relay);
	return err;
}

static void relay_abandon(struct weir_sink *sink)
{
	struct relay *relay = relay_of(sink);
	if (!enter(relay))
		return;
	if (relay->inner->abandon)
		relay->inner->abandon(relay->inner);
	leave(relay);
}

void relay_init(struct relay *relay, struct weir_sink *inner)
{
	*relay = (struct relay){
		.sink = {.name = inner->name,
			 .put = relay_put,
			 .finish = relay_finish,
			 .abandon = relay_abandon},
		.inner = inner,
		.state = IDLE,
	};
}

bool relay_close(struct relay *relay)
{
	int idle = IDLE;
	return atomic_compare_exchange_strong(&relay->state, &idle, CLOSED);
}
