/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once: pieces never move. All zeros is an empty arena. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_slab *slabs; /* the newest first */
	size_t used, room;        /* in the newest */
	size_t total_bytes;       /* of all slabs */
};

/* Aligned for any type; NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t len_bytes);
/* A copy of len bytes and a NUL behind it, unaligned; NULL: no memory. */
char *arena_copy(struct arena *arena, const char *bytes, size_t len);
void arena_release(struct arena *arena);

#endif
