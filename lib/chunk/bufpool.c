/* SPDX-License-Identifier: MIT */
/* The pool of buffers: a stack under a lock, filled from anonymous memory. */
#include "base/verify.h"
#include "chunk/chunk.h"
#include "os/os.h"

#include <errno.h>
#include <sys/mman.h>

/* What stands at the start of a buffer while nobody uses it. */
struct free_buffer {
	struct free_buffer *next;
};

int bufpool_init(struct bufpool *pool, size_t buffer_bytes)
{
	*pool = (struct bufpool){.buffer_bytes = buffer_bytes};
	void *zeros;
	int err = os_map_anonymous(buffer_bytes, PROT_READ, &zeros);
	if (err)
		return err;
	pool->zeros = zeros;
	mutex_init(&pool->lock);
	return 0;
}

void bufpool_release(struct bufpool *pool)
{
	if (!pool->zeros)
		return;
	VERIFY(pool->buffers_out == 0);
	while (pool->free) {
		struct free_buffer *buffer = pool->free;
		pool->free = buffer->next;
		os_unmap(buffer, pool->buffer_bytes);
	}
	os_unmap((void *)(uintptr_t)pool->zeros, pool->buffer_bytes);
	mutex_release(&pool->lock);
	pool->zeros = NULL;
}

int bufpool_get(struct bufpool *pool, void **ret_buffer)
{
	int err = 0;
	mutex_lock(&pool->lock);
	void *buffer = pool->free;
	if (buffer) {
		pool->free = pool->free->next;
	} else {
		err = os_map_anonymous(pool->buffer_bytes, PROT_READ | PROT_WRITE, &buffer);
		if (!err)
			pool->buffers++;
	}
	if (!err && ++pool->buffers_out > pool->peak_out)
		pool->peak_out = pool->buffers_out;
	mutex_unlock(&pool->lock);
	if (!err)
		*ret_buffer = buffer;
	return err;
}

void bufpool_put(struct bufpool *pool, void *buffer)
{
	struct free_buffer *free_buffer = buffer;
	mutex_lock(&pool->lock);
	VERIFY(pool->buffers_out > 0);
	pool->buffers_out--;
	free_buffer->next = pool->free;
	pool->free = free_buffer;
	mutex_unlock(&pool->lock);
}
