/* SPDX-License-Identifier: MIT */
#include "walk/split.h"

#include "os/os.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define READ_BYTES ((size_t)64 << 10)
/* How soon a wait notices that it is no longer wanted. */
#define POLL_MS 100

void split_init(struct split *split, int fd, char terminator)
{
	struct os_stat st;
	*split = (struct split){.fd = fd, .terminator = terminator};
	split->is_regular = os_stat_fd(fd, &st) == 0 && S_ISREG(st.mode);
}

void split_release(struct split *split)
{
	free(split->buf);
	split->buf = NULL;
}

/* Room for one more read behind what is there. */
static int make_room(struct split *split)
{
	if (split->start) {
		memmove(split->buf, split->buf + split->start, split->end - split->start);
		split->end -= split->start;
		split->start = 0;
	}
	if (split->cap - split->end >= READ_BYTES)
		return 0;
	size_t cap = split->cap ? split->cap * 2 : READ_BYTES * 2;
	char *buf = realloc(split->buf, cap);
	if (!buf)
		return -ENOMEM;
	split->buf = buf;
	split->cap = cap;
	return 0;
}

static int wait_readable(const struct split *split, const atomic_bool *cancelled)
{
	while (!split->is_regular) {
		if (atomic_load_explicit(cancelled, memory_order_relaxed))
			return -ECANCELED;
		int ready = os_wait_readable(split->fd, POLL_MS);
		if (ready)
			return ready < 0 ? ready : 0;
	}
	return 0;
}

static int read_more(struct split *split, const atomic_bool *cancelled)
{
	if (make_room(split))
		return -ENOMEM;
	ssize_t n = wait_readable(split, cancelled);
	if (n == -ECANCELED)
		return -ECANCELED;
	/* One byte less than there is room for: a record can always be terminated in place. */
	if (n == 0)
		n = os_read(split->fd, split->buf + split->end, READ_BYTES - 1);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n <= 0) {
		split->is_eof = true;
		split->err = (int)n;
		/* What an error has cut off is no record. */
		if (n < 0) {
			split->start = split->end;
			split->is_skipping = false;
		}
		return split->err;
	}
	split->end += (size_t)n;
	return 0;
}

/* Hands out len bytes from the start, and passes over `skip` behind them. */
static int hand_out(struct split *split, size_t len, size_t skip, char **ret_record,
		    size_t *ret_len)
{
	bool is_too_long = split->is_skipping || len > SPLIT_RECORD_MAX_BYTES;
	*ret_record = split->buf + split->start;
	*ret_len = len;
	split->start += len + skip;
	split->scanned = 0;
	split->is_skipping = false;
	split->records++;
	return is_too_long ? -E2BIG : 1;
}

int split_next(struct split *split, bool may_wait, const atomic_bool *cancelled, char **ret_record,
	       size_t *ret_len)
{
	if (!split->buf && make_room(split))
		return -ENOMEM;
	for (;;) {
		size_t have = split->end - split->start;
		char *from = split->buf + split->start;
		char *at = have > split->scanned ? memchr(from + split->scanned, split->terminator,
							  have - split->scanned)
						 : NULL;
		if (at)
			return hand_out(split, (size_t)(at - from), 1, ret_record, ret_len);
		split->scanned = have;
		if (split->is_eof)
			return have || split->is_skipping
				       ? hand_out(split, have, 0, ret_record, ret_len)
				       : 0;
		if (have > SPLIT_RECORD_MAX_BYTES) {
			split->start = split->end;
			split->scanned = 0;
			split->is_skipping = true;
		}
		if (!may_wait && !split->is_regular)
			return -EAGAIN;
		int err = read_more(split, cancelled);
		if (err)
			return err;
	}
}

int split_peek_nul(struct split *split, const atomic_bool *cancelled, bool *ret_has_nul)
{
	int err = 0;
	for (;;) {
		size_t have = split->end - split->start;
		const char *from = have ? split->buf + split->start : "";
		*ret_has_nul = memchr(from, '\0', have) != NULL;
		if (*ret_has_nul || memchr(from, '\n', have) || split->is_eof || err ||
		    have > SPLIT_RECORD_MAX_BYTES)
			return err;
		err = read_more(split, cancelled);
	}
}
