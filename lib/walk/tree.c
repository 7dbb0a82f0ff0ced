/* SPDX-License-Identifier: MIT */
/*
 * Part of a folder: reads names until the folder or the portion is at its end.
 *
 * The rest of a folder. A portion ends where a buffer of getdents ends. If
 * descriptors are plenty the folder stays open (pinned) for the portion that
 * goes on, which then simply reads on. Otherwise it is opened again and set to
 * the cookie that the last name came with. Cookies hold across that on ext4,
 * xfs, btrfs and newer tmpfs even if names come and go in between; on overlayfs
 * and older tmpfs they are positions, and names move. So a folder that is opened
 * again is compared with what it was: another inode is an error, other times are
 * reported, since names may have been missed.
 *
 * The rest comes before the sub-folders that were found so far, so that the
 * files of a folder stand together, until these alone fill a portion.
 */
#include "base/clock.h"
#include "walk/walk_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GETDENTS_BYTES ((size_t)32 << 10)
/* One in so many slots may be kept for folders that are not read to their end. */
#define PIN_SLOTS_PART 4

/* One expansion at work. */
struct reading {
	struct walk *walk;
	struct portion *portion;
	struct folder *folder;
	struct expansion *out;
	int fd;
	struct portion **subs;
	size_t subs_count, subs_cap;
	uint64_t subs_bytes, subs_limit_bytes;
	int64_t cookie; /* behind the last name that was taken */
	bool is_at_end;
	struct str path; /* below the root, if filters want it */
	size_t path_len; /* of the folder's part of it */
};

static int add_error(struct reading *r, const char *name, size_t len, enum weir_op op, int err,
		     const char *hint)
{
	return expansion_add_error(r->out, r->folder, name, len,
				   &(struct walk_error){.err = err, .op = op, .hint = hint});
}

/* The path below the root of `name`, for globs with a slash. NULL if no glob has one. */
static const struct str *path_of(struct reading *r, const char *name, size_t len)
{
	if (!filter_needs_path(r->walk->source))
		return NULL;
	if (!r->path.buf) {
		/* Of the whole path, what stands behind the root's name and its slash. */
		const struct folder *root = folder_root(r->folder);
		struct str whole = STR_INIT, prefix = STR_INIT;
		folder_path(r->folder, "", 0, &whole);
		folder_path(root, "", 0, &prefix);
		if (!whole.err && !prefix.err)
			str_append(&r->path, whole.buf + prefix.len, whole.len - prefix.len);
		r->path_len = r->path.len;
		str_release(&whole);
		str_release(&prefix);
	}
	r->path.len = r->path_len;
	str_append(&r->path, name, len);
	return &r->path;
}

static int add_file(struct reading *r, const char *name, size_t len, unsigned flags)
{
	if (!filter_wants_file(r->walk->source, name, len, path_of(r, name, len))) {
		walk_count(&r->walk->skipped_filtered);
		return 0;
	}
	if (filter_needs_size(r->walk->source)) {
		struct os_stat st;
		int err = os_stat_at(r->fd, name, flags & WALK_FOLLOW ? OS_STAT_FOLLOW : 0, &st);
		if (err)
			return add_error(r, name, len, WEIR_OP_STAT, err, NULL);
		if (!filter_wants_size(r->walk->source, st.size_bytes)) {
			walk_count(&r->walk->skipped_filtered);
			return 0;
		}
	}
	struct walk_block *block = expansion_block(r->out, r->folder);
	struct walk_entry *entry = block ? block_add(block, name, len) : NULL;
	if (!entry)
		return -ENOMEM;
	entry->flags = flags;
	return 0;
}

static bool is_elsewhere(const struct reading *r, const char *name, bool follow)
{
	struct os_stat st;
	return r->walk->source->options.one_file_system &&
	       os_stat_at(r->fd, name, follow ? OS_STAT_FOLLOW : 0, &st) == 0 && S_ISDIR(st.mode) &&
	       st.device != r->folder->device;
}

static int add_folder(struct reading *r, const char *name, size_t len, bool follow)
{
	if (!filter_wants_folder(r->walk->source, name, len, path_of(r, name, len))) {
		walk_count(&r->walk->skipped_filtered);
		return 0;
	}
	if (is_elsewhere(r, name, follow)) {
		walk_count(&r->walk->skipped_other);
		return 0;
	}
	if (r->subs_count == r->subs_cap) {
		size_t cap = r->subs_cap ? r->subs_cap * 2 : 16;
		struct portion **subs = realloc(r->subs, cap * sizeof(struct portion *));
		if (!subs)
			return -ENOMEM;
		r->subs = subs;
		r->subs_cap = cap;
	}
	struct folder *folder = folder_new(r->folder, name, len, r->folder->follow);
	struct portion *portion = folder ? portion_new(r->walk, &portion_folder, folder) : NULL;
	if (!portion)
		return -ENOMEM;
	r->subs[r->subs_count++] = portion;
	r->subs_bytes += sizeof(*folder) + sizeof(*portion) + len;
	return 0;
}

/* A name whose type the folder did not tell, or a link to be followed. */
static int add_by_stat(struct reading *r, const char *name, size_t len, bool follow)
{
	struct os_stat st;
	int err = os_stat_at(r->fd, name, follow ? OS_STAT_FOLLOW : 0, &st);
	if (err == -ENOENT && follow)
		return add_error(r, name, len, WEIR_OP_STAT, err,
				 "the symbolic link leads nowhere");
	if (err)
		return add_error(r, name, len, WEIR_OP_STAT, err, NULL);
	if (S_ISDIR(st.mode))
		return add_folder(r, name, len, follow);
	if (S_ISREG(st.mode))
		return add_file(r, name, len, follow ? WALK_FOLLOW : 0);
	if (S_ISLNK(st.mode) && r->folder->follow)
		return add_by_stat(r, name, len, true);
	walk_count(S_ISLNK(st.mode) ? &r->walk->skipped_links : &r->walk->skipped_special);
	return 0;
}

static int add_name(struct reading *r, const struct dirent64 *d)
{
	const char *name = d->d_name;
	size_t len = strlen(name);
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return 0;
	switch (d->d_type) {
	case DT_REG:
		return add_file(r, name, len, 0);
	case DT_DIR:
		return add_folder(r, name, len, false);
	case DT_LNK:
		if (r->folder->follow)
			return add_by_stat(r, name, len, true);
		walk_count(&r->walk->skipped_links);
		return 0;
	case DT_UNKNOWN:
		return add_by_stat(r, name, len, false);
	default:
		walk_count(&r->walk->skipped_special);
		return 0;
	}
}

static bool is_full(const struct reading *r)
{
	return block_bytes(r->out->block) + r->subs_bytes >= r->walk->portion_bytes ||
	       r->subs_bytes + r->portion->subs_bytes >= r->subs_limit_bytes;
}

static int read_names(struct reading *r)
{
	_Alignas(struct dirent64) char buf[GETDENTS_BYTES];
	while (!is_full(r)) {
		if (walk_is_cancelled(r->walk))
			return 0;
		ssize_t n = os_getdents(r->fd, buf, sizeof(buf));
		if (n <= 0)
			r->is_at_end = true;
		if (n < 0)
			return add_error(r, NULL, 0, WEIR_OP_WALK, (int)n, NULL);
		if (n == 0)
			return 0;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(buf + at);
			int err = add_name(r, d);
			if (err)
				return err;
			at += d->d_reclen;
			r->cookie = d->d_off;
		}
	}
	return 0;
}

static bool is_own_ancestor(const struct folder *folder)
{
	for (const struct folder *f = folder->parent; f; f = f->parent)
		if (f->inode == folder->inode && f->device == folder->device)
			return true;
	return false;
}

/*
 * Looks at the folder that has just been opened. False: it is not to be read,
 * and an error says why, or *ret_err is -ENOMEM.
 */
static bool check_first(struct reading *r, const struct os_stat *st, int *ret_err)
{
	r->folder->device = st->device;
	r->folder->inode = st->inode;
	walk_count(&r->walk->folders_found);
	if (!r->folder->follow || !is_own_ancestor(r->folder))
		return true;
	*ret_err = add_error(r, NULL, 0, WEIR_OP_WALK, -ELOOP,
			     "a symbolic link in it leads back to a folder above");
	return false;
}

/* The same for a folder that is read on. */
static bool check_rest(struct reading *r, const struct os_stat *st, int *ret_err)
{
	const struct portion *p = r->portion;
	if (p->is_pinned)
		return true;
	if (st->device != r->folder->device || st->inode != r->folder->inode) {
		*ret_err = add_error(r, NULL, 0, WEIR_OP_WALK, -ESTALE,
				     "another folder took its place; the rest was not read");
		return false;
	}
	if (st->mtime_ns != p->mtime_ns || st->ctime_ns != p->ctime_ns)
		*ret_err = add_error(r, NULL, 0, WEIR_OP_WALK, -ESTALE,
				     "it changed while it was read; names may be missing");
	off_t at = os_lseek(r->fd, p->cookie, SEEK_SET);
	if (at >= 0)
		return !*ret_err;
	*ret_err = add_error(r, NULL, 0, WEIR_OP_WALK, (int)at, NULL);
	return false;
}

static bool check_folder(struct reading *r, int *ret_err)
{
	struct os_stat st;
	int err = os_stat_fd(r->fd, &st);
	if (err) {
		*ret_err = add_error(r, NULL, 0, WEIR_OP_STAT, err, NULL);
		return false;
	}
	if (r->portion->is_rest)
		return check_rest(r, &st, ret_err);
	r->portion->mtime_ns = st.mtime_ns;
	r->portion->ctime_ns = st.ctime_ns;
	return check_first(r, &st, ret_err);
}

static int by_name(const void *a, const void *b)
{
	const struct walk_entry *x = a, *y = b;
	/* A folder's own error stands before its names. */
	if (!x->name || !y->name)
		return (x->name != NULL) - (y->name != NULL);
	return strcmp(x->name, y->name);
}

static int by_folder_name(const void *a, const void *b)
{
	const struct portion *const *x = a, *const *y = b;
	return strcmp((*x)->folder->name, (*y)->folder->name);
}

static void sort_found(struct reading *r)
{
	if (r->walk->source->options.unsorted)
		return;
	struct walk_block *block = r->out->block;
	if (block && block->count > 1)
		qsort(block->entries, block->count, sizeof(*block->entries), by_name);
	if (r->subs_count > 1)
		qsort(r->subs, r->subs_count, sizeof(struct portion *), by_folder_name);
}

/* Keeps the folder open for its rest if descriptors are plenty. The pin is handed over. */
static bool keep_pin(struct walk *walk)
{
	unsigned most = fdpool_stats(walk->pool).slots / PIN_SLOTS_PART;
	unsigned kept = atomic_fetch_add_explicit(&walk->kept_pins, 1, memory_order_relaxed);
	if (kept < most)
		return true;
	atomic_fetch_sub_explicit(&walk->kept_pins, 1, memory_order_relaxed);
	return false;
}

/* Appends what follows the block: sub-folders, and the rest of the folder before or behind them. */
static int append_portions(struct reading *r, bool *ret_keeps_pin)
{
	struct portion *rest = NULL;
	bool subs_fill = r->subs_bytes + r->portion->subs_bytes >= r->subs_limit_bytes;
	if (!r->is_at_end) {
		rest = portion_new(r->walk, &portion_folder, folder_get(r->folder));
		if (!rest)
			return -ENOMEM;
		rest->is_rest = true;
		rest->is_pinned = keep_pin(r->walk);
		rest->cookie = r->cookie;
		rest->mtime_ns = r->portion->mtime_ns;
		rest->ctime_ns = r->portion->ctime_ns;
		rest->subs_bytes = subs_fill ? 0 : r->subs_bytes + r->portion->subs_bytes;
	}
	if (rest && !subs_fill)
		list_push_back(&r->out->portions, &rest->order);
	for (size_t i = 0; i < r->subs_count; i++)
		list_push_back(&r->out->portions, &r->subs[i]->order);
	r->subs_count = 0;
	if (rest && subs_fill)
		list_push_back(&r->out->portions, &rest->order);
	*ret_keeps_pin = rest && rest->is_pinned;
	return 0;
}

/* The pin that the portion came with, or a new one. */
static int pin(struct reading *r)
{
	int err = fdpool_pin_folder(r->walk->pool, r->folder, &r->fd);
	if (r->portion->is_pinned) {
		/* It is open; now it is pinned twice. */
		fdpool_unpin_folder(r->walk->pool, r->folder, false);
		atomic_fetch_sub_explicit(&r->walk->kept_pins, 1, memory_order_relaxed);
	}
	return err;
}

static const char *open_hint(int err)
{
	if (err == -ELOOP || err == -ENOTDIR)
		return "a link or a file took the folder's place";
	if (err == -EMFILE || err == -ENFILE)
		return "raise ulimit -n, or lower --max-fds";
	return NULL;
}

static void reading_release(struct reading *r)
{
	for (size_t i = 0; i < r->subs_count; i++) {
		folder_put(r->walk->pool, r->subs[i]->folder);
		free(r->subs[i]);
	}
	free(r->subs);
	str_release(&r->path);
}

/* Reads what the portion may find, with the folder pinned. *ret_keeps_pin: for its rest. */
static int read_pinned(struct reading *r, bool *ret_keeps_pin)
{
	int err = 0;
	if (check_folder(r, &err) && !err)
		err = read_names(r);
	else
		r->is_at_end = true;
	sort_found(r);
	if (!err)
		err = append_portions(r, ret_keeps_pin);
	return err;
}

static int expand_folder(struct walk *walk, struct portion *portion, struct expansion *out)
{
	struct reading r = {
		.walk = walk,
		.portion = portion,
		.folder = portion->folder,
		.out = out,
		.cookie = portion->cookie,
		/* Lower with the depth, so that all levels together stay within the memory. */
		.subs_limit_bytes = walk->portion_bytes / 2 / (portion->folder->depth / 4 + 1) + 1,
	};
	bool keeps_pin = false;
	int err = pin(&r);
	if (err) {
		portion->is_pinned = false;
		if (err == -ECANCELED && walk_is_cancelled(walk))
			return 0;
		return add_error(&r, NULL, 0, WEIR_OP_OPEN, err, open_hint(err));
	}
	err = read_pinned(&r, &keeps_pin);
	portion->is_pinned = false;
	if (!keeps_pin)
		fdpool_unpin_folder(walk->pool, r.folder, false);
	reading_release(&r);
	return err;
}

/* A rest that was never expanded still holds its pin. */
static void release_folder(struct walk *walk, struct portion *portion)
{
	if (portion->is_pinned) {
		fdpool_unpin_folder(walk->pool, portion->folder, false);
		atomic_fetch_sub_explicit(&walk->kept_pins, 1, memory_order_relaxed);
	}
}

const struct portion_ops portion_folder = {
	.expand = expand_folder,
	.release = release_folder,
};
