/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel transfers at most this much in one call; larger requests are cut. */
#define IO_MAX_BYTES ((size_t)1 << 30)

/* errno of a call that failed, as a result; the result of one that did not. */
#define RESULT(type, call)                                  \
	({                                                  \
		__auto_type result_ = (call);               \
		result_ < 0 ? (type)-errno : (type)result_; \
	})

static int linux_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return RESULT(int, openat(dirfd, path, flags, mode));
}

static int linux_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return RESULT(int, syscall(SYS_openat2, dirfd, path, how, sizeof(*how)));
}

static int linux_close(int fd)
{
	return RESULT(int, close(fd));
}

static int linux_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	return RESULT(int, statx(dirfd, path, flags, mask, stx));
}

static ssize_t linux_getdents(int fd, void *buf, size_t len_bytes)
{
	return RESULT(ssize_t, syscall(SYS_getdents64, fd, buf, len_bytes));
}

static off_t linux_lseek(int fd, off_t offset, int whence)
{
	return RESULT(off_t, lseek(fd, offset, whence));
}

static ssize_t linux_read(int fd, void *buf, size_t len_bytes)
{
	return RESULT(ssize_t, read(fd, buf, len_bytes));
}

static ssize_t linux_pread(int fd, void *buf, size_t len_bytes, off_t offset)
{
	return RESULT(ssize_t, pread(fd, buf, len_bytes, offset));
}

static ssize_t linux_write(int fd, const void *buf, size_t len_bytes)
{
	return RESULT(ssize_t, write(fd, buf, len_bytes));
}

static int linux_fsync(int fd)
{
	return RESULT(int, fsync(fd));
}

static int linux_fchmod(int fd, mode_t mode)
{
	return RESULT(int, fchmod(fd, mode));
}

static int linux_fchown(int fd, uid_t uid, gid_t gid)
{
	return RESULT(int, fchown(fd, uid, gid));
}

static int linux_renameat(int olddir, const char *old, int newdir, const char *new_name)
{
	return RESULT(int, renameat(olddir, old, newdir, new_name));
}

static int linux_unlinkat(int dirfd, const char *path, int flags)
{
	return RESULT(int, unlinkat(dirfd, path, flags));
}

static int linux_fstatfs_type(int fd, uint64_t *ret_type)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	*ret_type = (uint64_t)fs.f_type;
	return 0;
}

static int linux_getrlimit(int resource, struct rlimit *ret_limit)
{
	return RESULT(int, getrlimit((__rlimit_resource_t)resource, ret_limit));
}

/* Grows the set until the kernel's mask fits, for machines beyond 1,024 processors. */
static int linux_sched_affinity_count(void)
{
	for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)cpus);
		if (!set)
			return -ENOMEM;
		size_t len_bytes = CPU_ALLOC_SIZE((size_t)cpus);
		int err = sched_getaffinity(0, len_bytes, set) < 0 ? errno : 0;
		int count = err ? 0 : CPU_COUNT_S(len_bytes, set);
		CPU_FREE(set);
		if (err != EINVAL)
			return err ? -err : count;
	}
	return -EINVAL;
}

static void *linux_mmap(void *addr, size_t len_bytes, int prot, int flags, int fd, off_t offset)
{
	return mmap(addr, len_bytes, prot, flags, fd, offset);
}

static int linux_munmap(void *addr, size_t len_bytes)
{
	return RESULT(int, munmap(addr, len_bytes));
}

static int linux_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	return RESULT(int, poll(fds, count, timeout_ms));
}

static ssize_t linux_readlinkat(int dirfd, const char *path, char *buf, size_t len_bytes)
{
	return RESULT(ssize_t, readlinkat(dirfd, path, buf, len_bytes));
}

const struct os_table os_linux = {
	.openat = linux_openat,
	.openat2 = linux_openat2,
	.close = linux_close,
	.statx = linux_statx,
	.getdents = linux_getdents,
	.lseek = linux_lseek,
	.read = linux_read,
	.pread = linux_pread,
	.write = linux_write,
	.fsync = linux_fsync,
	.fchmod = linux_fchmod,
	.fchown = linux_fchown,
	.renameat = linux_renameat,
	.unlinkat = linux_unlinkat,
	.fstatfs_type = linux_fstatfs_type,
	.getrlimit = linux_getrlimit,
	.sched_affinity_count = linux_sched_affinity_count,
	.mmap = linux_mmap,
	.munmap = linux_munmap,
	.poll = linux_poll,
	.readlinkat = linux_readlinkat,
};

static const struct os_table *os = &os_linux;

void os_set_table(const struct os_table *table)
{
	os = table ? table : &os_linux;
}

/* Repeats a call for as long as a signal interrupts it. */
#define RETRY(call)                          \
	({                                   \
		__auto_type retry_ = (call); \
		while (retry_ == -EINTR)     \
			retry_ = (call);     \
		retry_;                      \
	})

int os_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return RETRY(os->openat(dirfd, path, flags | O_CLOEXEC, mode));
}

int os_openat_nolinks(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return RETRY(os->openat2(dirfd, path, &how));
}

int os_close(int fd)
{
	return os->close(fd);
}

static int64_t timestamp_ns(const struct statx_timestamp *stamp)
{
	return stamp->tv_sec * INT64_C(1000000000) + stamp->tv_nsec;
}

static int stat_with(int dirfd, const char *path, int flags, struct os_stat *ret_stat)
{
	struct statx stx = {0};
	int err = RETRY(os->statx(dirfd, path, flags, STATX_BASIC_STATS, &stx));
	if (err < 0)
		return err;
	*ret_stat = (struct os_stat){
		.device = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor,
		.inode = stx.stx_ino,
		.size_bytes = stx.stx_size,
		.allocated_bytes = stx.stx_blocks * 512,
		.mtime_ns = timestamp_ns(&stx.stx_mtime),
		.ctime_ns = timestamp_ns(&stx.stx_ctime),
		.mode = stx.stx_mode,
		.links = stx.stx_nlink,
		.uid = stx.stx_uid,
		.gid = stx.stx_gid,
	};
	return 0;
}

int os_stat_at(int dirfd, const char *path, int flags, struct os_stat *ret_stat)
{
	int at = AT_NO_AUTOMOUNT | (flags & OS_STAT_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
	return stat_with(dirfd, path, at, ret_stat);
}

int os_stat_fd(int fd, struct os_stat *ret_stat)
{
	return stat_with(fd, "", AT_EMPTY_PATH, ret_stat);
}

ssize_t os_getdents(int fd, void *buf, size_t len_bytes)
{
	return RETRY(os->getdents(fd, buf, len_bytes));
}

off_t os_lseek(int fd, off_t offset, int whence)
{
	return os->lseek(fd, offset, whence);
}

static size_t io_clamp(size_t len_bytes)
{
	return len_bytes < IO_MAX_BYTES ? len_bytes : IO_MAX_BYTES;
}

ssize_t os_read(int fd, void *buf, size_t len_bytes)
{
	return RETRY(os->read(fd, buf, io_clamp(len_bytes)));
}

ssize_t os_pread(int fd, void *buf, size_t len_bytes, uint64_t offset_bytes)
{
	if (offset_bytes > INT64_MAX)
		return -EOVERFLOW;
	return RETRY(os->pread(fd, buf, io_clamp(len_bytes), (off_t)offset_bytes));
}

int os_write_all(int fd, const void *buf, size_t len_bytes)
{
	const char *at = buf;
	while (len_bytes) {
		ssize_t n = RETRY(os->write(fd, at, io_clamp(len_bytes)));
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		at += n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

int os_fsync(int fd)
{
	return RETRY(os->fsync(fd));
}

int os_fchmod(int fd, mode_t mode)
{
	return RETRY(os->fchmod(fd, mode));
}

int os_fchown(int fd, uid_t uid, gid_t gid)
{
	return RETRY(os->fchown(fd, uid, gid));
}

int os_renameat(int olddir, const char *old, int newdir, const char *new_name)
{
	return os->renameat(olddir, old, newdir, new_name);
}

int os_unlinkat(int dirfd, const char *path, int flags)
{
	return os->unlinkat(dirfd, path, flags);
}

int os_fs_type(int fd, uint64_t *ret_type)
{
	return RETRY(os->fstatfs_type(fd, ret_type));
}

int os_getrlimit(int resource, struct rlimit *ret_limit)
{
	return os->getrlimit(resource, ret_limit);
}

int os_cpu_count(void)
{
	return os->sched_affinity_count();
}

int os_map_anonymous(size_t len_bytes, int prot, void **ret_addr)
{
	void *addr = os->mmap(NULL, len_bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return -errno;
	*ret_addr = addr;
	return 0;
}

int os_unmap(void *addr, size_t len_bytes)
{
	return os->munmap(addr, len_bytes);
}

int os_wait_readable(int fd, int timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	return RETRY(os->poll(&pollfd, 1, timeout_ms));
}

int os_readlinkat(int dirfd, const char *path, char *buf, size_t size_bytes)
{
	ssize_t n = os->readlinkat(dirfd, path, buf, size_bytes);
	if (n < 0)
		return (int)n;
	if ((size_t)n >= size_bytes)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

ssize_t os_read_small_file(const char *path, char *buf, size_t size_bytes)
{
	int fd = os_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	size_t len = 0;
	ssize_t n = 0;
	while (len < size_bytes - 1 && (n = os_read(fd, buf + len, size_bytes - 1 - len)) > 0)
		len += (size_t)n;
	os_close(fd);
	if (n < 0)
		return n;
	buf[len] = '\0';
	return (ssize_t)len;
}

/* Entries of a getdents buffer, the dot names left out. */
static int count_names(const char *buf, ssize_t len)
{
	int count = 0;
	for (ssize_t at = 0; at < len;) {
		const struct dirent64 *entry = (const void *)(buf + at);
		count += entry->d_name[0] != '.';
		at += entry->d_reclen;
	}
	return count;
}

int os_count_fds(void)
{
	int fd = os_openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	_Alignas(struct dirent64) char buf[4096];
	int count = -1; /* the descriptor of the folder itself */
	ssize_t n;
	while ((n = os_getdents(fd, buf, sizeof(buf))) > 0)
		count += count_names(buf, n);
	os_close(fd);
	return n < 0 ? (int)n : count;
}
