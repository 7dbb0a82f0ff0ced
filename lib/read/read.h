/* SPDX-License-Identifier: MIT */
/*
 * Reading, for the engine: submit requests, reap them when they are complete.
 *
 * A reader belongs to one thread. What its back-end cannot do in one go (a
 * short read, an interruption) is completed here: a request that is reaped with
 * fewer bytes than it asked for has met the end of the file.
 */
#ifndef WEIR_READ_READ_H
#define WEIR_READ_READ_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Filled by the engine down to len_bytes, and the reader's from submit to reap;
 * so is the buffer. The descriptor must stay open for as long.
 */
struct read_request {
	int fd;
	bool is_stream; /* has no positions: FIFO, terminal, standard input */
	uint64_t offset_bytes;
	char *buf;
	size_t len_bytes; /* at least 1 */

	/*
	 * When reaped: 0, or -errno; and the bytes that were read, fewer than
	 * len_bytes only at the end of the file, before an error, or from a
	 * stream, whose end is a read of no bytes.
	 */
	int err;
	size_t done_bytes;
	uint32_t calls; /* system calls that it took */

	struct list_node node; /* the back-end's */
};

struct reader;

enum reader_kind {
	READER_SYNC,
};

/* 0; -ENOMEM; -EOPNOTSUPP if the machine refuses the back-end. */
int reader_new(enum reader_kind kind, struct reader **ret_reader);
/* Takes NULL. Nothing may be in flight. */
void reader_free(struct reader *reader);

/* Requests that may be in flight at once, at least 1. */
unsigned reader_depth(const struct reader *reader);

/* Does not wait. At most reader_depth() requests may be in flight. */
void reader_submit(struct reader *reader, struct read_request *request);

/* Waits for a request to complete; NULL if none is in flight. In any order. */
struct read_request *reader_reap(struct reader *reader);

#endif
