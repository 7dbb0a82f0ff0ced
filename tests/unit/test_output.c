/* SPDX-License-Identifier: MIT */
#include "os/os.h"
#include "sink/sink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Every test runs in a fresh folder, which is its working folder, and must
 * leave the process with as many descriptors as it had.
 */
static char folder[64];
static int home_fd, fds_before;

/* The call that is to fail: which, when, and with what. */
enum fault_call { FAULT_NONE, FAULT_WRITE, FAULT_FSYNC, FAULT_CLOSE, FAULT_RENAME, FAULT_FCHMOD };

static struct {
	enum fault_call call;
	int after; /* calls that still go well */
	int err;
	bool is_short;      /* write at most 100 bytes at a time */
	unsigned int eintr; /* every so many-th write is interrupted */
	unsigned int writes, fsyncs, renames;
} fault;

static int fault_now(enum fault_call call)
{
	return fault.call == call && fault.after-- <= 0 ? fault.err : 0;
}

static ssize_t fault_write(int fd, const void *buf, size_t len_bytes)
{
	int err = fault_now(FAULT_WRITE);
	if (err)
		return err;
	if (fault.eintr && ++fault.writes % fault.eintr == 0)
		return -EINTR;
	if (fault.is_short && len_bytes > 100)
		len_bytes = 100;
	return os_linux.write(fd, buf, len_bytes);
}

static int fault_fsync(int fd)
{
	fault.fsyncs++;
	int err = fault_now(FAULT_FSYNC);
	return err ? err : os_linux.fsync(fd);
}

static int fault_close(int fd)
{
	int err = fault_now(FAULT_CLOSE);
	int result = os_linux.close(fd);
	return err ? err : result;
}

static int fault_renameat(int olddir, const char *old, int newdir, const char *new_name)
{
	fault.renames++;
	int err = fault_now(FAULT_RENAME);
	return err ? err : os_linux.renameat(olddir, old, newdir, new_name);
}

static int fault_fchmod(int fd, mode_t mode)
{
	int err = fault_now(FAULT_FCHMOD);
	return err ? err : os_linux.fchmod(fd, mode);
}

static int setup(void **state)
{
	static struct os_table table;
	(void)state;

	table = os_linux;
	table.write = fault_write;
	table.fsync = fault_fsync;
	table.close = fault_close;
	table.renameat = fault_renameat;
	table.fchmod = fault_fchmod;
	os_set_table(&table);
	memset(&fault, 0, sizeof(fault));

	home_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(folder, "/tmp/weir-test-output-XXXXXX");
	if (home_fd < 0 || !mkdtemp(folder) || chdir(folder))
		return -1;
	fds_before = os_count_fds();
	return fds_before < 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;

	os_set_table(NULL);
	int leaked = os_count_fds() - fds_before;
	if (fchdir(home_fd))
		return -1;
	close(home_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command))
		return -1;
	return leaked;
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *want)
{
	char buf[256] = "";
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t len = fread(buf, 1, sizeof(buf) - 1, file);
	fclose(file);
	buf[len] = '\0';
	assert_string_equal(buf, want);
}

static unsigned int count_names(const char *path)
{
	unsigned int count = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return count;
}

static struct weir_output *open_output(const char *path)
{
	struct weir_output *output = NULL;
	assert_int_equal(weir_output_new_file(path, &output, NULL), 0);
	assert_non_null(output);
	return output;
}

static void write_text(struct weir_output *output, const char *text)
{
	assert_int_equal(weir_output_write(output, text, strlen(text)), 0);
}

static void test_appears_at_commit(void **state)
{
	(void)state;
	struct weir_output *output = open_output("new");
	write_text(output, "one\n");
	write_text(output, "two\n");
	assert_int_equal(weir_output_write(output, "", 0), 0);
	assert_int_equal(weir_output_flush(output), 0);
	assert_int_equal(access("new", F_OK), -1);
	assert_int_equal(weir_output_commit(output), 0);
	assert_file("new", "one\ntwo\n");
	assert_int_equal(fault.fsyncs, 2); /* the file and its folder */
	assert_int_equal(weir_output_commit(output), 0);
	assert_int_equal(fault.renames, 1);
	assert_int_equal(weir_output_write(output, "x", 1), -EBADF);
	weir_output_free(output);
	assert_file("new", "one\ntwo\n");
	assert_int_equal(count_names("."), 1);
}

static void test_nothing_without_commit(void **state)
{
	(void)state;
	put_file("old", "old");
	struct weir_output *new_one = open_output("new");
	struct weir_output *old_one = open_output("old");
	write_text(new_one, "x");
	write_text(old_one, "x");
	assert_int_equal(weir_output_flush(old_one), 0);
	weir_output_free(new_one);
	weir_output_free(old_one);
	weir_output_free(NULL);
	assert_file("old", "old");
	assert_int_equal(count_names("."), 1);
}

static void test_modes(void **state)
{
	struct stat stat_buf;
	(void)state;

	mode_t mask = umask(027);
	struct weir_output *output = open_output("new");
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	assert_int_equal(stat("new", &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 07777, 0640);
	assert_int_equal(stat_buf.st_size, 0);

	put_file("old", "old");
	assert_int_equal(chmod("old", 0604), 0);
	output = open_output("old");
	write_text(output, "new");
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	umask(mask);
	assert_int_equal(stat("old", &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 07777, 0604);
	assert_file("old", "new");
}

static void test_links(void **state)
{
	struct stat stat_buf;
	(void)state;

	assert_int_equal(mkdir("d", 0755), 0);
	put_file("d/real", "old");
	assert_int_equal(symlink("real", "d/near"), 0);
	assert_int_equal(symlink("d/near", "far"), 0);
	struct weir_output *output = open_output("far");
	assert_int_equal(stat("d/real", &stat_buf), 0);
	uint64_t inode = stat_buf.st_ino;
	write_text(output, "new");
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	assert_int_equal(lstat("far", &stat_buf), 0);
	assert_true(S_ISLNK(stat_buf.st_mode));
	assert_int_equal(lstat("d/near", &stat_buf), 0);
	assert_true(S_ISLNK(stat_buf.st_mode));
	assert_int_equal(lstat("d/real", &stat_buf), 0);
	assert_true(S_ISREG(stat_buf.st_mode));
	assert_true(stat_buf.st_ino != inode);
	assert_file("far", "new");

	/* A dangling link: the file that it names is made. */
	assert_int_equal(symlink("d/later", "dangling"), 0);
	output = open_output("dangling");
	write_text(output, "made");
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	assert_file("d/later", "made");

	char absolute[128];
	snprintf(absolute, sizeof(absolute), "%s/d/abs", folder);
	assert_int_equal(symlink(absolute, "d/to-abs"), 0);
	output = open_output("d/to-abs");
	write_text(output, "abs");
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	assert_file(absolute, "abs");
}

static void assert_no_output(const char *path, int want)
{
	struct weir_output *output = NULL;
	struct weir_error error = {0};

	assert_int_equal(weir_output_new_file(path, &output, &error), want);
	assert_null(output);
	assert_int_equal(error.code, want);
	assert_int_equal(error.op, WEIR_OP_WRITE);
	assert_ptr_equal(error.path, path);
	assert_int_equal(error.path_len_bytes, strlen(path));
	assert_ptr_equal(error.hint, sink_write_hint(want));
	assert_non_null(error.hint);
	assert_int_equal(weir_output_new_file(path, &output, NULL), want);
}

static void test_refused(void **state)
{
	char name[300];
	(void)state;

	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(symlink("d", "to-d"), 0);
	assert_int_equal(symlink("new/", "to-slash"), 0);
	put_file("file", "");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_no_output("d", -EISDIR);
	assert_no_output("to-d", -EISDIR);
	assert_no_output("d/", -EISDIR);
	assert_no_output("new/", -EISDIR);
	assert_no_output("to-slash", -EISDIR);
	assert_no_output("no/file", -ENOENT);
	assert_no_output("", -ENOENT);
	assert_no_output("file/x", -ENOTDIR);
	assert_no_output("loop", -ELOOP);
	assert_no_output(name, -ENAMETOOLONG);
	assert_int_equal(count_names("."), 5);
}

/* A link of /proc may lead to a file that has lost its name. */
static void test_nameless_file(void **state)
{
	char path[64];
	(void)state;

	int fd = open("gone", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(unlink("gone"), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_no_output(path, -ESTALE);
	/* What the kernel calls it, is another file. */
	put_file("gone (deleted)", "bystander");
	assert_no_output(path, -ESTALE);
	close(fd);
	assert_file("gone (deleted)", "bystander");
	assert_int_equal(count_names("."), 1);
}

static void test_owner(void **state)
{
	struct stat stat_buf;
	(void)state;

	if (geteuid())
		skip();
	put_file("file", "old");
	assert_int_equal(chown("file", 12345, 0), 0);
	assert_int_equal(chmod("file", 0640), 0);
	struct weir_output *output = open_output("file");
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	assert_int_equal(stat("file", &stat_buf), 0);
	assert_int_equal(stat_buf.st_uid, 12345);
	assert_int_equal(stat_buf.st_mode & 07777, 0640);
}

static void test_fifo(void **state)
{
	char buf[16];
	struct stat stat_buf;
	(void)state;

	assert_int_equal(mkfifo("fifo", 0600), 0);
	int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	struct weir_output *output = open_output("fifo");
	write_text(output, "through");
	assert_int_equal(weir_output_commit(output), 0);
	assert_int_equal(read(reader, buf, sizeof(buf)), 7);
	assert_memory_equal(buf, "through", 7);
	weir_output_free(output);
	close(reader);
	assert_int_equal(lstat("fifo", &stat_buf), 0);
	assert_true(S_ISFIFO(stat_buf.st_mode));
	assert_int_equal(fault.renames, 0);
}

static void test_device(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/full", "full"), 0);
	struct weir_output *output = open_output("full");
	write_text(output, "no room");
	assert_int_equal(weir_output_flush(output), -ENOSPC);
	assert_int_equal(weir_output_write(output, "x", 1), -ENOSPC);
	assert_int_equal(weir_output_commit(output), -ENOSPC);
	weir_output_free(output);
	assert_non_null(sink_write_hint(-ENOSPC));
	assert_null(sink_write_hint(-EIO));
	assert_int_equal(count_names("."), 1);
}

static void test_descriptor(void **state)
{
	int fds[2];
	char buf[16];
	struct weir_output *output = NULL;
	(void)state;

	assert_int_equal(weir_output_new_fd(-1, &output), -EBADF);
	assert_null(output);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(weir_output_new_fd(fds[1], &output), 0);
	write_text(output, "abc");
	assert_int_equal(weir_output_commit(output), 0);
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 3);
	write_text(output, "def");
	assert_int_equal(weir_output_flush(output), 0);
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "def", 3);
	weir_output_free(output);
	assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC); /* still the caller's */
	close(fds[0]);
	close(fds[1]);
}

/* Sizes around the buffer's, written in pieces, short and interrupted. */
static void test_pieces(void **state)
{
	static const size_t pieces[] = {1, 7, 4096, 65535, 65536, 65537, 200000};
	static char data[600000], back[600000];
	size_t total = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 2654435761U >> 13);
	fault.is_short = true;
	fault.eintr = 3;
	struct weir_output *output = open_output("pieces");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(weir_output_write(output, data + total, pieces[i]), 0);
		total += pieces[i];
	}
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);

	FILE *file = fopen("pieces", "r");
	assert_non_null(file);
	assert_int_equal(fread(back, 1, sizeof(back), file), total);
	fclose(file);
	assert_memory_equal(back, data, total);
}

/* Whatever fails, the old file stays, nothing is left beside it, and the error is remembered. */
static void test_faults(void **state)
{
	static const struct {
		enum fault_call call;
		int after, err;
		const char *want;
	} cases[] = {
		{FAULT_WRITE, 0, -ENOSPC, "old"},
		{FAULT_FSYNC, 0, -EIO, "old"},
		{FAULT_RENAME, 0, -EACCES, "old"},
		{FAULT_CLOSE, 0, -EDQUOT, "old"},
		/* Too late to take it back: the name is given, but perhaps not for good. */
		{FAULT_FSYNC, 1, -EIO, "new"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_file("file", "old");
		struct weir_output *output = open_output("file");
		write_text(output, "new");
		fault.call = cases[i].call;
		fault.after = cases[i].after;
		fault.err = cases[i].err;
		assert_int_equal(weir_output_commit(output), cases[i].err);
		fault.call = FAULT_NONE;
		assert_int_equal(weir_output_commit(output), cases[i].err);
		assert_int_equal(weir_output_flush(output), cases[i].err);
		assert_int_equal(weir_output_write(output, "x", 1), cases[i].err);
		weir_output_free(output);
		assert_file("file", cases[i].want);
		assert_int_equal(count_names("."), 1);
	}
}

static void test_fault_when_opening(void **state)
{
	(void)state;
	put_file("file", "old");
	fault.call = FAULT_FCHMOD;
	fault.err = -EPERM;
	assert_no_output("file", -EPERM);
	fault.call = FAULT_NONE;
	assert_int_equal(count_names("."), 1);
}

static void test_folder_that_cannot_sync(void **state)
{
	(void)state;
	struct weir_output *output = open_output("file");
	write_text(output, "x");
	fault.call = FAULT_FSYNC;
	fault.after = 1;
	fault.err = -EINVAL;
	assert_int_equal(weir_output_commit(output), 0);
	weir_output_free(output);
	assert_file("file", "x");
}

static bool is_file(const struct weir_output *output, const char *path)
{
	struct os_stat stat_buf;
	assert_int_equal(os_stat_at(AT_FDCWD, path, 0, &stat_buf), 0);
	return weir_output_is_file(output, stat_buf.device, stat_buf.inode);
}

static void test_is_file(void **state)
{
	bool is_temp_known = false;
	(void)state;

	put_file("file", "old");
	put_file("other", "");
	struct weir_output *output = open_output("file");
	assert_true(is_file(output, "file"));
	assert_false(is_file(output, "other"));
	assert_false(is_file(output, "."));
	assert_int_equal(count_names("."), 3);
	DIR *dir = opendir(".");
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (!strncmp(entry->d_name, ".weir-", 6))
			is_temp_known = is_file(output, entry->d_name);
	}
	closedir(dir);
	assert_true(is_temp_known);
	assert_int_equal(weir_output_commit(output), 0);
	assert_true(is_file(output, "file"));
	weir_output_free(output);

	int fd = open("other", O_WRONLY | O_CLOEXEC);
	assert_int_equal(weir_output_new_fd(fd, &output), 0);
	assert_true(is_file(output, "other"));
	assert_false(is_file(output, "file"));
	weir_output_free(output);
	close(fd);

	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(weir_output_new_fd(null_fd, &output), 0);
	assert_false(is_file(output, "/dev/null"));
	weir_output_free(output);
	close(null_fd);
}

static void test_socket(void **state)
{
	int pair[2];
	struct weir_output *output = NULL;
	char buf[4];
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(weir_output_new_fd(pair[0], &output), 0);
	write_text(output, "ok");
	assert_int_equal(weir_output_commit(output), 0);
	assert_int_equal(read(pair[1], buf, sizeof(buf)), 2);
	weir_output_free(output);
	close(pair[0]);
	close(pair[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_appears_at_commit),
		TEST(test_nothing_without_commit),
		TEST(test_modes),
		TEST(test_links),
		TEST(test_refused),
		TEST(test_nameless_file),
		TEST(test_owner),
		TEST(test_fifo),
		TEST(test_device),
		TEST(test_descriptor),
		TEST(test_pieces),
		TEST(test_faults),
		TEST(test_fault_when_opening),
		TEST(test_folder_that_cannot_sync),
		TEST(test_is_file),
		TEST(test_socket),
	};
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
