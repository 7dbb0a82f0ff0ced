/* SPDX-License-Identifier: MIT */
/*
 * What a back-end is. A new one is one file with a const struct read_ops, and a
 * line in the table of read.c.
 */
#ifndef WEIR_READ_READ_OPS_H
#define WEIR_READ_READ_OPS_H

#include "read/read.h"

/* All hooks of one back-end state are called by the thread that made it. All are required. */
struct read_ops {
	const char *name;

	/* Requests that one state may have in flight; at least 1. */
	unsigned depth;

	/*
	 * Makes a state, if this machine can run the back-end at all: found out by
	 * doing, not by the kernel's version. -EOPNOTSUPP if it cannot.
	 */
	int (*open)(void **ret_state);

	/* Nothing is in flight. */
	void (*close)(void *state);

	/*
	 * Takes a request, of which done_bytes are there already: what is wanted is
	 * the rest. At most `depth` are in flight. Must not wait.
	 */
	void (*submit)(void *state, struct read_request *request);

	/*
	 * Waits until the call for one request is complete, in any order, and returns
	 * it; *ret_result is what the call gave: bytes, maybe fewer than wanted; 0
	 * at the end of the file; -errno. The kernel is done with the buffer. Is
	 * called only while something is in flight.
	 */
	struct read_request *(*reap)(void *state, ssize_t *ret_result);
};

extern const struct read_ops read_sync;

#endif
