/* SPDX-License-Identifier: MIT */
/* A stream of bytes, cut into records at a terminator. Private to lib/walk. */
#ifndef WEIR_WALK_SPLIT_H
#define WEIR_WALK_SPLIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer record is an error, and is passed over to its end. */
#define SPLIT_RECORD_MAX_BYTES ((size_t)1 << 20)

struct split {
	int fd;
	char terminator;
	bool is_eof, is_regular, is_skipping;
	char *buf;
	size_t start, end, cap; /* of what has been read and not handed out */
	size_t scanned;         /* of that, bytes known to hold no terminator */
	uint64_t records;       /* handed out, too long ones included: the last one's number */
	int err;                /* of the stream; it has ended */
};

/* Nothing is read yet. */
void split_init(struct split *split, int fd, char terminator);
void split_release(struct split *split);

/*
 * The next record, without its terminator, valid until the next call. A last
 * one without terminator counts. Returns 1; 0 at the end; -E2BIG for a record
 * that is too long; -EAGAIN if may_wait is false and more would have to be read
 * from something that may have nothing for a while; -ECANCELED; -ENOMEM; or
 * what reading gave, and then 0.
 */
int split_next(struct split *split, bool may_wait, const atomic_bool *cancelled, char **ret_record,
	       size_t *ret_len);

/* Reads until a NUL or the end of a line is there. Is it a NUL? Results as of split_next(). */
int split_peek_nul(struct split *split, const atomic_bool *cancelled, bool *ret_has_nul);

#endif
