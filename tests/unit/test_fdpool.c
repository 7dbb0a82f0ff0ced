/* SPDX-License-Identifier: MIT */
/* The pool's bound, held against the descriptors that are really opened. */
#include "open/fdpool.h"

#include "../fault/fault.h"
#include "../fault/scratch.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDERS 12
#define THREADS 8

struct fixture {
	struct scratch scratch;
	struct fdpool pool;
	struct folder *root;
	struct folder
		*folders[FOLDERS]; /* d0, d1 ..., each with a file "f" that holds its number */
};

static void folders_new(struct fixture *f)
{
	f->root = folder_new(NULL, f->scratch.path, strlen(f->scratch.path), false);
	for (int i = 0; i < FOLDERS; i++) {
		char name[16];
		int len = snprintf(name, sizeof(name), "d%d", i);
		f->folders[i] = folder_new(f->root, name, (size_t)len, false);
		assert_non_null(f->folders[i]);
	}
}

static struct fixture *fixture_new(uint32_t slots)
{
	struct fixture *f = malloc(sizeof(*f));
	assert_non_null(f);
	scratch_new(&f->scratch, NULL);
	for (int i = 0; i < FOLDERS; i++) {
		char name[24];
		snprintf(name, sizeof(name), "d%d", i);
		scratch_folder(&f->scratch, name);
		snprintf(name, sizeof(name), "d%d/f", i);
		char byte = (char)i;
		scratch_file(&f->scratch, name, &byte, 1);
	}
	folders_new(f);
	fault_install();
	fdpool_init(&f->pool, slots);
	return f;
}

static void fixture_free(struct fixture *f)
{
	for (int i = 0; i < FOLDERS; i++)
		folder_put(&f->pool, f->folders[i]);
	folder_put(&f->pool, f->root);
	assert_int_equal(fdpool_stats(&f->pool).used, 0);
	assert_int_equal(fault_fds_open(), 0);
	fdpool_release(&f->pool);
	fault_uninstall();
	scratch_free(&f->scratch);
	free(f);
}

/* Opens the file of that folder, and checks that it is that one. */
static int open_file(struct fixture *f, int i, int *ret_fd)
{
	char byte = 0;
	int err = fdpool_open_file(&f->pool, f->folders[i], "f", 0, ret_fd);
	if (!err && (os_read(*ret_fd, &byte, 1) != 1 || byte != (char)i))
		abort();
	return err;
}

struct opener {
	struct fixture *f;
	struct thread thread;
	unsigned seed;
	int rounds, err;
};

/* Files and folders at random, one held at a time. */
static void open_many(void *arg)
{
	struct opener *o = arg;
	for (int round = 0; round < o->rounds && !o->err; round++) {
		int fd, i = rand_r(&o->seed) % FOLDERS;
		if (rand_r(&o->seed) % 3) {
			o->err = open_file(o->f, i, &fd);
			if (!o->err)
				fdpool_close_file(&o->f->pool, fd);
		} else {
			o->err = fdpool_pin_folder(&o->f->pool, o->f->folders[i], &fd);
			if (!o->err)
				fdpool_unpin_folder(&o->f->pool, o->f->folders[i], round & 1);
		}
	}
}

static void run_openers(struct fixture *f, int rounds)
{
	struct opener openers[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		openers[i] = (struct opener){.f = f, .seed = i, .rounds = rounds};
		assert_int_equal(thread_start(&openers[i].thread, "open", open_many, &openers[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		thread_join(&openers[i].thread);
		assert_int_equal(openers[i].err, 0);
	}
}

/* With any number of slots all comes through, and the bound holds. One more: the spare. */
static void test_bound(void **state)
{
	(void)state;
	for (uint32_t slots = 1; slots <= 16; slots = slots * 2 + (slots == 1)) {
		struct fixture *f = fixture_new(slots);
		run_openers(f, 300);
		struct fdpool_stats stats = fdpool_stats(&f->pool);
		assert_true(fault_fds_peak() <= (int)slots + 1);
		assert_true(stats.peak <= slots);
		assert_int_equal(stats.slots, slots);
		fixture_free(f);
	}
}

/* The same without openat2, where a path takes several steps. */
static void test_bound_step_by_step(void **state)
{
	(void)state;
	for (uint32_t slots = 1; slots <= 3; slots++) {
		struct fixture *f = fixture_new(slots);
		fault_set_plan(&(struct fault_plan){FAULT_OPENAT2, 1, UINT64_MAX, ENOSYS});
		run_openers(f, 200);
		assert_true(fault_fds_peak() <= (int)slots + 1);
		fixture_free(f);
	}
}

/* A folder that stays open is not opened again, and is closed when its slot is wanted. */
static void test_folders_stay_and_go(void **state)
{
	struct fixture *f = fixture_new(8);
	int fd, again;
	(void)state;
	assert_int_equal(fdpool_pin_folder(&f->pool, f->folders[0], &fd), 0);
	fdpool_unpin_folder(&f->pool, f->folders[0], true);
	uint64_t calls = fault_count(FAULT_OPENAT) + fault_count(FAULT_OPENAT2);
	assert_int_equal(fdpool_pin_folder(&f->pool, f->folders[0], &again), 0);
	assert_int_equal(again, fd);
	fdpool_unpin_folder(&f->pool, f->folders[0], true);
	assert_int_equal(fault_count(FAULT_OPENAT) + fault_count(FAULT_OPENAT2), calls);

	int files[8];
	for (int i = 0; i < 8; i++)
		assert_int_equal(fdpool_open_file(&f->pool, f->folders[i], "f", 0, &files[i]), 0);
	assert_true(fdpool_stats(&f->pool).evictions > 0);
	assert_int_equal(fault_fds_open(), 8);
	for (int i = 0; i < 8; i++)
		fdpool_close_file(&f->pool, files[i]);
	fixture_free(f);
}

static void test_cancel(void **state)
{
	struct fixture *f = fixture_new(1);
	struct opener openers[4];
	int fd;
	(void)state;
	assert_int_equal(open_file(f, 0, &fd), 0);
	for (unsigned i = 0; i < 4; i++) {
		openers[i] = (struct opener){.f = f, .seed = i, .rounds = 1};
		assert_int_equal(thread_start(&openers[i].thread, "open", open_many, &openers[i]),
				 0);
	}
	for (bool wait = true; wait;) {
		size_t waiting = 0;
		mutex_lock(&f->pool.lock);
		for (struct list_node *n = f->pool.waiters.next; n != &f->pool.waiters; n = n->next)
			waiting++;
		mutex_unlock(&f->pool.lock);
		wait = waiting < 4;
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	}
	fdpool_cancel(&f->pool);
	for (int i = 0; i < 4; i++) {
		thread_join(&openers[i].thread);
		assert_int_equal(openers[i].err, -ECANCELED);
	}
	assert_int_equal(fdpool_open_file(&f->pool, f->folders[1], "f", 0, &fd), -ECANCELED);
	fdpool_close_file(&f->pool, fd);
	fixture_free(f);
}

/* The kernel runs out of descriptors for a while: nobody notices, and the bound comes back. */
static void test_exhaustion_passes(void **state)
{
	static const int errnos[] = {EMFILE, ENFILE};
	(void)state;
	for (int e = 0; e < 2; e++) {
		struct fixture *f = fixture_new(8);
		fault_set_plan(&(struct fault_plan){FAULT_OPENAT, 20, 6, errnos[e]});
		run_openers(f, 100);
		struct fdpool_stats stats = fdpool_stats(&f->pool);
		assert_int_equal(fault_hits(), 6);
		assert_true(stats.exhaustions > 0);
		assert_true(fault_fds_peak() <= 9);
		int fd;
		for (int i = 0; i < 64 * 8; i++) {
			assert_int_equal(open_file(f, i % FOLDERS, &fd), 0);
			fdpool_close_file(&f->pool, fd);
		}
		assert_int_equal(fdpool_stats(&f->pool).slots, 8);
		fixture_free(f);
	}
}

/* It lasts: then it is an error of the machine, not of the name, and nothing is left. */
static void test_exhaustion_lasts(void **state)
{
	struct fixture *f = fixture_new(4);
	int fd = -7;
	(void)state;
	fault_set_plan(&(struct fault_plan){FAULT_OPENAT, 1, UINT64_MAX, EMFILE});
	assert_int_equal(fdpool_open_file(&f->pool, f->folders[0], "f", 0, &fd), -EMFILE);
	assert_int_equal(fd, -7);
	assert_int_equal(fdpool_stats(&f->pool).used, 0);
	fault_set_plan(&(struct fault_plan){0});
	assert_int_equal(open_file(f, 0, &fd), 0);
	fdpool_close_file(&f->pool, fd);
	fixture_free(f);
}

/* What goes wrong with a name is told as it is, and gives the slot back. */
static void test_errors(void **state)
{
	static const int errnos[] = {EACCES, ENOENT, EIO, ESTALE, ENOMEM, ELOOP};
	struct fixture *f = fixture_new(2);
	int fd = -7;
	(void)state;
	for (size_t e = 0; e < sizeof(errnos) / sizeof(errnos[0]); e++) {
		fault_set_plan(&(struct fault_plan){FAULT_OPENAT, 1, UINT64_MAX, errnos[e]});
		assert_int_equal(fdpool_open_file(&f->pool, f->folders[1], "f", 0, &fd),
				 -errnos[e]);
		assert_int_equal(fdpool_pin_folder(&f->pool, f->folders[1], &fd), -errnos[e]);
		assert_int_equal(fd, -7);
		assert_int_equal(fdpool_stats(&f->pool).used, 0);
	}
	fixture_free(f);
}

/* O_NOATIME is for the owner; the others read all the same, and it is not tried for ever. */
static void test_noatime_is_refused(void **state)
{
	struct fixture *f = fixture_new(4);
	int fd;
	(void)state;
	fault_set_plan(&(struct fault_plan){FAULT_OPENAT2, 1, 1, EPERM});
	assert_int_equal(open_file(f, 0, &fd), 0);
	fdpool_close_file(&f->pool, fd);
	assert_int_equal(fault_hits(), 1);
	assert_true(atomic_load(&f->folders[0]->no_noatime));
	fixture_free(f);
}

static void test_stat(void **state)
{
	struct fixture *f = fixture_new(1);
	struct os_stat st, same;
	int fd;
	(void)state;
	assert_int_equal(symlinkat("f", f->scratch.fd, "d3/link"), 0);
	assert_int_equal(fdpool_stat(&f->pool, f->folders[3], "f", false, &st), 0);
	assert_true(S_ISREG(st.mode));
	assert_int_equal(st.size_bytes, 1);
	assert_int_equal(fdpool_stat(&f->pool, f->folders[3], "link", false, &same), 0);
	assert_true(S_ISLNK(same.mode));
	struct folder *followed = folder_new(f->root, "d3", 2, true);
	assert_int_equal(fdpool_stat(&f->pool, followed, "link", true, &same), 0);
	assert_int_equal(same.inode, st.inode);
	assert_int_equal(fdpool_stat(&f->pool, followed, "link", false, &same), 0);
	assert_true(S_ISLNK(same.mode));
	folder_put(&f->pool, followed);
	assert_int_equal(fdpool_stat(&f->pool, f->folders[3], "none", true, &same), -ENOENT);
	assert_int_equal(
		fdpool_stat(&f->pool, NULL, scratch_path(&f->scratch, "d3/f"), true, &same), 0);
	assert_int_equal(same.inode, st.inode);
	assert_int_equal(fdpool_pin_folder(&f->pool, f->folders[3], &fd), 0);
	assert_int_equal(fdpool_stat(&f->pool, f->folders[3], "f", false, &same), 0);
	assert_int_equal(same.inode, st.inode);
	fdpool_unpin_folder(&f->pool, f->folders[3], false);
	fixture_free(f);
}

/* A link that takes a folder's place after its name was read. */
static void test_folder_becomes_link(void **state)
{
	(void)state;
	for (int is_followed = 0; is_followed < 2; is_followed++) {
		struct fixture *f = fixture_new(4);
		struct folder *folder = folder_new(f->root, "d0", 2, is_followed);
		int fd;
		assert_int_equal(renameat(f->scratch.fd, "d0", f->scratch.fd, "away"), 0);
		assert_int_equal(symlinkat("d5", f->scratch.fd, "d0"), 0);
		for (int round = 0; round < 2; round++) {
			int err = fdpool_pin_folder(&f->pool, folder, &fd);
			if (is_followed) {
				assert_int_equal(err, 0);
				fdpool_unpin_folder(&f->pool, folder, true);
			} else {
				assert_true(err == -ELOOP || err == -ENOTDIR);
			}
			err = fdpool_open_file(&f->pool, folder, "f", 0, &fd);
			if (is_followed) {
				assert_int_equal(err, 0);
				fdpool_close_file(&f->pool, fd);
			} else {
				assert_true(err == -ELOOP || err == -ENOTDIR);
			}
			/* With the parent open, too. */
			if (!round)
				assert_int_equal(fdpool_pin_folder(&f->pool, f->root, &fd), 0);
		}
		fdpool_unpin_folder(&f->pool, f->root, true);
		folder_put(&f->pool, folder);
		fixture_free(f);
	}
}

static void test_link_is_followed_if_asked(void **state)
{
	struct fixture *f = fixture_new(2);
	int fd;
	(void)state;
	assert_int_equal(symlinkat("f", f->scratch.fd, "d1/link"), 0);
	assert_int_equal(fdpool_open_file(&f->pool, f->folders[1], "link", 0, &fd), -ELOOP);
	struct folder *followed = folder_new(f->root, "d1", 2, true);
	assert_int_equal(fdpool_open_file(&f->pool, followed, "link", 0, &fd), -ELOOP);
	assert_int_equal(fdpool_open_file(&f->pool, followed, "link", FDPOOL_FOLLOW, &fd), 0);
	fdpool_close_file(&f->pool, fd);
	folder_put(&f->pool, followed);
	fixture_free(f);
}

/* A FIFO without a writer does not hold up who opens it. */
static void test_fifo_does_not_block(void **state)
{
	struct fixture *f = fixture_new(1);
	int fd;
	(void)state;
	assert_int_equal(mkfifoat(f->scratch.fd, "d2/fifo", 0600), 0);
	assert_int_equal(fdpool_open_file(&f->pool, f->folders[2], "fifo", 0, &fd), 0);
	fdpool_close_file(&f->pool, fd);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bound_step_by_step),
		cmocka_unit_test(test_folders_stay_and_go),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_exhaustion_passes),
		cmocka_unit_test(test_exhaustion_lasts),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_noatime_is_refused),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_folder_becomes_link),
		cmocka_unit_test(test_link_is_followed_if_asked),
		cmocka_unit_test(test_fifo_does_not_block),
	};
	return cmocka_run_group_tests_name("fdpool", tests, NULL, NULL);
}
