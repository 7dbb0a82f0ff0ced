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
	bool is_copied;  /* its digests were taken over from another name of the file */
	bool is_ready;   /* to be put; otherwise it must still be read */
	bool is_apart;   /* it is not, or no longer, to share the reading with other names */

	/* How it is opened. The folder is its batch's, or a reference where it joined a link. */
	struct folder *folder;
	bool owns_folder;
	const char *name; /* within record.path */
	unsigned flags;

	uint32_t digests; /* set of all that may be wanted of it */
	uint32_t tried;   /* of these, what it has been read for */
	uint32_t wanted;  /* while it is with a link: what it is to take over */
	struct weir_digest *digest_room;
	struct result *next; /* in a worker's hand, or among the followers of a link */
};

/* digests: the most that it may have to hold. NULL: no memory. */
struct result *result_new(const struct walk_batch *batch, const struct walk_entry *entry,
			  uint64_t seq, uint32_t digests);
/* Gives back the reference, if it is one; then it cannot be opened any more. */
void result_release_folder(struct result *result, struct fdpool *pool);
/* Takes NULL. The folder must have been released. */
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
