/* SPDX-License-Identifier: MIT */
/* Positioned reads in the calling thread: the reference for every other back-end. */
#include "os/os.h"
#include "read/read_ops.h"

#include <errno.h>
#include <stdlib.h>

struct sync {
	struct list_node queue;
};

static int sync_open(void **ret_state)
{
	struct sync *sync = malloc(sizeof(*sync));
	if (!sync)
		return -ENOMEM;
	list_init(&sync->queue);
	*ret_state = sync;
	return 0;
}

static void sync_close(void *state)
{
	free(state);
}

static void sync_submit(void *state, struct read_request *request)
{
	struct sync *sync = state;
	list_push_back(&sync->queue, &request->node);
}

static struct read_request *sync_reap(void *state, ssize_t *ret_result)
{
	struct sync *sync = state;
	struct list_node *node = sync->queue.next;
	struct read_request *r = list_entry(node, struct read_request, node);
	list_remove(node);
	char *buf = r->buf + r->done_bytes;
	size_t rest = r->len_bytes - r->done_bytes;
	*ret_result = r->is_stream ? os_read(r->fd, buf, rest)
				   : os_pread(r->fd, buf, rest, r->offset_bytes + r->done_bytes);
	return r;
}

const struct read_ops read_sync = {
	.name = "sync",
	.depth = 1,
	.open = sync_open,
	.close = sync_close,
	.submit = sync_submit,
	.reap = sync_reap,
};
