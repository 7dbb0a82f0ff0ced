/* SPDX-License-Identifier: MIT */
/*
 * Every system call of the library that can fail, through one replaceable table.
 *
 * Each entry returns what the call returns, or -errno; none but mmap sets errno, none
 * retries. The functions below the table are what the library calls: they add
 * the retries that every caller wants (EINTR where repeating is right; never
 * for close, which has freed the descriptor whatever it returned).
 *
 * Tests replace the table with os_set_table() before any thread runs, which is
 * how "call N fails with errno E", short reads and interruptions are made.
 */
#ifndef WEIR_OS_OS_H
#define WEIR_OS_OS_H

#include <linux/openat2.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

struct os_table {
	int (*openat)(int dirfd, const char *path, int flags, mode_t mode);
	int (*openat2)(int dirfd, const char *path, const struct open_how *how);
	int (*close)(int fd);
	int (*statx)(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);
	ssize_t (*getdents)(int fd, void *buf, size_t len_bytes);
	off_t (*lseek)(int fd, off_t offset, int whence);
	ssize_t (*read)(int fd, void *buf, size_t len_bytes);
	ssize_t (*pread)(int fd, void *buf, size_t len_bytes, off_t offset);
	ssize_t (*write)(int fd, const void *buf, size_t len_bytes);
	int (*fsync)(int fd);
	int (*fchmod)(int fd, mode_t mode);
	int (*fchown)(int fd, uid_t uid, gid_t gid);
	int (*renameat)(int olddir, const char *old, int newdir, const char *new_name);
	int (*unlinkat)(int dirfd, const char *path, int flags);
	int (*fstatfs_type)(int fd, uint64_t *ret_type);
	int (*getrlimit)(int resource, struct rlimit *ret_limit);
	int (*sched_affinity_count)(void);
	void *(*mmap)(void *addr, size_t len_bytes, int prot, int flags, int fd, off_t offset);
	int (*munmap)(void *addr, size_t len_bytes);
	int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
	ssize_t (*readlinkat)(int dirfd, const char *path, char *buf, size_t len_bytes);
};

/* The kernel's own calls. */
extern const struct os_table os_linux;

/* NULL: back to os_linux. Not while a job runs. The table is not copied. */
void os_set_table(const struct os_table *table);

/* What a file is, and what changes when it does. Times are since the epoch. */
struct os_stat {
	uint64_t device, inode;
	uint64_t size_bytes, allocated_bytes;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode, links;
	uint32_t uid, gid;
};

#define OS_STAT_FOLLOW 1 /* look through a symbolic link */

int os_openat(int dirfd, const char *path, int flags, mode_t mode);
/* -ELOOP if any part of path is a symbolic link; -ENOSYS if the kernel lacks the call. */
int os_openat_nolinks(int dirfd, const char *path, int flags);
int os_close(int fd);
int os_stat_at(int dirfd, const char *path, int flags, struct os_stat *ret_stat);
int os_stat_fd(int fd, struct os_stat *ret_stat);
ssize_t os_getdents(int fd, void *buf, size_t len_bytes);
off_t os_lseek(int fd, off_t offset, int whence);
ssize_t os_read(int fd, void *buf, size_t len_bytes);
ssize_t os_pread(int fd, void *buf, size_t len_bytes, uint64_t offset_bytes);
/* Writes all of it, or returns -errno. */
int os_write_all(int fd, const void *buf, size_t len_bytes);
int os_fsync(int fd);
int os_fchmod(int fd, mode_t mode);
int os_fchown(int fd, uid_t uid, gid_t gid);
int os_renameat(int olddir, const char *old, int newdir, const char *new_name);
int os_unlinkat(int dirfd, const char *path, int flags);
/* The f_type of statfs(2). */
int os_fs_type(int fd, uint64_t *ret_type);
int os_getrlimit(int resource, struct rlimit *ret_limit);
/* Processors in this thread's affinity mask. */
int os_cpu_count(void);
/* Anonymous memory, zeroed, page-aligned; or -errno. */
int os_map_anonymous(size_t len_bytes, int prot, void **ret_addr);
int os_unmap(void *addr, size_t len_bytes);
/* 1: reading will not wait (data, the end, or an error); 0: timeout_ms have passed; or -errno. */
int os_wait_readable(int fd, int timeout_ms);
/* The target of a symbolic link, NUL-terminated, or -errno (-ENAMETOOLONG if it does not fit). */
int os_readlinkat(int dirfd, const char *path, char *buf, size_t size_bytes);
/* A whole small file of /proc or /sys as a NUL-terminated string; returns its length or -errno. */
ssize_t os_read_small_file(const char *path, char *buf, size_t size_bytes);
/* Descriptors that this process has open now, or -errno. Needs one descriptor while it runs. */
int os_count_fds(void);

#endif
