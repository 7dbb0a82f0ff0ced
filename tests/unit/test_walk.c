/* SPDX-License-Identifier: MIT */
/* The walk, against a recursive one that is simple enough to be right. */
#include "walk/walk.h"

#include "../fault/fault.h"
#include "../fault/scratch.h"
#include "walk/walk_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PLENTY (UINT64_C(64) << 20)

/* Paths, and what is said of each. */
struct found {
	char *path;
	int err;
	enum weir_op op;
	unsigned flags;
};

struct list {
	struct found *items;
	size_t count, cap;
};

static struct found *list_add(struct list *list, const char *path, size_t len)
{
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->items = realloc(list->items, list->cap * sizeof(*list->items));
		assert_non_null(list->items);
	}
	struct found *found = &list->items[list->count++];
	*found = (struct found){.path = strndup(path, len)};
	assert_non_null(found->path);
	return found;
}

static void list_free(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct list){0};
}

static const struct found *list_find(const struct list *list, const char *end)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t len = strlen(list->items[i].path), end_len = strlen(end);
		if (len >= end_len && strcmp(list->items[i].path + len - end_len, end) == 0)
			return &list->items[i];
	}
	return NULL;
}

static int by_path(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return strcmp(x->path, y->path);
}

static void list_sort(struct list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_path);
}

static void assert_same(const struct list *a, const struct list *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_string_equal(a->items[i].path, b->items[i].path);
		assert_int_equal(a->items[i].err, b->items[i].err);
	}
}

/* The reference: the files of a folder by name, then its folders. */
static void walk_simply(const char *path, struct list *list)
{
	struct list folders = {0}, files = {0};
	char below[PATH_MAX];
	DIR *dir = opendir(path);
	assert_non_null(dir);
	const struct dirent *d;
	while ((d = readdir(dir))) {
		struct stat st;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		size_t len = (size_t)snprintf(below, sizeof(below), "%s/%s", path, d->d_name);
		assert_int_equal(lstat(below, &st), 0);
		if (S_ISDIR(st.st_mode))
			list_add(&folders, below, len);
		else if (S_ISREG(st.st_mode))
			list_add(&files, below, len);
	}
	closedir(dir);
	list_sort(&files);
	list_sort(&folders);
	for (size_t i = 0; i < files.count; i++)
		list_add(list, files.items[i].path, strlen(files.items[i].path));
	for (size_t i = 0; i < folders.count; i++)
		walk_simply(folders.items[i].path, list);
	list_free(&files);
	list_free(&folders);
}

/* How a walk is done. */
struct how {
	uint32_t threads, slots;
	uint64_t memory_bytes;
	size_t batch;
	size_t cancel_after; /* entries; 0: not */
};

static const struct how with_plenty = {2, 32, PLENTY, 64, 0};
static struct weir_stats last_stats;

static void add_batch(struct list *list, const struct walk_batch *batch, uint64_t *seq)
{
	assert_int_equal(batch->first_seq, *seq);
	*seq += batch->count;
	for (size_t i = 0; i < batch->count; i++) {
		const struct walk_entry *entry = &batch->entries[i];
		struct str path = STR_INIT;
		folder_path(batch->folder, entry->name, entry->name_len, &path);
		assert_int_equal(path.err, 0);
		struct found *found = list_add(list, path.buf ? path.buf : "", path.len);
		found->flags = entry->flags;
		if (entry->error) {
			found->err = entry->error->err;
			found->op = entry->error->op;
		}
		str_release(&path);
	}
}

/* Walks the source, which it frees, and checks what must hold of every walk. */
static void walk_source(struct weir_source *source, const struct how *how, struct list *list)
{
	struct fdpool pool;
	struct walk *walk;
	struct walk_batch batch;
	uint64_t seq = 0;
	int got;
	fdpool_init(&pool, how->slots);
	assert_int_equal(walk_new(source, &pool,
				  &(struct walk_limits){how->threads, how->memory_bytes}, &walk),
			 0);
	assert_int_equal(walk_start(walk), 0);
	while ((got = walk_take(walk, how->batch, &batch)) == 1) {
		assert_true(batch.count > 0 && batch.count <= how->batch);
		add_batch(list, &batch, &seq);
		walk_batch_done(walk, &batch);
		if (how->cancel_after && seq >= how->cancel_after)
			walk_cancel(walk);
	}
	if (how->cancel_after) {
		assert_int_equal(got, -ECANCELED);
		fdpool_cancel(&pool);
	} else {
		assert_int_equal(got, 0);
		assert_int_equal(walk->used_bytes, 0);
		/*
		 * What each walker has just read, and the first in order, are above the
		 * bound; a portion ends with a buffer of names, so it may be twice its size.
		 */
		assert_true(walk->peak_bytes <=
			    how->memory_bytes + 3 * (how->threads + 1) * walk->portion_bytes);
	}
	last_stats = (struct weir_stats){.size = sizeof(last_stats)};
	walk_stats(walk, &last_stats);
	if (!how->cancel_after)
		assert_true(last_stats.walk_done);
	walk_free(walk);
	assert_true(fdpool_stats(&pool).peak <= how->slots);
	fdpool_release(&pool);
	weir_source_free(source);
}

static void walk_paths(const char *const *paths, size_t count,
		       const struct weir_source_options *options, const struct how *how,
		       struct list *list)
{
	struct weir_source *source;
	assert_int_equal(weir_source_new_paths(paths, count, options, &source), 0);
	walk_source(source, how, list);
}

static void walk_tree(const char *path, const struct weir_source_options *options,
		      const struct how *how, struct list *list)
{
	walk_paths(&path, 1, options, how, list);
}

static void make_tree(const struct scratch *scratch, const char *name, int depth, unsigned *seed)
{
	char below[256];
	scratch_folder(scratch, name);
	int files = rand_r(seed) % 12, folders = depth ? rand_r(seed) % 5 : 0;
	for (int i = 0; i < files; i++) {
		snprintf(below, sizeof(below), "%s/f%c%d", name, "a\x80\xff \n"[rand_r(seed) % 5],
			 i);
		scratch_file(scratch, below, "", 0);
	}
	for (int i = 0; i < folders; i++) {
		snprintf(below, sizeof(below), "%s/%d", name, (i * 7 + 3) % 5);
		make_tree(scratch, below, depth - 1, seed);
	}
}

/* The order is that of a single walker, whatever the memory, the threads, the descriptors. */
static void test_same_order_always(void **state)
{
	static const struct how hows[] = {
		{1, 32, PLENTY, 64, 0}, {2, 32, PLENTY, 1, 0},    {4, 1, PLENTY, 7, 0},
		{1, 1, 1, 1, 0},        {2, 2, 64 << 10, 64, 0},  {4, 32, 64 << 10, 3, 0},
		{8, 3, 0, 64, 0},       {3, 64, 600 << 10, 5, 0},
	};
	struct scratch scratch;
	struct list want = {0};
	unsigned seed = 5;
	(void)state;
	scratch_new(&scratch, NULL);
	make_tree(&scratch, "tree", 5, &seed);
	walk_simply(scratch_path(&scratch, "tree"), &want);
	assert_true(want.count > 100);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		struct list got = {0};
		walk_tree(scratch_path(&scratch, "tree"), NULL, &hows[i], &got);
		assert_same(&got, &want);
		assert_int_equal(last_stats.files_found, want.count);
		list_free(&got);
	}
	list_free(&want);
	scratch_free(&scratch);
}

/* A folder of many names, in memory for a few: each comes once, and runs are sorted. */
static void check_large_folder(const struct scratch *scratch, const struct list *want,
			       const struct how *how)
{
	struct list got = {0};
	walk_tree(scratch_path(scratch, "large"), NULL, how, &got);
	size_t descents = 0;
	for (size_t i = 1; i < got.count; i++)
		descents += strcmp(got.items[i - 1].path, got.items[i].path) > 0;
	if (how->memory_bytes < 1 << 20)
		assert_true(descents > 3);
	list_sort(&got);
	assert_same(&got, want);
	list_free(&got);
}

static void test_large_folder(void **state)
{
	static const struct how hows[] = {
		{1, 1, 1, 64, 0},
		{2, 2, 64 << 10, 64, 0},
		{3, 32, 512 << 10, 64, 0},
		{2, 32, PLENTY, 64, 0},
	};
	struct scratch scratch;
	struct list want = {0};
	char name[64];
	(void)state;
	scratch_new(&scratch, NULL);
	scratch_folder(&scratch, "large");
	scratch_file(&scratch, "file", "", 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "large/%d", i * 7919 % 20000);
		/* Names are what is wanted; to make as many files takes longer than all else. */
		assert_int_equal(linkat(scratch.fd, "file", scratch.fd, name, 0), 0);
	}
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "large/folder%d", i);
		scratch_folder(&scratch, name);
		snprintf(name, sizeof(name), "large/folder%d/file", i);
		scratch_file(&scratch, name, "", 0);
	}
	walk_simply(scratch_path(&scratch, "large"), &want);
	assert_int_equal(want.count, 20300);
	list_sort(&want);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
		check_large_folder(&scratch, &want, &hows[i]);

	/* A folder that tells its names in small pieces gives the same. */
	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_GETDENTS, 1, UINT64_MAX, FAULT_SHORT});
	check_large_folder(&scratch, &want, &hows[1]);
	fault_uninstall();

	/* In the middle something goes wrong: what was read stays, and the error is told once. */
	fault_install();
	fault_set_plan(&(struct fault_plan){FAULT_GETDENTS, 4, 1, EIO});
	struct list got = {0};
	walk_tree(scratch_path(&scratch, "large"), NULL, &hows[0], &got);
	fault_uninstall();
	size_t errors = 0;
	for (size_t i = 0; i < got.count; i++) {
		errors += got.items[i].err != 0;
		if (got.items[i].err) {
			assert_int_equal(got.items[i].err, -EIO);
			assert_int_equal(got.items[i].op, WEIR_OP_WALK);
			assert_string_equal(got.items[i].path, scratch_path(&scratch, "large"));
		}
	}
	assert_int_equal(errors, 1);
	assert_true(got.count > 1000 && got.count < 20000);
	list_free(&got);
	list_free(&want);
	scratch_free(&scratch);
}

/* 300 levels of 200 bytes: no path is ever needed whole, and one descriptor is enough. */
static void test_deep_tree(void **state)
{
	static const struct how hows[] = {
		{1, 1, 1, 64, 0}, {2, 2, PLENTY, 64, 0}, {2, 32, PLENTY, 64, 0}};
	struct scratch scratch;
	char name[201];
	(void)state;
	memset(name, 'n', 200);
	name[200] = '\0';
	scratch_new(&scratch, NULL);
	int fd = dup(scratch.fd);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(fd, name, 0700), 0);
		int next = openat(fd, name, O_PATH | O_CLOEXEC);
		close(fd);
		fd = next;
		close(openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	close(fd);
	for (size_t i = 0; i < 3; i++) {
		struct list got = {0};
		walk_tree(scratch.path, NULL, &hows[i], &got);
		assert_int_equal(got.count, 300);
		for (size_t level = 0; level < 300; level++) {
			assert_int_equal(got.items[level].err, 0);
			assert_int_equal(strlen(got.items[level].path),
					 strlen(scratch.path) + (level + 1) * 201 + 5);
		}
		list_free(&got);
	}
	scratch_free(&scratch);
}

static void check_filter(const struct scratch *scratch, const struct weir_source_options *options,
			 const char *want)
{
	struct list got = {0};
	char names[512] = "";
	walk_tree(scratch->path, options, &with_plenty, &got);
	for (size_t i = 0; i < got.count; i++) {
		assert_int_equal(got.items[i].err, 0);
		strcat(names, got.items[i].path + strlen(scratch->path) + 1);
		strcat(names, " ");
	}
	assert_string_equal(names, want);
	list_free(&got);
}

static void test_filters(void **state)
{
	static const char *const c[] = {"*.c"}, *const sub[] = {"sub/*.c"},
				 *const deep[] = {"**/z.c"}, *const folder[] = {"sub"},
				 *const one[] = {"sub/in/*", "b.*"};
	struct scratch s;
	(void)state;
	scratch_new(&s, NULL);
	scratch_folder(&s, "sub");
	scratch_folder(&s, "sub/in");
	scratch_pattern(&s, "a.c", 10);
	scratch_pattern(&s, "b.h", 20);
	scratch_pattern(&s, "sub/x.c", 30);
	scratch_pattern(&s, "sub/y.h", 40);
	scratch_pattern(&s, "sub/in/z.c", 50);
#define OPTIONS(...) &WEIR_OPTS(weir_source_options, __VA_ARGS__)
	check_filter(&s, NULL, "a.c b.h sub/x.c sub/y.h sub/in/z.c ");
	check_filter(&s, OPTIONS(.includes = c, .includes_count = 1), "a.c sub/x.c sub/in/z.c ");
	check_filter(&s, OPTIONS(.excludes = c, .excludes_count = 1), "b.h sub/y.h ");
	check_filter(&s, OPTIONS(.includes = sub, .includes_count = 1), "sub/x.c ");
	check_filter(&s, OPTIONS(.includes = deep, .includes_count = 1), "sub/in/z.c ");
	check_filter(&s, OPTIONS(.excludes = folder, .excludes_count = 1), "a.c b.h ");
	check_filter(&s, OPTIONS(.excludes = one, .excludes_count = 2), "a.c sub/x.c sub/y.h ");
	check_filter(&s,
		     OPTIONS(.includes = c, .includes_count = 1, .excludes = folder,
			     .excludes_count = 1),
		     "a.c ");
	check_filter(&s, OPTIONS(.min_size_bytes = 30), "sub/x.c sub/y.h sub/in/z.c ");
	check_filter(&s, OPTIONS(.max_size_bytes = 20, .has_max_size = true), "a.c b.h ");
	check_filter(&s, OPTIONS(.min_size_bytes = 20, .max_size_bytes = 40, .has_max_size = true),
		     "b.h sub/x.c sub/y.h ");
	assert_int_equal(last_stats.skipped_filtered, 2);
	check_filter(&s, OPTIONS(.has_max_size = true), "");
#undef OPTIONS
	/* With the root's name in all its spellings. */
	char root[300];
	snprintf(root, sizeof(root), "%s//", s.path);
	struct list got = {0};
	walk_tree(root, &WEIR_OPTS(weir_source_options, .includes = sub, .includes_count = 1),
		  &with_plenty, &got);
	assert_int_equal(got.count, 1);
	list_free(&got);
	scratch_free(&s);
}

static void test_malformed_options(void **state)
{
	static const char *const bad[] = {"[a-"};
	struct weir_source *source;
	struct weir_source_options options =
		WEIR_OPTS(weir_source_options, .includes = bad, .includes_count = 1);
	(void)state;
	assert_int_equal(weir_source_new_paths(NULL, 0, &options, &source), -EINVAL);
	options = (struct weir_source_options){.size = 4096};
	assert_int_equal(weir_source_new_paths(NULL, 0, &options, &source), -EINVAL);
	weir_source_free(NULL);
}

static void test_links_are_skipped_or_followed(void **state)
{
	struct weir_source_options follow = WEIR_OPTS(weir_source_options, .follow_symlinks = true);
	struct scratch s;
	struct list got = {0};
	(void)state;
	scratch_new(&s, NULL);
	scratch_folder(&s, "tree");
	scratch_folder(&s, "tree/sub");
	scratch_folder(&s, "other");
	scratch_file(&s, "tree/file", "", 0);
	scratch_file(&s, "other/far", "", 0);
	assert_int_equal(symlinkat("..", s.fd, "tree/sub/loop"), 0);
	assert_int_equal(symlinkat("../other", s.fd, "tree/out"), 0);
	assert_int_equal(symlinkat("file", s.fd, "tree/tofile"), 0);
	assert_int_equal(symlinkat("nothing", s.fd, "tree/dangling"), 0);
	assert_int_equal(mkfifoat(s.fd, "tree/fifo", 0600), 0);

	walk_tree(scratch_path(&s, "tree"), NULL, &with_plenty, &got);
	assert_int_equal(got.count, 1);
	assert_non_null(list_find(&got, "/tree/file"));
	assert_int_equal(last_stats.skipped_links, 4);
	assert_int_equal(last_stats.skipped_special, 1);
	list_free(&got);

	walk_tree(scratch_path(&s, "tree"), &follow, &with_plenty, &got);
	assert_int_equal(got.count, 5);
	assert_non_null(list_find(&got, "/tree/file"));
	assert_int_equal(list_find(&got, "/tree/tofile")->flags, WALK_FOLLOW);
	assert_int_equal(list_find(&got, "/tree/tofile")->err, 0);
	assert_int_equal(list_find(&got, "/tree/out/far")->err, 0);
	assert_int_equal(list_find(&got, "/tree/dangling")->err, -ENOENT);
	assert_int_equal(list_find(&got, "/tree/sub/loop")->err, -ELOOP);
	list_free(&got);

	/* The user may name a link to a folder. */
	walk_tree(scratch_path(&s, "tree/out"), NULL, &with_plenty, &got);
	assert_int_equal(got.count, 1);
	assert_non_null(list_find(&got, "/tree/out/far"));
	list_free(&got);
	scratch_free(&s);
}

/* A file system that does not tell the types of names. */
static ssize_t getdents_without_types(int fd, void *buf, size_t len_bytes)
{
	ssize_t n = os_linux.getdents(fd, buf, len_bytes);
	for (ssize_t at = 0; at < n;) {
		struct dirent64 *d = (void *)((char *)buf + at);
		d->d_type = DT_UNKNOWN;
		at += d->d_reclen;
	}
	return n;
}

static void test_types_that_are_not_told(void **state)
{
	struct os_table table = os_linux;
	struct scratch s;
	struct list want = {0}, got = {0};
	unsigned seed = 9;
	(void)state;
	scratch_new(&s, NULL);
	make_tree(&s, "tree", 3, &seed);
	assert_int_equal(symlinkat("nothing", s.fd, "tree/link"), 0);
	walk_simply(scratch_path(&s, "tree"), &want);
	table.getdents = getdents_without_types;
	os_set_table(&table);
	walk_tree(scratch_path(&s, "tree"), NULL, &with_plenty, &got);
	os_set_table(NULL);
	assert_same(&got, &want);
	assert_int_equal(last_stats.skipped_links, 1);
	list_free(&got);
	list_free(&want);
	scratch_free(&s);
}

/* What happens to the folder "tree/b" between the reading of "tree" and its own. */
struct mishap {
	const struct scratch *scratch;
	enum { VANISHES, BECOMES_LINK, BECOMES_FILE } kind;
};

static void befall(void *ctx, uint64_t number, const char *path)
{
	const struct mishap *mishap = ctx;
	(void)path;
	/* The second call finds "tree" at its end. */
	if (number != 2)
		return;
	int fd = mishap->scratch->fd;
	if (renameat(fd, "tree/b", fd, "away"))
		abort();
	if (mishap->kind == BECOMES_LINK && symlinkat("../away", fd, "tree/b"))
		abort();
	if (mishap->kind == BECOMES_FILE)
		scratch_file(mishap->scratch, "tree/b", "", 0);
}

static void test_folder_changes_in_between(void **state)
{
	(void)state;
	for (int kind = VANISHES; kind <= BECOMES_FILE; kind++) {
		struct scratch s;
		struct list got = {0};
		scratch_new(&s, NULL);
		scratch_folder(&s, "tree");
		scratch_folder(&s, "tree/a");
		scratch_folder(&s, "tree/b");
		scratch_file(&s, "tree/a/x", "", 0);
		scratch_file(&s, "tree/b/y", "", 0);
		struct mishap mishap = {&s, (unsigned)kind};
		fault_install();
		fault_watch(FAULT_GETDENTS, befall, &mishap);
		walk_tree(scratch_path(&s, "tree"), NULL, &(struct how){1, 8, PLENTY, 64, 0}, &got);
		fault_uninstall();
		assert_int_equal(got.count, 2);
		assert_int_equal(list_find(&got, "/tree/a/x")->err, 0);
		const struct found *b = list_find(&got, "/tree/b");
		assert_non_null(b);
		assert_int_equal(b->op, WEIR_OP_OPEN);
		if (kind == VANISHES)
			assert_int_equal(b->err, -ENOENT);
		else
			assert_true(b->err == -ENOTDIR || b->err == -ELOOP);
		list_free(&got);
		scratch_free(&s);
	}
}

static void test_folder_that_may_not_be_read(void **state)
{
	struct scratch s;
	struct list got = {0};
	const uid_t nobody = 65534;
	bool is_root = geteuid() == 0;
	(void)state;
	scratch_new(&s, NULL);
	scratch_folder(&s, "a");
	scratch_folder(&s, "b");
	scratch_file(&s, "b/x", "", 0);
	assert_int_equal(fchmodat(s.fd, "a", 0, 0), 0);
	if (is_root) {
		assert_int_equal(fchmod(s.fd, 0755), 0);
		assert_int_equal(fchmodat(s.fd, "b", 0755, 0), 0);
		if (seteuid(nobody)) {
			scratch_free(&s);
			skip();
		}
	}
	walk_tree(s.path, NULL, &with_plenty, &got);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(got.count, 2);
	assert_int_equal(list_find(&got, "/a")->err, -EACCES);
	assert_int_equal(list_find(&got, "/b/x")->err, 0);
	list_free(&got);
	scratch_free(&s);
}

/* A name is taken by its kind: files, folders, what is missing, in the order given. */
static void test_names(void **state)
{
	struct scratch s;
	struct list got = {0};
	char paths[5][512];
	(void)state;
	scratch_new(&s, NULL);
	scratch_folder(&s, "d");
	scratch_file(&s, "d/in", "", 0);
	scratch_file(&s, "f", "", 0);
	assert_int_equal(mkfifoat(s.fd, "fifo", 0600), 0);
	static const char *const names[] = {"f", "d", "missing", "fifo", "d/in"};
	const char *given[7];
	for (int i = 0; i < 5; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", s.path, names[i]);
		given[i] = paths[i];
	}
	given[5] = "-";
	given[6] = "";
	walk_paths(given, 7, NULL, &with_plenty, &got);
	assert_int_equal(got.count, 7);
	static const char *const want[] = {"/f", "/d/in", "/missing", "/fifo", "/d/in", "-", ""};
	static const unsigned flags[] = {
		WALK_EXPLICIT, 0, 0, WALK_EXPLICIT, WALK_EXPLICIT, WALK_EXPLICIT | WALK_STDIN, 0};
	for (size_t i = 0; i < 7; i++) {
		const char *path = got.items[i].path;
		assert_true(strlen(path) >= strlen(want[i]));
		assert_string_equal(path + strlen(path) - strlen(want[i]), want[i]);
		assert_int_equal(got.items[i].flags, flags[i]);
		assert_int_equal(got.items[i].err, i == 2 || i == 6 ? -ENOENT : 0);
	}
	list_free(&got);

	walk_paths(NULL, 0, NULL, &with_plenty, &got);
	assert_int_equal(got.count, 0);
	scratch_free(&s);
}

static void test_list_of_names(void **state)
{
	struct scratch s;
	struct list got = {0};
	struct weir_source *source;
	char text[2048];
	(void)state;
	scratch_new(&s, NULL);
	scratch_folder(&s, "d");
	scratch_file(&s, "d/in", "", 0);
	scratch_file(&s, "f\n", "", 0);
	size_t len = (size_t)snprintf(text, sizeof(text), "%s/f\n%c%c%s/d%c%s/none%c-", s.path, 0,
				      0, s.path, 0, s.path, 0);
	for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
		int fds[2];
		if (is_pipe) {
			assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
			assert_int_equal(write(fds[1], text, len), (ssize_t)len);
			close(fds[1]);
		} else {
			scratch_file(&s, "list", text, len);
			fds[0] = openat(s.fd, "list", O_RDONLY | O_CLOEXEC);
		}
		assert_int_equal(weir_source_new_list(fds[0], "the list", NULL, &source), 0);
		walk_source(source, &with_plenty, &got);
		close(fds[0]);
		assert_int_equal(got.count, 5);
		assert_non_null(strstr(got.items[0].path, "/f\n"));
		assert_string_equal(got.items[1].path, "the list");
		assert_int_equal(got.items[1].err, -EINVAL);
		assert_int_equal(got.items[1].op, WEIR_OP_PARSE);
		assert_non_null(strstr(got.items[2].path, "/d/in"));
		assert_int_equal(got.items[3].err, -ENOENT);
		/* In a list a dash is a name. */
		assert_string_equal(got.items[4].path, "-");
		assert_int_equal(got.items[4].err, -ENOENT);
		list_free(&got);
	}
	scratch_free(&s);
}

/* At any moment, with portions of all kinds in the list. */
static void test_cancel(void **state)
{
	struct scratch s;
	unsigned seed = 5;
	(void)state;
	scratch_new(&s, NULL);
	make_tree(&s, "tree", 5, &seed);
	int before = scratch_count_fds();
	for (size_t after = 1; after < 60; after += 3) {
		struct list got = {0};
		struct how how = {1 + after % 4, 1 + (uint32_t)after % 7, after % 2 ? PLENTY : 1, 2,
				  after};
		walk_tree(scratch_path(&s, "tree"), NULL, &how, &got);
		list_free(&got);
		assert_int_equal(scratch_count_fds(), before);
	}
	scratch_free(&s);
}

static void test_one_file_system(void **state)
{
	struct stat dev, shm;
	struct list got = {0};
	(void)state;
	if (stat("/dev", &dev) || stat("/dev/shm", &shm) || dev.st_dev == shm.st_dev)
		skip();
	struct scratch s;
	scratch_new(&s, "/dev/shm");
	scratch_file(&s, "file", "", 0);
	walk_tree("/dev", &WEIR_OPTS(weir_source_options, .one_file_system = true), &with_plenty,
		  &got);
	assert_null(list_find(&got, "/file"));
	assert_true(last_stats.skipped_other > 0);
	list_free(&got);
	scratch_free(&s);
}

static void test_unsorted(void **state)
{
	struct scratch s;
	struct list want = {0}, got = {0};
	unsigned seed = 7;
	(void)state;
	scratch_new(&s, NULL);
	make_tree(&s, "tree", 4, &seed);
	walk_simply(scratch_path(&s, "tree"), &want);
	walk_tree(scratch_path(&s, "tree"), &WEIR_OPTS(weir_source_options, .unsorted = true),
		  &with_plenty, &got);
	list_sort(&want);
	list_sort(&got);
	assert_same(&got, &want);
	list_free(&want);
	list_free(&got);
	scratch_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_order_always),
		cmocka_unit_test(test_large_folder),
		cmocka_unit_test(test_deep_tree),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_malformed_options),
		cmocka_unit_test(test_links_are_skipped_or_followed),
		cmocka_unit_test(test_types_that_are_not_told),
		cmocka_unit_test(test_folder_changes_in_between),
		cmocka_unit_test(test_folder_that_may_not_be_read),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_list_of_names),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_one_file_system),
		cmocka_unit_test(test_unsorted),
	};
	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
