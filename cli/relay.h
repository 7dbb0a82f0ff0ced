/* SPDX-License-Identifier: MIT */
/*
 * A sink that stands before the real one.
 *
 * It sees every record, keeps output lines and the drawn line apart where both
 * go to one terminal, and can be closed while the job still runs: an
 * interrupted command must not wait for a read that never returns, but must not
 * free the output below a worker's feet either.
 */
#ifndef WEIR_CLI_RELAY_H
#define WEIR_CLI_RELAY_H

#include "talk.h"

#include <weir/sink.h>

#include <stdatomic.h>
#include <stdbool.h>

struct relay {
	struct weir_sink sink; /* what the job gets */
	struct weir_sink *inner;
	void (*see)(void *ctx, const struct weir_record *record); /* before inner's put */
	void *ctx;

	/* Set where output goes to the terminal that is drawn on: it is flushed at each record. */
	struct weir_output *terminal;
	struct talk *talk;

	atomic_int state;
};

void relay_init(struct relay *relay, struct weir_sink *inner);

/*
 * From here on every call of the job fails with -ECANCELED. False if the inner
 * sink is at work and may be for long: then neither it nor its output may be freed.
 */
bool relay_close(struct relay *relay);

#endif
