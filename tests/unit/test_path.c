/* SPDX-License-Identifier: MIT */
/* Paths of any length, and links that must not be followed. */
#include "open/fdpool.h"
#include "open/path.h"

#include "../fault/fault.h"
#include "../fault/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* 30 levels of 200 bytes: more than PATH_MAX. */
#define LEVELS 30
#define NAME_LEN 200

struct fixture {
	struct scratch scratch;
	struct fdpool pool;
	struct folder *root;
	struct folder *levels[LEVELS]; /* a chain below the root; in the last one is the file "x" */
	struct folder *a, *b;          /* root/a, root/a/b; a/link -> b; each holds "x" */
};

static void make_chain(struct fixture *f)
{
	char name[NAME_LEN];
	int fd = dup(f->scratch.fd);
	struct folder *parent = f->root;
	for (int i = 0; i < LEVELS; i++) {
		memset(name, 'a' + i % 26, sizeof(name));
		f->levels[i] = parent = folder_new(parent, name, sizeof(name), false);
		assert_non_null(parent);
		assert_int_equal(mkdirat(fd, parent->name, 0700), 0);
		int next = openat(fd, parent->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	int file = openat(fd, "x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(file, "deep", 4), 4);
	close(file);
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	assert_non_null(f);
	scratch_new(&f->scratch, NULL);
	scratch_folder(&f->scratch, "a");
	scratch_folder(&f->scratch, "a/b");
	scratch_file(&f->scratch, "x", "root", 4);
	scratch_file(&f->scratch, "a/x", "in a", 4);
	scratch_file(&f->scratch, "a/b/x", "in b", 4);
	assert_int_equal(symlinkat("b", f->scratch.fd, "a/link"), 0);
	assert_int_equal(symlinkat("x", f->scratch.fd, "a/xlink"), 0);
	fdpool_init(&f->pool, 4);
	f->root = folder_new(NULL, f->scratch.path, strlen(f->scratch.path), false);
	f->a = folder_new(f->root, "a", 1, false);
	f->b = folder_new(f->a, "b", 1, false);
	make_chain(f);
	fault_install();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fault_fds_open(), 0);
	fault_uninstall();
	for (int i = LEVELS; i-- > 0;)
		folder_put(&f->pool, f->levels[i]);
	folder_put(&f->pool, f->b);
	folder_put(&f->pool, f->a);
	folder_put(&f->pool, f->root);
	fdpool_release(&f->pool);
	scratch_free(&f->scratch);
	free(f);
	return 0;
}

/* What the path leads to starts with `text`. */
static void assert_opens(struct fixture *f, const struct folder *folder, const char *name,
			 const char *text)
{
	char buf[16] = "";
	int fd = path_open(&f->pool, NULL, -1, folder, name, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(os_read(fd, buf, sizeof(buf)), strlen(text));
	assert_string_equal(buf, text);
	os_close(fd);
}

static void test_shapes(void **state)
{
	struct fixture *f = *state;
	char path[512];
	snprintf(path, sizeof(path), "%s/a/b/x", f->scratch.path);
	assert_opens(f, NULL, path, "in b");
	assert_opens(f, f->root, "x", "root");
	assert_opens(f, f->a, "x", "in a");
	assert_opens(f, f->b, "x", "in b");
	int fd = path_open(&f->pool, NULL, -1, f->b, NULL, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	os_close(fd);
	fd = path_open(&f->pool, NULL, -1, f->root, NULL, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	os_close(fd);
}

/* Two descriptors at the most, however deep. */
static void test_deep(void **state)
{
	struct fixture *f = *state;
	assert_opens(f, f->levels[LEVELS - 1], "x", "deep");
	assert_true(fault_fds_peak() <= 2);
	assert_true(fault_count(FAULT_OPENAT2) <= 4);
	int fd = path_open(&f->pool, NULL, -1, f->levels[LEVELS - 1], NULL, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	os_close(fd);
	assert_int_equal(path_open(&f->pool, NULL, -1, f->levels[LEVELS - 1], "none", O_RDONLY),
			 -ENOENT);
}

/* From a folder on the way that is open. */
static void test_base(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < LEVELS; i += 7) {
		int base = path_open(&f->pool, NULL, -1, f->levels[i], NULL, O_PATH | O_DIRECTORY);
		assert_true(base >= 0);
		int fd = path_open(&f->pool, f->levels[i], base, f->levels[LEVELS - 1], "x",
				   O_RDONLY);
		assert_true(fd >= 0);
		os_close(fd);
		os_close(base);
	}
}

/* A path of the user's that is too long for one call, however it is made up. */
static void test_long_names_of_the_user(void **state)
{
	struct fixture *f = *state;
	struct str path = STR_INIT;
	folder_path(f->levels[LEVELS - 1], "x", 1, &path);
	assert_int_equal(path.err, 0);
	assert_true(path.len > PATH_MAX);
	assert_false(path_is_short(path.buf));
	assert_opens(f, NULL, path.buf, "deep");

	/* Detours, with slashes in numbers that fall on every boundary. */
	for (size_t slashes = PATH_MAX - 300; slashes < PATH_MAX + 10; slashes++) {
		str_clear(&path);
		str_append_text(&path, f->scratch.path);
		for (size_t i = 0; i < slashes; i++)
			str_append_byte(&path, '/');
		str_append_text(&path, "a/x");
		assert_opens(f, NULL, path.buf, "in a");
	}
	str_release(&path);
}

/* Slashes behind a name say that it is a folder; the last piece is opened for what is wanted. */
static void test_slashes_at_the_end(void **state)
{
	struct fixture *f = *state;
	char buf[4096];
	for (size_t slashes = PATH_MAX - 200; slashes < PATH_MAX + 200; slashes += 3) {
		struct str path = STR_INIT;
		str_append_text(&path, f->scratch.path);
		for (size_t i = 0; i < slashes; i++)
			str_append_byte(&path, '/');
		struct folder *root = folder_new(NULL, path.buf, path.len, false);
		int fd = path_open(&f->pool, NULL, -1, root, NULL, O_RDONLY | O_DIRECTORY);
		assert_true(fd >= 0);
		assert_true(os_getdents(fd, buf, sizeof(buf)) > 0);
		os_close(fd);
		assert_opens(f, root, "x", "root");
		folder_put(&f->pool, root);
		str_release(&path);
	}
	struct str path = STR_INIT;
	str_append_text(&path, f->scratch.path);
	str_append_text(&path, "/x");
	for (size_t i = 0; i < PATH_MAX; i++)
		str_append_byte(&path, '/');
	assert_int_equal(path_open(&f->pool, NULL, -1, NULL, path.buf, O_RDONLY), -ENOTDIR);
	str_release(&path);
}

static void test_names_that_are_too_long(void **state)
{
	struct fixture *f = *state;
	char name[PATH_MAX + 10];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(path_open(&f->pool, NULL, -1, NULL, name, O_RDONLY), -ENAMETOOLONG);
	assert_int_equal(path_open(&f->pool, NULL, -1, f->a, name, O_RDONLY), -ENAMETOOLONG);
	name[300] = '\0';
	assert_int_equal(path_open(&f->pool, NULL, -1, f->a, name, O_RDONLY), -ENAMETOOLONG);
}

/* No link on the way or at the end, whether the kernel helps or not. */
static void check_links(struct fixture *f)
{
	struct folder *link = folder_new(f->a, "link", 4, false);
	struct folder *below = folder_new(link, "none", 4, false);
	struct folder *followed = folder_new(f->a, "link", 4, true);
	int fd = path_open(&f->pool, NULL, -1, link, "x", O_RDONLY);
	assert_true(fd == -ELOOP || fd == -ENOTDIR);
	fd = path_open(&f->pool, NULL, -1, link, NULL, O_RDONLY | O_DIRECTORY);
	assert_true(fd == -ELOOP || fd == -ENOTDIR);
	fd = path_open(&f->pool, NULL, -1, below, "x", O_RDONLY);
	assert_true(fd == -ELOOP || fd == -ENOTDIR);
	assert_int_equal(path_open(&f->pool, NULL, -1, f->a, "xlink", O_RDONLY | O_NOFOLLOW),
			 -ELOOP);
	assert_opens(f, followed, "x", "in b");
	folder_put(&f->pool, followed);
	folder_put(&f->pool, below);
	folder_put(&f->pool, link);
	assert_opens(f, f->b, "x", "in b");
	assert_opens(f, f->levels[LEVELS - 1], "x", "deep");
}

static void test_links(void **state)
{
	struct fixture *f = *state;
	check_links(f);
	assert_true(fault_count(FAULT_OPENAT2) > 0);
}

/* From the first call on, or from one in the middle of a long path. */
static void check_without_openat2(struct fixture *f, int err)
{
	for (uint64_t first = 1; first < 4; first++) {
		atomic_store(&f->pool.has_openat2, true);
		fault_install();
		fault_set_plan(&(struct fault_plan){FAULT_OPENAT2, first, UINT64_MAX, err});
		assert_opens(f, f->levels[LEVELS - 1], "x", "deep");
		check_links(f);
		assert_true(fault_hits() <= 1);
		assert_true(fault_fds_peak() <= 2);
	}
}

static void test_without_openat2(void **state)
{
	check_without_openat2(*state, ENOSYS);
}

static void test_openat2_is_filtered(void **state)
{
	check_without_openat2(*state, EPERM);
}

static void test_shown_paths(void **state)
{
	struct fixture *f = *state;
	struct folder *slash = folder_new(NULL, "/", 1, false),
		      *etc = folder_new(slash, "etc", 3, false);
	struct folder *relative = folder_new(NULL, "dir/", 4, false);
	const struct {
		const struct folder *folder;
		const char *name, *path;
	} cases[] = {
		{NULL, "a/b", "a/b"},     {slash, NULL, "/"},   {slash, "x", "/x"},
		{etc, NULL, "/etc"},      {etc, "x", "/etc/x"}, {relative, NULL, "dir/"},
		{relative, "x", "dir/x"}, {etc, "", "/etc/"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str path = STR_INIT;
		const char *name = cases[i].name;
		folder_path(cases[i].folder, name, name ? strlen(name) : 0, &path);
		assert_int_equal(path.err, 0);
		assert_string_equal(path.buf, cases[i].path);
		assert_int_equal(path.len, strlen(cases[i].path));
		str_release(&path);
	}
	folder_put(&f->pool, relative);
	folder_put(&f->pool, etc);
	folder_put(&f->pool, slash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shapes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_base, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_names_of_the_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slashes_at_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_that_are_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_openat2, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_openat2_is_filtered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shown_paths, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
