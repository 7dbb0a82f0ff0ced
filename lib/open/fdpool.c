/* SPDX-License-Identifier: MIT */
/*
 * The descriptor pool.
 *
 * A slot is in one of three states: free, held (by an open file, a pinned
 * folder, or somebody who is opening one), or idle (a folder that is open but
 * not pinned). An idle slot can become a held one at any time, by closing the
 * folder. Invariants, under the lock:
 *
 *	used = held + idle <= slots, unless slots has just been lowered
 *	a folder with fd >= 0 has pins > 0, or is in the idle list
 *
 * Waiters queue. Whoever frees a slot or makes one idle signals the first; the
 * first, when it has what it wants, signals the next. Nobody who came later
 * takes a slot while somebody waits.
 *
 * Opening and closing happen outside the lock: either may take long. Two
 * threads may open the same folder at once; the second to finish closes its own.
 */
#include "open/fdpool.h"

#include "base/clock.h"
#include "base/verify.h"
#include "open/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/*
 * Folders that stay open without being pinned. Two or three per worker are in
 * use; more saves nothing measurable, and being modest is what this is for.
 */
#define IDLE_MAX 32
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY)
/* Opening is tried again after 1, 2, 4 ... ms when the kernel had no descriptor: 2 s in all. */
#define EXHAUSTED_TRIES 11
/* So many files opened well raise a bound that was lowered by one. */
#define RECOVERY_OPENS 64

struct fd_waiter {
	struct list_node node;
	struct cond turn;
};

struct folder *folder_new(struct folder *parent, const char *name, size_t name_len, bool follow)
{
	struct folder *folder = malloc(sizeof(*folder) + name_len + 1);
	if (!folder)
		return NULL;
	*folder = (struct folder){
		.parent = parent ? folder_get(parent) : NULL,
		.depth = parent ? parent->depth + 1 : 0,
		.follow = follow,
		.fd = -1,
		.name_len = name_len,
	};
	atomic_init(&folder->refs, 1);
	atomic_init(&folder->no_noatime, false);
	list_init(&folder->idle);
	memcpy(folder->name, name, name_len);
	folder->name[name_len] = '\0';
	return folder;
}

struct folder *folder_get(struct folder *folder)
{
	atomic_fetch_add_explicit(&folder->refs, 1, memory_order_relaxed);
	return folder;
}

static void signal_first(struct fdpool *pool)
{
	if (!list_is_empty(&pool->waiters))
		cond_signal(&list_entry(pool->waiters.next, struct fd_waiter, node)->turn);
}

static void give_slot(struct fdpool *pool)
{
	mutex_lock(&pool->lock);
	VERIFY(pool->used > 0);
	pool->used--;
	signal_first(pool);
	cond_broadcast(&pool->returned);
	mutex_unlock(&pool->lock);
}

static void idle_remove(struct fdpool *pool, struct folder *folder)
{
	list_remove(&folder->idle);
	pool->idle_count--;
}

/* Takes an idle folder's descriptor away from it; -1 if there is none. The slot stays taken. */
static int take_idle_fd(struct fdpool *pool)
{
	struct list_node *node = list_pop_front(&pool->idle);
	if (!node)
		return -1;
	struct folder *folder = list_entry(node, struct folder, idle);
	int fd = folder->fd;
	folder->fd = -1;
	pool->idle_count--;
	pool->evictions++;
	return fd;
}

void folder_put(struct fdpool *pool, struct folder *folder)
{
	while (folder && atomic_fetch_sub_explicit(&folder->refs, 1, memory_order_acq_rel) == 1) {
		struct folder *parent = folder->parent;
		VERIFY(folder->pins == 0);
		mutex_lock(&pool->lock);
		int fd = folder->fd;
		if (fd >= 0)
			idle_remove(pool, folder);
		mutex_unlock(&pool->lock);
		if (fd >= 0) {
			os_close(fd);
			give_slot(pool);
		}
		free(folder);
		folder = parent;
	}
}

void fdpool_init(struct fdpool *pool, uint32_t slots)
{
	*pool = (struct fdpool){
		.slots = slots,
		.slots_max = slots,
		.slots_min = slots / 4 + 1,
		.idle_max = slots / 2 < IDLE_MAX ? slots / 2 : IDLE_MAX,
	};
	VERIFY(slots > 0);
	mutex_init(&pool->lock);
	mutex_init(&pool->spare);
	cond_init(&pool->returned);
	list_init(&pool->idle);
	list_init(&pool->waiters);
	atomic_init(&pool->has_openat2, true);
}

void fdpool_release(struct fdpool *pool)
{
	VERIFY(pool->used == 0 && list_is_empty(&pool->waiters));
	cond_release(&pool->returned);
	mutex_release(&pool->spare);
	mutex_release(&pool->lock);
}

void fdpool_cancel(struct fdpool *pool)
{
	mutex_lock(&pool->lock);
	pool->is_cancelled = true;
	cond_broadcast(&pool->returned);
	for (struct list_node *n = pool->waiters.next; n != &pool->waiters; n = n->next)
		cond_signal(&list_entry(n, struct fd_waiter, node)->turn);
	mutex_unlock(&pool->lock);
}

/*
 * Takes a free slot, or an idle one, whose descriptor the caller must close
 * (*ret_fd, -1 for none). The lock is held. False: there is neither.
 */
static bool try_slot(struct fdpool *pool, int *ret_fd)
{
	if (pool->used < pool->slots) {
		*ret_fd = -1;
		pool->used++;
		if (pool->used > pool->peak)
			pool->peak = pool->used;
		return true;
	}
	*ret_fd = take_idle_fd(pool);
	return *ret_fd >= 0;
}

/* Waits in the queue for a slot; the lock is held. */
static int wait_slot(struct fdpool *pool, int *ret_fd)
{
	struct fd_waiter self;
	cond_init(&self.turn);
	list_push_back(&pool->waiters, &self.node);
	uint64_t start_ns = clock_monotonic_ns();
	int err = 0;
	for (;;) {
		if (pool->is_cancelled)
			err = -ECANCELED;
		if (err || (pool->waiters.next == &self.node && try_slot(pool, ret_fd)))
			break;
		cond_wait(&self.turn, &pool->lock);
	}
	list_remove(&self.node);
	signal_first(pool);
	pool->wait_ns += clock_monotonic_ns() - start_ns;
	cond_release(&self.turn);
	return err;
}

/* Takes a slot; with may_wait false, -EAGAIN instead of waiting. */
static int take_slot(struct fdpool *pool, bool may_wait)
{
	int fd = -1, err = 0;
	mutex_lock(&pool->lock);
	if (pool->is_cancelled)
		err = -ECANCELED;
	else if (list_is_empty(&pool->waiters) && try_slot(pool, &fd))
		err = 0;
	else
		err = may_wait ? wait_slot(pool, &fd) : -EAGAIN;
	mutex_unlock(&pool->lock);
	if (fd >= 0)
		os_close(fd);
	return err;
}

/* Takes a slot only if one is free: nothing is closed for it. */
static bool take_free_slot(struct fdpool *pool)
{
	mutex_lock(&pool->lock);
	bool is_free =
		!pool->is_cancelled && list_is_empty(&pool->waiters) && pool->used < pool->slots;
	int fd;
	if (is_free)
		try_slot(pool, &fd);
	mutex_unlock(&pool->lock);
	return is_free;
}

/* Pins a folder that is open. The lock is held. */
static void pin_open(struct fdpool *pool, struct folder *folder)
{
	if (folder->pins++ == 0)
		idle_remove(pool, folder);
}

/* The folder's descriptor, pinned, if it is open; else -1. */
static int pin_if_open(struct fdpool *pool, struct folder *folder)
{
	mutex_lock(&pool->lock);
	int fd = folder->fd;
	if (fd >= 0)
		pin_open(pool, folder);
	mutex_unlock(&pool->lock);
	return fd;
}

/* The nearest folder above (or this one) that is open, pinned, and its descriptor; or NULL. */
static struct folder *pin_nearest(struct fdpool *pool, struct folder *folder, int *ret_fd)
{
	mutex_lock(&pool->lock);
	while (folder && folder->fd < 0)
		folder = folder->parent;
	if (folder) {
		pin_open(pool, folder);
		*ret_fd = folder->fd;
	}
	mutex_unlock(&pool->lock);
	return folder;
}

/* Gives a folder its descriptor and pins it; closes fd if another was faster. */
static int adopt_fd(struct fdpool *pool, struct folder *folder, int fd)
{
	mutex_lock(&pool->lock);
	pool->folder_opens++;
	int own = folder->fd;
	if (own < 0) {
		own = folder->fd = fd;
		folder->pins++;
	} else {
		pin_open(pool, folder);
	}
	mutex_unlock(&pool->lock);
	if (own != fd) {
		os_close(fd);
		give_slot(pool);
	}
	return own;
}

void fdpool_unpin_folder(struct fdpool *pool, struct folder *folder, bool will_be_used)
{
	int fd = -1;
	mutex_lock(&pool->lock);
	VERIFY(folder->pins > 0 && folder->fd >= 0);
	if (--folder->pins == 0) {
		if (will_be_used)
			list_push_back(&pool->idle, &folder->idle);
		else
			list_insert_after(&pool->idle, &folder->idle);
		if (++pool->idle_count > pool->idle_max)
			fd = take_idle_fd(pool);
		else
			signal_first(pool);
	}
	mutex_unlock(&pool->lock);
	if (fd >= 0) {
		os_close(fd);
		give_slot(pool);
	}
}

/*
 * Opens by the folder's descriptor if dirfd >= 0, else by path from the nearest
 * folder that is open. Pins are not waited for.
 */
static int open_plain(struct fdpool *pool, int dirfd, struct folder *folder, const char *name,
		      int flags)
{
	if (dirfd >= 0)
		return os_openat(dirfd, name, flags, 0);
	int base_fd = -1;
	/* To open a folder itself, from above it: another thread may have opened it by now. */
	struct folder *from = folder && !name ? folder->parent : folder;
	struct folder *base = pin_nearest(pool, from, &base_fd);
	int fd = path_open(pool, base, base_fd, folder, name, flags);
	if (base)
		fdpool_unpin_folder(pool, base, true);
	return fd;
}

/* As open_plain, with O_NOATIME if it is allowed: for one's own files, mostly folder by folder. */
static int open_noatime(struct fdpool *pool, int dirfd, struct folder *folder, const char *name,
			int flags)
{
	/* With O_PATH nothing is read, and openat2 refuses the two together. */
	if (flags & O_PATH ||
	    (folder && atomic_load_explicit(&folder->no_noatime, memory_order_relaxed)))
		return open_plain(pool, dirfd, folder, name, flags);
	int fd = open_plain(pool, dirfd, folder, name, flags | O_NOATIME);
	if (fd != -EPERM)
		return fd;
	fd = open_plain(pool, dirfd, folder, name, flags);
	if (fd >= 0 && folder)
		atomic_store_explicit(&folder->no_noatime, true, memory_order_relaxed);
	return fd;
}

/*
 * The kernel has no descriptor although the pool has a slot: others in this
 * process (EMFILE) or on this machine (ENFILE) use them too. Closes what is
 * idle; if nothing is, lowers the bound to what is out, and waits wait_ns for
 * some descriptor, ours or another's, to come back. -ECANCELED or 0.
 */
static int make_room(struct fdpool *pool, int reason, uint64_t wait_ns)
{
	int fd, closed = 0;
	mutex_lock(&pool->lock);
	pool->exhaustions++;
	while ((fd = take_idle_fd(pool)) >= 0) {
		closed++;
		pool->used--;
		mutex_unlock(&pool->lock);
		os_close(fd);
		mutex_lock(&pool->lock);
	}
	if (!closed && !pool->is_cancelled) {
		uint32_t others = pool->used - 1; /* without the caller's slot */
		if (reason == -EMFILE && others < pool->slots)
			pool->slots = others > pool->slots_min ? others : pool->slots_min;
		cond_wait_until(&pool->returned, &pool->lock, clock_monotonic_ns() + wait_ns);
	}
	int err = pool->is_cancelled ? -ECANCELED : 0;
	mutex_unlock(&pool->lock);
	return err;
}

static void count_open(struct fdpool *pool)
{
	mutex_lock(&pool->lock);
	pool->opens++;
	if (pool->slots < pool->slots_max && pool->opens % RECOVERY_OPENS == 0)
		pool->slots++;
	signal_first(pool);
	mutex_unlock(&pool->lock);
}

/* Opens with a slot in hand. */
static int open_with_slot(struct fdpool *pool, int dirfd, struct folder *folder, const char *name,
			  int flags)
{
	for (int tries = 0;; tries++) {
		int fd = open_noatime(pool, dirfd, folder, name, flags);
		if (fd >= 0)
			count_open(pool);
		if ((fd != -EMFILE && fd != -ENFILE) || tries == EXHAUSTED_TRIES)
			return fd;
		int err = make_room(pool, fd, NS_PER_MS << tries);
		if (err)
			return err;
	}
}

int fdpool_pin_folder(struct fdpool *pool, struct folder *folder, int *ret_fd)
{
	int fd = pin_if_open(pool, folder);
	if (fd < 0) {
		int err = take_slot(pool, true);
		if (err)
			return err;
		fd = open_with_slot(pool, -1, folder, NULL, FOLDER_FLAGS);
		if (fd < 0) {
			give_slot(pool);
			return fd;
		}
		fd = adopt_fd(pool, folder, fd);
	}
	*ret_fd = fd;
	return 0;
}

/*
 * The folder's descriptor, pinned, if it is open or can be opened in a slot
 * that is free right now. The caller holds a slot and must not wait for more.
 */
static int pin_without_waiting(struct fdpool *pool, struct folder *folder)
{
	int fd = pin_if_open(pool, folder);
	if (fd >= 0 || !take_free_slot(pool))
		return fd;
	fd = open_noatime(pool, -1, folder, NULL, FOLDER_FLAGS);
	if (fd < 0) {
		give_slot(pool);
		return -1;
	}
	return adopt_fd(pool, folder, fd);
}

int fdpool_open_file(struct fdpool *pool, struct folder *folder, const char *name, int flags,
		     int *ret_fd)
{
	int err = take_slot(pool, true);
	if (err)
		return err;
	int dirfd = folder ? pin_without_waiting(pool, folder) : -1;
	int open_flags =
		O_RDONLY | O_NOCTTY | O_NONBLOCK | (flags & FDPOOL_FOLLOW ? 0 : O_NOFOLLOW);
	int fd = open_with_slot(pool, dirfd, folder, name, open_flags);
	if (dirfd >= 0)
		fdpool_unpin_folder(pool, folder, true);
	if (fd < 0) {
		give_slot(pool);
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

void fdpool_close_file(struct fdpool *pool, int fd)
{
	os_close(fd);
	give_slot(pool);
}

int fdpool_stat(struct fdpool *pool, struct folder *folder, const char *name, bool follow,
		struct os_stat *ret_stat)
{
	int os_flags = follow ? OS_STAT_FOLLOW : 0;
	int dirfd = folder ? pin_if_open(pool, folder) : -1;
	if (dirfd >= 0) {
		int err = os_stat_at(dirfd, name, os_flags, ret_stat);
		fdpool_unpin_folder(pool, folder, true);
		return err;
	}
	if (!folder && path_is_short(name))
		return os_stat_at(AT_FDCWD, name, os_flags, ret_stat);

	int err = take_slot(pool, true);
	if (err)
		return err;
	int fd = open_with_slot(pool, -1, folder, name, O_PATH | (follow ? 0 : O_NOFOLLOW));
	err = fd < 0 ? fd : os_stat_fd(fd, ret_stat);
	if (fd >= 0)
		os_close(fd);
	give_slot(pool);
	return err;
}

struct fdpool_stats fdpool_stats(struct fdpool *pool)
{
	mutex_lock(&pool->lock);
	struct fdpool_stats stats = {
		.slots = pool->slots,
		.used = pool->used,
		.peak = pool->peak,
		.wait_ns = pool->wait_ns,
		.opens = pool->opens,
		.folder_opens = pool->folder_opens,
		.evictions = pool->evictions,
		.exhaustions = pool->exhaustions,
	};
	mutex_unlock(&pool->lock);
	return stats;
}
