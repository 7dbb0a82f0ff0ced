/* SPDX-License-Identifier: MIT */
/* The plan of a file: which parts are read, in which order. Private to lib/engine. */
#ifndef WEIR_ENGINE_PLAN_H
#define WEIR_ENGINE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* Data is admitted by the gate in extents of at most this. */
#define EXTENT_MAX_BYTES (UINT64_C(4) << 20)

struct extent {
	uint64_t offset_bytes, len_bytes;
	bool is_hole; /* holds no data: not to be read, it is zeros */
};

struct plan {
	int fd;
	uint64_t at_bytes;   /* what is not planned yet starts here */
	uint64_t size_bytes; /* UINT64_MAX: unknown, until plan_end() */
	bool may_have_holes;
	struct extent region; /* what is left of the data or hole that was found last */
};

/*
 * size_bytes: UINT64_MAX if it is not known. may_have_holes: ask the file system
 * where they are.
 */
void plan_init(struct plan *plan, int fd, uint64_t size_bytes, bool may_have_holes);

/* The next extent, in the order of the file. False: there is none. */
bool plan_next(struct plan *plan, struct extent *ret_extent);

/* The end of the file has been met. */
void plan_end(struct plan *plan);

#endif
