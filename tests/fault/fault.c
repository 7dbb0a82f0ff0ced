/* SPDX-License-Identifier: MIT */
/* A table of system calls that go wrong when they are told to. */
#include "fault.h"

#include "os/os.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FDS_MAX 65536
/* A name of 255 bytes still fits, so that no call is refused for its buffer. */
#define SHORT_GETDENTS_BYTES 512

static const char *const call_names[FAULT_CALLS] = {
	[FAULT_OPENAT] = "openat",
	[FAULT_OPENAT2] = "openat2",
	[FAULT_CLOSE] = "close",
	[FAULT_STATX] = "statx",
	[FAULT_GETDENTS] = "getdents",
	[FAULT_LSEEK] = "lseek",
	[FAULT_READ] = "read",
	[FAULT_PREAD] = "pread",
	[FAULT_WRITE] = "write",
	[FAULT_FSYNC] = "fsync",
	[FAULT_FCHMOD] = "fchmod",
	[FAULT_FCHOWN] = "fchown",
	[FAULT_RENAMEAT] = "renameat",
	[FAULT_UNLINKAT] = "unlinkat",
	[FAULT_FSTATFS] = "fstatfs",
	[FAULT_GETRLIMIT] = "getrlimit",
	[FAULT_AFFINITY] = "sched_getaffinity",
	[FAULT_MMAP] = "mmap",
	[FAULT_MUNMAP] = "munmap",
	[FAULT_POLL] = "poll",
	[FAULT_READLINKAT] = "readlinkat",
};

struct watch {
	void (*fn)(void *ctx, uint64_t number, const char *path);
	void *ctx;
};

static struct fault_plan the_plan;
static struct watch watches[FAULT_CALLS];
static atomic_ullong counts[FAULT_CALLS], hits;
static atomic_bool is_open[FDS_MAX];
static atomic_int fds_open, fds_peak;

const char *fault_call_name(enum fault_call call)
{
	return call_names[call];
}

/* Counts the call. 0; a negative errno that it is to return; or more than 0: fall short. */
static int begin(enum fault_call call, const char *path)
{
	uint64_t number = atomic_fetch_add(&counts[call], 1) + 1;
	if (watches[call].fn)
		watches[call].fn(watches[call].ctx, number, path);
	const struct fault_plan *plan = &the_plan;
	if (plan->call != call || number < plan->first || number - plan->first >= plan->count)
		return 0;
	atomic_fetch_add(&hits, 1);
	return -plan->effect;
}

static int opened(int fd)
{
	if (fd < 0 || fd >= FDS_MAX)
		return fd;
	if (atomic_exchange(&is_open[fd], true)) {
		fprintf(stderr, "descriptor %d was closed behind the table's back\n", fd);
		abort();
	}
	int now = atomic_fetch_add(&fds_open, 1) + 1;
	int peak = atomic_load(&fds_peak);
	while (now > peak && !atomic_compare_exchange_weak(&fds_peak, &peak, now))
		;
	return fd;
}

static int fault_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int err = begin(FAULT_OPENAT, path);
	return err ? err : opened(os_linux.openat(dirfd, path, flags, mode));
}

static int fault_openat2(int dirfd, const char *path, const struct open_how *how)
{
	int err = begin(FAULT_OPENAT2, path);
	return err ? err : opened(os_linux.openat2(dirfd, path, how));
}

static int fault_close(int fd)
{
	int err = begin(FAULT_CLOSE, NULL);
	if (fd < 0 || (fd < FDS_MAX && !atomic_exchange(&is_open[fd], false))) {
		fprintf(stderr, "descriptor %d is closed twice\n", fd);
		abort();
	}
	atomic_fetch_sub(&fds_open, 1);
	int closed = os_linux.close(fd);
	return err ? err : closed;
}

static int fault_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	int err = begin(FAULT_STATX, path);
	return err ? err : os_linux.statx(dirfd, path, flags, mask, stx);
}

static ssize_t fault_getdents(int fd, void *buf, size_t len_bytes)
{
	int err = begin(FAULT_GETDENTS, NULL);
	if (err < 0)
		return err;
	if (err > 0 && len_bytes > SHORT_GETDENTS_BYTES)
		len_bytes = SHORT_GETDENTS_BYTES;
	return os_linux.getdents(fd, buf, len_bytes);
}

static off_t fault_lseek(int fd, off_t offset, int whence)
{
	int err = begin(FAULT_LSEEK, NULL);
	return err ? err : os_linux.lseek(fd, offset, whence);
}

/* At least one byte, so that it is not the end. */
static size_t cut(int err, size_t len_bytes)
{
	return err > 0 && len_bytes > 1 ? len_bytes / 3 + 1 : len_bytes;
}

static ssize_t fault_read(int fd, void *buf, size_t len_bytes)
{
	int err = begin(FAULT_READ, NULL);
	return err < 0 ? err : os_linux.read(fd, buf, cut(err, len_bytes));
}

static ssize_t fault_pread(int fd, void *buf, size_t len_bytes, off_t offset)
{
	int err = begin(FAULT_PREAD, NULL);
	return err < 0 ? err : os_linux.pread(fd, buf, cut(err, len_bytes), offset);
}

static ssize_t fault_write(int fd, const void *buf, size_t len_bytes)
{
	int err = begin(FAULT_WRITE, NULL);
	return err < 0 ? err : os_linux.write(fd, buf, cut(err, len_bytes));
}

static int fault_fsync(int fd)
{
	int err = begin(FAULT_FSYNC, NULL);
	return err ? err : os_linux.fsync(fd);
}

static int fault_fchmod(int fd, mode_t mode)
{
	int err = begin(FAULT_FCHMOD, NULL);
	return err ? err : os_linux.fchmod(fd, mode);
}

static int fault_fchown(int fd, uid_t uid, gid_t gid)
{
	int err = begin(FAULT_FCHOWN, NULL);
	return err ? err : os_linux.fchown(fd, uid, gid);
}

static int fault_renameat(int olddir, const char *old, int newdir, const char *new_name)
{
	int err = begin(FAULT_RENAMEAT, old);
	return err ? err : os_linux.renameat(olddir, old, newdir, new_name);
}

static int fault_unlinkat(int dirfd, const char *path, int flags)
{
	int err = begin(FAULT_UNLINKAT, path);
	return err ? err : os_linux.unlinkat(dirfd, path, flags);
}

static int fault_fstatfs_type(int fd, uint64_t *ret_type)
{
	int err = begin(FAULT_FSTATFS, NULL);
	return err ? err : os_linux.fstatfs_type(fd, ret_type);
}

static int fault_getrlimit(int resource, struct rlimit *ret_limit)
{
	int err = begin(FAULT_GETRLIMIT, NULL);
	return err ? err : os_linux.getrlimit(resource, ret_limit);
}

static int fault_sched_affinity_count(void)
{
	int err = begin(FAULT_AFFINITY, NULL);
	return err ? err : os_linux.sched_affinity_count();
}

static void *fault_mmap(void *addr, size_t len_bytes, int prot, int flags, int fd, off_t offset)
{
	int err = begin(FAULT_MMAP, NULL);
	if (!err)
		return os_linux.mmap(addr, len_bytes, prot, flags, fd, offset);
	errno = -err;
	return MAP_FAILED;
}

static int fault_munmap(void *addr, size_t len_bytes)
{
	int err = begin(FAULT_MUNMAP, NULL);
	int unmapped = os_linux.munmap(addr, len_bytes);
	return err ? err : unmapped;
}

static int fault_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int err = begin(FAULT_POLL, NULL);
	return err ? err : os_linux.poll(fds, count, timeout_ms);
}

static ssize_t fault_readlinkat(int dirfd, const char *path, char *buf, size_t len_bytes)
{
	int err = begin(FAULT_READLINKAT, path);
	return err ? err : os_linux.readlinkat(dirfd, path, buf, len_bytes);
}

static const struct os_table table = {
	.openat = fault_openat,
	.openat2 = fault_openat2,
	.close = fault_close,
	.statx = fault_statx,
	.getdents = fault_getdents,
	.lseek = fault_lseek,
	.read = fault_read,
	.pread = fault_pread,
	.write = fault_write,
	.fsync = fault_fsync,
	.fchmod = fault_fchmod,
	.fchown = fault_fchown,
	.renameat = fault_renameat,
	.unlinkat = fault_unlinkat,
	.fstatfs_type = fault_fstatfs_type,
	.getrlimit = fault_getrlimit,
	.sched_affinity_count = fault_sched_affinity_count,
	.mmap = fault_mmap,
	.munmap = fault_munmap,
	.poll = fault_poll,
	.readlinkat = fault_readlinkat,
};

void fault_install(void)
{
	the_plan = (struct fault_plan){0};
	for (int i = 0; i < FAULT_CALLS; i++) {
		atomic_store(&counts[i], 0);
		watches[i] = (struct watch){0};
	}
	atomic_store(&hits, 0);
	atomic_store(&fds_peak, atomic_load(&fds_open));
	os_set_table(&table);
}

void fault_uninstall(void)
{
	os_set_table(NULL);
}

void fault_set_plan(const struct fault_plan *plan)
{
	the_plan = *plan;
}

void fault_watch(enum fault_call call, void (*watch)(void *ctx, uint64_t number, const char *path),
		 void *ctx)
{
	watches[call] = (struct watch){watch, ctx};
}

uint64_t fault_count(enum fault_call call)
{
	return atomic_load(&counts[call]);
}

uint64_t fault_hits(void)
{
	return atomic_load(&hits);
}

int fault_fds_open(void)
{
	return atomic_load(&fds_open);
}

int fault_fds_peak(void)
{
	return atomic_load(&fds_peak);
}
