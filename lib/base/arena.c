/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* The first slab is small, since most folders are; the others grow to this. */
#define SLAB_MIN_BYTES ((size_t)1 << 10)
#define SLAB_MAX_BYTES ((size_t)64 << 10)

struct arena_slab {
	struct arena_slab *next;
	_Alignas(max_align_t) char data[];
};

static char *take(struct arena *arena, size_t len, size_t align)
{
	size_t start = (arena->used + align - 1) & ~(align - 1);
	if (!arena->slabs || start > arena->room || len > arena->room - start) {
		size_t room =
			arena->total_bytes < SLAB_MIN_BYTES ? SLAB_MIN_BYTES : arena->total_bytes;
		if (room > SLAB_MAX_BYTES)
			room = SLAB_MAX_BYTES;
		if (room < len)
			room = len;
		struct arena_slab *slab = malloc(sizeof(*slab) + room);
		if (!slab)
			return NULL;
		slab->next = arena->slabs;
		arena->slabs = slab;
		arena->room = room;
		arena->total_bytes += sizeof(*slab) + room;
		start = 0;
	}
	arena->used = start + len;
	return arena->slabs->data + start;
}

void *arena_alloc(struct arena *arena, size_t len_bytes)
{
	return take(arena, len_bytes, _Alignof(max_align_t));
}

char *arena_copy(struct arena *arena, const char *bytes, size_t len)
{
	char *copy = take(arena, len + 1, 1);
	if (copy) {
		memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	return copy;
}

void arena_release(struct arena *arena)
{
	while (arena->slabs) {
		struct arena_slab *slab = arena->slabs;
		arena->slabs = slab->next;
		free(slab);
	}
	*arena = (struct arena){0};
}
