/* SPDX-License-Identifier: MIT */
/* The reader: chooses the back-end, and completes what it leaves short. */
#include "read/read.h"

#include "base/verify.h"
#include "read/read_ops.h"

#include <errno.h>
#include <stdlib.h>

static const struct read_ops *const back_ends[] = {
	[READER_SYNC] = &read_sync,
};

struct reader {
	const struct read_ops *ops;
	void *state;
	unsigned in_flight;
};

int reader_new(enum reader_kind kind, struct reader **ret_reader)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->ops = back_ends[kind];
	int err = reader->ops->open(&reader->state);
	if (err) {
		free(reader);
		return err;
	}
	*ret_reader = reader;
	return 0;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	VERIFY(reader->in_flight == 0);
	reader->ops->close(reader->state);
	free(reader);
}

unsigned reader_depth(const struct reader *reader)
{
	return reader->ops->depth;
}

void reader_submit(struct reader *reader, struct read_request *request)
{
	VERIFY(reader->in_flight < reader->ops->depth);
	reader->in_flight++;
	request->err = 0;
	request->done_bytes = 0;
	request->calls = 0;
	reader->ops->submit(reader->state, request);
}

/* Takes one call's result into account. True: the request is complete. */
static bool is_complete(struct read_request *r, ssize_t result)
{
	r->calls++;
	if (result < 0)
		r->err = (int)result;
	else
		r->done_bytes += (size_t)result;
	return result <= 0 || r->done_bytes == r->len_bytes || r->is_stream;
}

struct read_request *reader_reap(struct reader *reader)
{
	if (!reader->in_flight)
		return NULL;
	for (;;) {
		ssize_t result;
		struct read_request *request = reader->ops->reap(reader->state, &result);
		if (is_complete(request, result)) {
			reader->in_flight--;
			return request;
		}
		reader->ops->submit(reader->state, request);
	}
}
