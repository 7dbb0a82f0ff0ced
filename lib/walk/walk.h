/* SPDX-License-Identifier: MIT */
/*
 * The walk: names -> entries, in order, by several threads, in bounded memory.
 *
 * It turns a source into a stream of entries. Workers take them in batches;
 * entries are numbered in the order in which they are taken, which is the order
 * of the source. docs/architecture.md, "Walk", tells how that works.
 */
#ifndef WEIR_WALK_WALK_H
#define WEIR_WALK_WALK_H

#include "base/thread.h"
#include "open/fdpool.h"

#include <stdint.h>
#include <weir/sink.h>
#include <weir/source.h>
#include <weir/stats.h>

/* How a name came here, and what that allows. */
enum walk_flag {
	WALK_EXPLICIT = 1,    /* the user named it: it may be a link, a FIFO, a device */
	WALK_FOLLOW = 2,      /* it may be a symbolic link, but must lead to a regular file */
	WALK_STDIN = 4,       /* standard input, already open */
	WALK_MISSING_OK = 16, /* that it does not exist is not worth a word */
	WALK_AGAIN = 32       /* standard input once more: the first name has read it to its end */
};

/* What went wrong at a place of the order. */
struct walk_error {
	int err; /* -errno */
	enum weir_op op;
	bool has_offset;
	uint64_t offset_bytes;
	const char *hint;
};

/* A name to be read, or, if it has an error, one that cannot be. */
struct walk_entry {
	const char *name; /* NUL-terminated; NULL: the error is the folder's own */
	uint32_t name_len;
	uint32_t flags;
	const struct weir_expectation *expected; /* from a manifest, or NULL */
	const struct walk_error *error;          /* or NULL */
};

/* Whether it stands for one file, readable or not, and not for a folder's or a list's trouble. */
static inline bool walk_entry_is_file(const struct walk_entry *entry)
{
	const struct walk_error *error = entry->error;
	return !error || (entry->name && (error->op == WEIR_OP_OPEN || error->op == WEIR_OP_STAT));
}

/* Some entries in a row; all of one folder. */
struct walk_batch {
	struct walk_entry *entries;
	size_t count;
	uint64_t first_seq;
	struct folder *folder;    /* of every name; NULL: names are paths */
	struct walk_block *block; /* what the batch keeps alive */
};

struct walk;

struct walk_limits {
	uint32_t threads;
	uint64_t memory_bytes;
};

/* Borrows both until walk_free(). 0, or -ENOMEM. */
int walk_new(struct weir_source *source, struct fdpool *pool, const struct walk_limits *limits,
	     struct walk **ret_walk);

/* 0, or -EAGAIN, -ENOMEM when not even one thread can be started. */
int walk_start(struct walk *walk);

/*
 * The next entries, `max` at most; waits until there are some. Returns 1; 0 at
 * the end of the source; -ECANCELED; -ENOMEM. Threads may call it at once.
 */
int walk_take(struct walk *walk, size_t max, struct walk_batch *ret_batch);
void walk_batch_done(struct walk *walk, struct walk_batch *batch);

/* Wakes everybody; no more entries are handed out. */
void walk_cancel(struct walk *walk);

/* Cancels, and waits for the threads. Takes NULL. All batches must be done. */
void walk_free(struct walk *walk);

/* The walk's share of a job's statistics. */
void walk_stats(struct walk *walk, struct weir_stats *stats);

/* For a manifest whose plain lines may stand for several digests: which one was right first. */
uint32_t walk_learned_digest(const struct walk *walk);
void walk_learn_digest(struct walk *walk, uint32_t digest);

#endif
