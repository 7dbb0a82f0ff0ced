/* SPDX-License-Identifier: MIT */
/*
 * A sink that remembers every record. It takes all its memory beforehand, so
 * that a test can watch what the library takes. Aborts if it is called by two
 * threads at once, or after its end.
 */
#ifndef WEIR_TESTS_GATHER_H
#define WEIR_TESTS_GATHER_H

#include <stdatomic.h>
#include <weir/sink.h>

struct gathered {
	const char *path;
	size_t path_len_bytes;
	uint64_t size_bytes;
	struct weir_error error; /* code 0: none */
	struct weir_digest digests[WEIR_DIGEST_COUNT];
	size_t digests_count;
	bool is_match, is_hardlink;
};

struct gather {
	struct weir_sink sink; /* first */
	struct gathered *records;
	size_t count, max;
	char *paths;
	size_t paths_len, paths_max;
	atomic_bool is_busy;
	unsigned finished, abandoned;

	/* A test may set these: the put of record number fail_at (from 1) returns fail_err. */
	size_t fail_at;
	int fail_err;
	int finish_err;
	void (*on_put)(struct gather *gather, void *ctx);
	void *ctx;
};

/* Room for so many records with paths of so many bytes in all; more is -ENOSPC. */
void gather_init(struct gather *gather, size_t records, size_t paths_bytes);
void gather_release(struct gather *gather);
/* Forgets the records, for another job. */
void gather_clear(struct gather *gather);

/* The first record whose path ends with `end`, or NULL. */
const struct gathered *gather_find(const struct gather *gather, const char *end);
size_t gather_errors(const struct gather *gather);

#endif
