/* SPDX-License-Identifier: MIT */
/*
 * Opening by path, whatever its length.
 *
 * The kernel takes at most PATH_MAX - 1 bytes in one call. A longer path is
 * followed in pieces: each piece but the last is opened as an O_PATH folder,
 * from which the next one starts, so at most two descriptors are open at once:
 * one in the caller's slot, and the spare, which only one thread has at a time.
 *
 * Below a root no symbolic link may be followed, not even one that has just
 * taken the place of a folder: openat2 refuses them on the way. Where the
 * kernel or a filter lacks openat2, a piece is a single name and O_NOFOLLOW
 * does the same for each.
 */
#include "open/path.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define PIECE_MAX ((size_t)PATH_MAX - 1)

struct follower {
	struct fdpool *pool;
	int fd;         /* where the rest starts */
	bool owns_fd;   /* which is closed when it moves on */
	bool has_spare; /* the lock of the spare descriptor */
	bool no_links;  /* of the parts that follow */
};

static void follower_move(struct follower *f, int fd)
{
	if (f->owns_fd)
		os_close(f->fd);
	f->fd = fd;
	f->owns_fd = true;
}

/* About to open from a descriptor of its own: that makes two. */
static void take_spare(struct follower *f)
{
	if (f->owns_fd && !f->has_spare) {
		mutex_lock(&f->pool->spare);
		f->has_spare = true;
	}
}

/*
 * Opens one piece; `many`: it may have several names in it. *ret_again: openat2
 * has turned out to be missing, so a new piece must be cut.
 */
static int open_piece(struct follower *f, const char *piece, int flags, bool many, bool *ret_again)
{
	if (!f->no_links)
		return os_openat(f->fd, piece, flags, 0);
	if (!many)
		return os_openat(f->fd, piece, flags | O_NOFOLLOW, 0);

	int fd = os_openat_nolinks(f->fd, piece, flags);
	/* Filters that do not know a call refuse it with EPERM; so does the kernel O_NOATIME. */
	if (fd != -ENOSYS && (fd != -EPERM || flags & O_NOATIME))
		return fd;
	atomic_store_explicit(&f->pool->has_openat2, false, memory_order_relaxed);
	*ret_again = true;
	return fd;
}

/* Whether a piece may have more than one name in it. */
static bool takes_many(const struct follower *f)
{
	return !f->no_links || atomic_load_explicit(&f->pool->has_openat2, memory_order_relaxed);
}

/* The length of the next piece of path: up to the last slash that fits. */
static size_t piece_len(const char *path, size_t len, bool many)
{
	const char *slash;
	if (!many)
		slash = memchr(path, '/', len);
	else if (len > PIECE_MAX)
		slash = memrchr(path, '/', PIECE_MAX);
	else
		return len;
	return slash && slash > path ? (size_t)(slash - path) : len;
}

/* Opens `path` from where f stands and moves f there. flags are for its last piece. */
static int follow(struct follower *f, const char *path, size_t len, int flags)
{
	char piece[PATH_MAX];
	while (len) {
		bool many = takes_many(f), again = false;
		size_t n = piece_len(path, len, many);
		if (n > PIECE_MAX)
			return -ENAMETOOLONG;
		memcpy(piece, path, n);
		piece[n] = '\0';
		size_t next = n;
		while (next < len && path[next] == '/')
			next++;
		int piece_flags = next < len ? O_PATH | O_DIRECTORY : flags;
		if (next > n)
			piece_flags |= O_DIRECTORY;
		take_spare(f);
		int fd = open_piece(f, piece, piece_flags, many, &again);
		if (again)
			continue;
		if (fd < 0)
			return fd;
		follower_move(f, fd);
		path += next;
		len -= next;
	}
	return 0;
}

const struct folder *folder_root(const struct folder *folder)
{
	while (folder->parent)
		folder = folder->parent;
	return folder;
}

/* Appends the names below `base`, down to `folder`, each with a slash behind it. */
static void append_below(const struct folder *base, const struct folder *folder, struct str *path)
{
	size_t len = 0;
	for (const struct folder *f = folder; f != base; f = f->parent)
		len += f->name_len + 1;
	if (str_reserve(path, len))
		return;
	path->len += len;
	char *end = path->buf + path->len;
	*end = '\0';
	for (const struct folder *f = folder; f != base; f = f->parent) {
		*--end = '/';
		end -= f->name_len;
		memcpy(end, f->name, f->name_len);
	}
}

void folder_path(const struct folder *folder, const char *name, size_t name_len, struct str *path)
{
	if (folder) {
		const struct folder *root = folder_root(folder);
		str_append(path, root->name, root->name_len);
		bool has_slash = root->name_len && root->name[root->name_len - 1] == '/';
		if (!has_slash && (name || folder->parent))
			str_append_byte(path, '/');
		append_below(root, folder, path);
		if (!name && folder->parent && !path->err)
			path->buf[--path->len] = '\0';
	}
	if (name)
		str_append(path, name, name_len);
}

bool path_is_short(const char *path)
{
	return strlen(path) <= PIECE_MAX;
}

/* From base, or from the root's name. */
static int follow_folder(struct follower *f, const struct folder *base, const struct folder *folder,
			 const char *name, int flags)
{
	const struct folder *root = folder_root(folder);
	struct str below = STR_INIT;
	append_below(base ? base : root, folder, &below);
	if (name)
		str_append_text(&below, name);
	else if (below.len)
		below.len--;
	int err = below.err;
	if (!err && !base)
		err = follow(f, root->name, root->name_len,
			     below.len ? O_PATH | O_DIRECTORY : flags);
	f->no_links = !folder->follow;
	if (!err)
		err = follow(f, below.buf, below.len, flags);
	str_release(&below);
	return err;
}

int path_open(struct fdpool *pool, const struct folder *base, int base_fd,
	      const struct folder *folder, const char *name, int flags)
{
	struct follower f = {.pool = pool, .fd = base ? base_fd : AT_FDCWD};
	int err;
	if (folder)
		err = follow_folder(&f, base, folder, name, flags);
	else
		err = follow(&f, name, strlen(name), flags);
	if (f.has_spare)
		mutex_unlock(&pool->spare);
	if (!err)
		return f.fd;
	if (f.owns_fd)
		os_close(f.fd);
	return err;
}
