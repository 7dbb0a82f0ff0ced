/* SPDX-License-Identifier: MIT */
/*
 * Buffers for data in flight, and the page of zeros that stands for holes.
 *
 * The pool hands out buffers of one size. How many may be out is not its
 * business: who takes a buffer holds a ticket of the gate for it, so there are
 * never more than the gate admits. Buffers that come back are kept, the last one
 * first, because it is still in the processor's cache. Thread-safe.
 */
#ifndef WEIR_CHUNK_CHUNK_H
#define WEIR_CHUNK_CHUNK_H

#include "base/thread.h"

#include <stddef.h>
#include <stdint.h>

struct bufpool {
	struct mutex lock;
	struct free_buffer *free; /* a stack */
	size_t buffer_bytes;
	uint64_t buffers, buffers_out, peak_out;
	const void *zeros; /* buffer_bytes of zeros, read-only, shared by all holes */
};

/* buffer_bytes: a multiple of the page size. 0, or -ENOMEM. */
int bufpool_init(struct bufpool *pool, size_t buffer_bytes);
/* All buffers must have come back. Takes a pool whose init failed, or one of zeros. */
void bufpool_release(struct bufpool *pool);

/* A buffer of buffer_bytes, page-aligned, with arbitrary contents; or -ENOMEM. Does not wait. */
int bufpool_get(struct bufpool *pool, void **ret_buffer);
void bufpool_put(struct bufpool *pool, void *buffer);

#endif
