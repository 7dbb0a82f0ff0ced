/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
				strerror(errno));                                          \
			abort();                                                           \
		}                                                                          \
	} while (0)

void scratch_new(struct scratch *scratch, const char *under)
{
	const char *temporary = getenv("TMPDIR");
	if (!under)
		under = temporary && *temporary ? temporary : "/tmp";
	int len = snprintf(scratch->path, sizeof(scratch->path), "%s/weir-test-XXXXXX", under);
	CHECK(len > 0 && (size_t)len < sizeof(scratch->path));
	CHECK(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(scratch->fd >= 0);
}

static void remove_all(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0)
		return;
	CHECK(errno == EISDIR);
	fchmodat(parent, name, 0700, 0);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CHECK(fd >= 0);
	DIR *dir = fdopendir(fd);
	CHECK(dir);
	const struct dirent *d;
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			remove_all(fd, d->d_name);
	closedir(dir);
	CHECK(unlinkat(parent, name, AT_REMOVEDIR) == 0);
}

void scratch_free(struct scratch *scratch)
{
	close(scratch->fd);
	remove_all(AT_FDCWD, scratch->path);
}

const char *scratch_path(const struct scratch *scratch, const char *name)
{
	static _Thread_local char paths[4][PATH_MAX];
	static _Thread_local unsigned next;
	char *path = paths[next++ % 4];
	int len = snprintf(path, PATH_MAX, "%s/%s", scratch->path, name);
	CHECK(len > 0 && len < PATH_MAX);
	return path;
}

void scratch_folder(const struct scratch *scratch, const char *name)
{
	CHECK(mkdirat(scratch->fd, name, 0700) == 0);
}

void scratch_file(const struct scratch *scratch, const char *name, const void *data,
		  size_t len_bytes)
{
	int fd = openat(scratch->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	const char *at = data;
	while (len_bytes) {
		ssize_t n = write(fd, at, len_bytes);
		CHECK(n > 0);
		at += n;
		len_bytes -= (size_t)n;
	}
	close(fd);
}

unsigned char scratch_byte(uint64_t at)
{
	return (unsigned char)(at * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

unsigned char *scratch_bytes(size_t len_bytes)
{
	unsigned char *bytes = malloc(len_bytes + 1);
	CHECK(bytes);
	for (size_t i = 0; i < len_bytes; i++)
		bytes[i] = scratch_byte(i);
	return bytes;
}

void scratch_pattern(const struct scratch *scratch, const char *name, size_t len_bytes)
{
	unsigned char *bytes = scratch_bytes(len_bytes);
	scratch_file(scratch, name, bytes, len_bytes);
	free(bytes);
}

void scratch_settle(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 25 * 1000 * 1000}, NULL);
}

int scratch_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	CHECK(dir);
	int count = -3; /* the two dots, and the folder itself */
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}
