/* SPDX-License-Identifier: MIT */
/*
 * The descriptor pool: the only place that opens files and folders to be read.
 *
 * It has a number of slots, and never has more descriptors open than that, plus
 * one while it follows a path that is too long for one call (the spare). A file
 * holds a slot from open to close. A folder holds one while it is open, which
 * is longer than it is pinned: a few folders stay open, for what is opened
 * relative to them, until their slot is wanted for something else.
 *
 * No deadlock: opening waits for one slot while it holds none. What it could
 * use a second slot for (its folder) it does without if there is none free.
 *
 * All functions are thread-safe.
 */
#ifndef WEIR_OPEN_FDPOOL_H
#define WEIR_OPEN_FDPOOL_H

#include "base/list.h"
#include "base/str.h"
#include "base/thread.h"
#include "os/os.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fdpool;

/*
 * A folder, as a node with a name and a parent: a path is only put together
 * when it is needed. Counted references; each holds its parent.
 *
 * A root has no parent. Its name is what the user wrote: it may have slashes
 * and lead through symbolic links, which is the user's wish. Names below a root
 * came from reading folders, and lead through no link unless follow is set.
 */
struct folder {
	atomic_uint refs;
	struct folder *parent;
	uint64_t device, inode; /* set by who reads the folder, before others see it */
	uint32_t depth;         /* of a root: 0 */
	bool follow;            /* links in the path below the root are followed */
	atomic_bool no_noatime; /* O_NOATIME was refused for something in it: another owner's */

	/* The pool's, under its lock. */
	struct list_node idle; /* in fdpool.idle while open and not pinned */
	int fd;                /* -1: not open */
	uint32_t pins;

	size_t name_len;
	char name[]; /* NUL-terminated */
};

/* A reference to the new node; parent gains one too. NULL: no memory. */
struct folder *folder_new(struct folder *parent, const char *name, size_t name_len, bool follow);
struct folder *folder_get(struct folder *folder);
/* Takes NULL. The last reference closes the folder. */
void folder_put(struct fdpool *pool, struct folder *folder);

/* The folder at the top, which may be this one. */
const struct folder *folder_root(const struct folder *folder);

/*
 * Appends the path of `name` in `folder` as it is shown: folder NULL means that
 * name is the whole path; name NULL, the folder itself. Errors stick in *path.
 */
void folder_path(const struct folder *folder, const char *name, size_t name_len, struct str *path);

struct fdpool {
	struct mutex lock;
	struct list_node idle; /* struct folder, the first to be closed first */
	uint32_t idle_count, idle_max;
	struct list_node waiters; /* struct fd_waiter, the oldest first */
	uint32_t slots;           /* the bound: slots_max, or less for a while after EMFILE */
	uint32_t slots_max;
	uint32_t slots_min;  /* more than a walk may keep pinned */
	uint32_t used, peak; /* slots */
	uint64_t wait_ns;
	uint64_t opens, folder_opens, evictions, exhaustions;
	bool is_cancelled;

	struct cond returned; /* for those who found the kernel out of descriptors */
	struct mutex spare;   /* held by whoever uses the spare descriptor */
	atomic_bool has_openat2;
};

/* slots: at least 1. */
void fdpool_init(struct fdpool *pool, uint32_t slots);
/* All folders must have been put. */
void fdpool_release(struct fdpool *pool);

/* Waiters and later callers get -ECANCELED. */
void fdpool_cancel(struct fdpool *pool);

/* Flags for fdpool_open_file(). */
#define FDPOOL_FOLLOW 1 /* the last part of the name may be a symbolic link */

/*
 * Opens `name` in `folder` (NULL: name is a path of the user's) for reading,
 * with O_NONBLOCK, which is nothing to a file on a disk but keeps a FIFO, or one
 * of /proc's that waits for something to happen, from holding up its reader.
 * Waits for a slot. 0 and the descriptor; -ECANCELED; -EMFILE or -ENFILE only
 * if descriptors are missing and none of the pool's own can come back; or what
 * the kernel said of the name.
 */
int fdpool_open_file(struct fdpool *pool, struct folder *folder, const char *name, int flags,
		     int *ret_fd);
void fdpool_close_file(struct fdpool *pool, int fd);

/* Opens the folder if it is not open, and keeps it open until it is unpinned. */
int fdpool_pin_folder(struct fdpool *pool, struct folder *folder, int *ret_fd);
/* will_be_used: soon, so that others are closed before it. */
void fdpool_unpin_folder(struct fdpool *pool, struct folder *folder, bool will_be_used);

/* Looks at a name without opening it; takes a slot only for a path that is too long. */
int fdpool_stat(struct fdpool *pool, struct folder *folder, const char *name, bool follow,
		struct os_stat *ret_stat);

struct fdpool_stats {
	uint32_t slots, used, peak;
	uint64_t wait_ns, opens, folder_opens, evictions, exhaustions;
};
struct fdpool_stats fdpool_stats(struct fdpool *pool);

#endif
