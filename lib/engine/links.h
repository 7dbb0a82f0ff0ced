/* SPDX-License-Identifier: MIT */
/*
 * Files with several names: read once, reported for each. Private to lib/engine.
 *
 * The first result of a file that claims it owns the reading. Others either
 * join it, and are handed to the owner's worker when that settles, or find it
 * settled and take the digests over. Only a name whose file looks the same
 * (size, mtime, ctime) and that wants no other digests may do either; any other
 * is read apart. The table has a bound: the oldest settled link is forgotten for a
 * new one, and if none is settled the new file is read apart.
 */
#ifndef WEIR_ENGINE_LINKS_H
#define WEIR_ENGINE_LINKS_H

#include "base/list.h"
#include "base/thread.h"
#include "engine/result.h"
#include "os/os.h"

struct link;

struct links {
	struct mutex lock;
	struct link **buckets;
	size_t buckets_count, count;
	struct list_node settled; /* struct link, the oldest first */
	uint64_t bytes, bytes_max;
};

/* 0, or -ENOMEM. */
int links_init(struct links *links, uint64_t bytes_max);
/* Frees results that still wait. Takes one of zeros. */
void links_release(struct links *links, struct fdpool *pool);

enum claim {
	CLAIM_APART,  /* read it; nobody else is concerned */
	CLAIM_OWNED,  /* read it, then call links_settle() */
	CLAIM_JOINED, /* the result is not the caller's any more */
	CLAIM_COPIED, /* the digests have been filled in */
};

/* `digests`: the set that result wants of the file. *ret_link is set if CLAIM_OWNED. */
enum claim links_claim(struct links *links, const struct os_stat *st, uint32_t digests,
		       struct result *result, struct link **ret_link);

/*
 * The owner is done: its result has digests, or an error. Returns those who
 * joined, by ascending seq, linked by `next`; they own their folders. Where the
 * owner has digests they have them too; otherwise they are untouched, and must
 * be read apart. No one can join after this.
 */
struct result *links_settle(struct links *links, struct link *link, const struct result *owner);

#endif
