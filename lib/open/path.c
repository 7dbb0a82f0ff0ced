/* SPDX-License-Identifier: MIT */
/*
 * Opening by path, whatever its length.
 *
 * The kernel takes at most PATH_MAX - 1 bytes in one call. A longer path is
 * followed in pieces: each piece but the last is opened as an O_PATH folder,
 * from which the next one starts, so at most two descriptors are open at once.
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
	int fd;        /* where the rest starts; AT_FDCWD or owned */
	bool no_links; /* of the parts that follow */
};

static void follower_move(struct follower *f, int fd)
{
	if (f->fd != AT_FDCWD)
		os_close(f->fd);
	f->fd = fd;
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
		bool is_last = n == len;
		int fd = open_piece(f, piece, is_last ? flags : O_PATH | O_DIRECTORY, many, &again);
		if (again)
			continue;
		if (fd < 0)
			return fd;
		follower_move(f, fd);
		path += n;
		len -= n;
		while (len && *path == '/') {
			path++;
			len--;
		}
	}
	return 0;
}

static const struct folder *root_of(const struct folder *folder)
{
	while (folder->parent)
		folder = folder->parent;
	return folder;
}

/* Appends the names from below the root to `folder`, each with a slash behind it. */
static void append_below_root(const struct folder *folder, struct str *path)
{
	size_t len = 0;
	for (const struct folder *f = folder; f->parent; f = f->parent)
		len += f->name_len + 1;
	if (str_reserve(path, len))
		return;
	path->len += len;
	char *end = path->buf + path->len;
	*end = '\0';
	for (const struct folder *f = folder; f->parent; f = f->parent) {
		*--end = '/';
		end -= f->name_len;
		memcpy(end, f->name, f->name_len);
	}
}

void folder_path(const struct folder *folder, const char *name, size_t name_len, struct str *path)
{
	if (folder) {
		const struct folder *root = root_of(folder);
		str_append(path, root->name, root->name_len);
		bool has_slash = root->name_len && root->name[root->name_len - 1] == '/';
		if (!has_slash && (name || folder->parent))
			str_append_byte(path, '/');
		append_below_root(folder, path);
		if (!name && folder->parent && !path->err)
			path->buf[--path->len] = '\0';
	}
	if (name)
		str_append(path, name, name_len);
}

bool path_needs_spare(const struct folder *folder, const char *name)
{
	return folder ? folder->parent || name : strlen(name) > PIECE_MAX;
}

int path_open(struct fdpool *pool, const struct folder *folder, const char *name, int flags)
{
	struct follower f = {.pool = pool, .fd = AT_FDCWD};
	if (!folder && strlen(name) <= PIECE_MAX)
		return os_openat(AT_FDCWD, name, flags, 0);

	int err = 0;
	struct str below = STR_INIT;
	if (!folder) {
		err = follow(&f, name, strlen(name), flags);
		goto done;
	}
	const struct folder *root = root_of(folder);
	append_below_root(folder, &below);
	if (name)
		str_append_text(&below, name);
	else if (below.len)
		below.len--;
	if ((err = below.err))
		goto done;
	err = follow(&f, root->name, root->name_len, below.len ? O_PATH | O_DIRECTORY : flags);
	f.no_links = !folder->follow;
	if (!err)
		err = follow(&f, below.buf, below.len, flags);
done:
	str_release(&below);
	if (err) {
		follower_move(&f, AT_FDCWD);
		return err;
	}
	return f.fd;
}
