/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the walk share. Private to lib/walk.
 *
 * A portion is a piece of work in the order of the output: part of a folder, or
 * of a list of names. To expand it is to replace it by a block of entries and
 * further portions. Each kind of portion is one struct portion_ops in one file.
 */
#ifndef WEIR_WALK_INTERNAL_H
#define WEIR_WALK_INTERNAL_H

#include "base/arena.h"
#include "base/list.h"
#include "walk/split.h"
#include "walk/walk.h"

#include <stdatomic.h>

struct portion;
struct expansion;

struct portion_ops {
	/*
	 * Reads a bounded part of what the portion stands for into *out. Runs
	 * without any lock; one portion is expanded once, by one thread. What
	 * goes wrong becomes an entry; the only failure is -ENOMEM.
	 */
	int (*expand)(struct walk *walk, struct portion *portion, struct expansion *out);
	/* Frees what the kind has made besides the folder. NULL: nothing. */
	void (*release)(struct walk *walk, struct portion *portion);
};

enum portion_state {
	PORTION_WAITING,   /* -> EXPANDING */
	PORTION_EXPANDING, /* -> DONE */
	PORTION_DONE,      /* its block is being handed out */
};

struct portion {
	struct list_node order;   /* in walk.order */
	struct list_node waiting; /* in walk.waiting until it is DONE */
	const struct portion_ops *ops;
	enum portion_state state;
	struct walk_block *block; /* when DONE; NULL if it found nothing */
	size_t next;              /* of the block's entries, the first not handed out */

	struct folder *folder; /* a reference, or NULL */

	/* The rest of a folder, tree.c: where it goes on, and what the folder looked like. */
	bool is_rest, is_pinned;
	int64_t cookie, mtime_ns, ctime_ns;
	uint64_t subs_bytes; /* of sub-folders found before and not yet expanded */
};

/* Entries of one folder, in memory that is freed when all are done. */
struct walk_block {
	atomic_uint refs;
	struct folder *folder; /* a reference, or NULL */
	struct walk_entry *entries;
	size_t count, cap;
	size_t charged_bytes; /* against the walk's memory */
	struct arena arena;   /* names and expectations */
};

/* What becomes of a portion: a block, then further portions. */
struct expansion {
	struct walk_block *block;
	struct list_node portions; /* by portion.order */
};

struct weir_source {
	const struct portion_ops *ops; /* of the portion that stands for all of it */
	struct weir_source_options options;
	char **includes, **excludes; /* copies, NULL-terminated */

	/* names.c: names in memory, or a stream of them; manifest.c: a stream of lines. */
	char **paths;
	size_t paths_count, paths_next;
	struct split split;
	bool has_read_stdin;
	char *name; /* of the list or manifest */
	struct weir_manifest_options manifest;
	_Atomic uint32_t learned_digest;
};

struct walk {
	struct weir_source *source;
	struct fdpool *pool;
	struct walk_limits limits;
	size_t portion_bytes; /* a portion ends when it has found that much */

	struct mutex lock;
	struct cond work;  /* walkers: a portion, room, or the end */
	struct cond ready; /* workers: entries, or the end */
	struct list_node order, waiting;
	uint64_t used_bytes,
		peak_bytes; /* found and not done, and promised to portions being expanded */
	uint64_t next_seq;
	uint32_t sleeping_walkers;
	bool is_cancelled;
	int err;

	struct thread *threads;
	uint32_t threads_running;

	atomic_bool cancel_hint; /* is_cancelled, for reading without the lock */
	atomic_uint kept_pins;
	atomic_ullong files_found, folders_found;
	atomic_ullong skipped_links, skipped_special, skipped_filtered, skipped_other;
};

extern const struct portion_ops portion_names;    /* names.c */
extern const struct portion_ops portion_folder;   /* tree.c */
extern const struct portion_ops portion_manifest; /* manifest.c */

/* A new portion, which takes over the reference to folder (also on failure). NULL: no memory. */
struct portion *portion_new(struct walk *walk, const struct portion_ops *ops,
			    struct folder *folder);

/* The block of the expansion, made if there is none; folder is referenced. NULL: no memory. */
struct walk_block *expansion_block(struct expansion *out, struct folder *folder);

/* A new entry with a copy of the name (may be NULL), all else zero. NULL: no memory. */
struct walk_entry *block_add(struct walk_block *block, const char *name, size_t name_len);

/* An entry that says what went wrong. 0 or -ENOMEM. */
int expansion_add_error(struct expansion *out, struct folder *folder, const char *name,
			size_t name_len, const struct walk_error *error);

/*
 * An error of the source's own stream, at the record that was read last: -EINVAL
 * and -E2BIG are that record's, explained by a hint. 0 or -ENOMEM.
 */
int expansion_add_stream_error(struct walk *walk, struct expansion *out, int err,
			       const char *malformed_hint, const char *too_long_hint);

/* Bytes that the block has found so far. */
size_t block_bytes(const struct walk_block *block);

/* filter.c. Whether the walk wants what it found; below_root: a path. */
bool filter_wants_folder(const struct weir_source *source, const char *name, size_t name_len,
			 const struct str *below_root);
bool filter_wants_file(const struct weir_source *source, const char *name, size_t name_len,
		       const struct str *below_root);
/* Whether some glob has a slash, so that the path below the root is needed. */
bool filter_needs_path(const struct weir_source *source);
bool filter_wants_size(const struct weir_source *source, uint64_t size_bytes);
bool filter_needs_size(const struct weir_source *source);

static inline bool walk_is_cancelled(const struct walk *walk)
{
	return atomic_load_explicit(&walk->cancel_hint, memory_order_relaxed);
}

static inline void walk_count(atomic_ullong *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
