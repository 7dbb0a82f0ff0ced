/* SPDX-License-Identifier: MIT */
/* What became of one entry, on its way to the sink. Private to lib/engine. */
#ifndef WEIR_ENGINE_RESULT_H
#define WEIR_ENGINE_RESULT_H

#include "open/fdpool.h"
#include "sink/order.h"
#include "walk/walk.h"

#include <weir/sink.h>

/* One allocation holds it with its path, digests and expectation. */
struct result {
	struct order_item item; /* first */
	struct weir_record record;
	struct weir_error error;
	bool is_silent;  /* takes its turn, but is not for the sink */
	bool is_counted; /* as a file that was found */

	/* How it is opened: borrowed from its batch, but for a follower that waits, see links.h. */
	struct folder *folder;
	const char *name; /* within record.path */
	unsigned flags;

	uint32_t digests; /* set of all that may be wanted of it */
	uint32_t wanted;  /* while it is with a link: those that are wanted first */
	struct weir_digest *digest_room;
	struct result *next; /* among the followers of a link */
};

/* digests: the most that it may have to hold. NULL: no memory. */
struct result *result_new(const struct walk_batch *batch, const struct walk_entry *entry,
			  uint64_t seq, uint32_t digests);
/* Takes NULL. */
void result_free(struct result *result);

/* Makes it an error; digests are dropped. offset: UINT64_MAX for none. */
void result_fail(struct result *result, enum weir_op op, int err, uint64_t offset_bytes,
		 const char *stage, const char *hint);
void result_set_digests(struct result *result, size_t count);

/* Compares with what the manifest expects, if it comes from one. */
void result_match(struct result *result);

/* What to change after this error of opening or reading; a literal, or NULL. */
const char *result_hint(enum weir_op op, int err, bool was_found);

#endif
