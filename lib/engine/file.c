/* SPDX-License-Identifier: MIT */
/*
 * A file in work.
 *
 * Whether it changed. The stat after opening and the one after the last byte
 * must be the same in size, mtime and ctime. That is only worth something if a
 * change in between would have moved a time stamp, and kernels stamp with a
 * clock that ticks every 1 to 10 ms (since Linux 6.13 finer, once a stat has
 * been seen). So a file whose ctime is that young is left alone until it is
 * not. Some file systems keep whole seconds (ext4 with small inodes) or two
 * (FAT); they are known by times without a fraction.
 */
#include "engine/file.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TICK_NS (20 * (int64_t)NS_PER_MS)
#define COARSE_TICK_NS (2 * (int64_t)NS_PER_S)
/* A file that is still being written to after so many waits is reported as changed. */
#define SETTLE_TRIES 5
#define NAP_NS (20 * (int64_t)NS_PER_MS)
#define STREAM_POLL_MS 100

/* File systems that the kernel makes up, whose sizes and times say nothing. */
static const uint64_t made_up[] = {
	PROC_SUPER_MAGIC,   SYSFS_MAGIC,
	DEBUGFS_MAGIC,      TRACEFS_MAGIC,
	CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
	SECURITYFS_MAGIC,   BPF_FS_MAGIC,
	PSTOREFS_MAGIC,     EFIVARFS_MAGIC,
	BINFMTFS_MAGIC,     SELINUX_MAGIC,
	NSFS_MAGIC,         0x62656570 /* configfs */,
};

static bool is_made_up(int fd)
{
	uint64_t type;
	if (os_fs_type(fd, &type))
		return false;
	for (size_t i = 0; i < sizeof(made_up) / sizeof(made_up[0]); i++)
		if (type == made_up[i])
			return true;
	return false;
}

int file_fail(struct file *file, enum weir_op op, int err, uint64_t offset_bytes, const char *stage,
	      const char *hint)
{
	if (!hint)
		hint = result_hint(op, err,
				   !(file->result->flags & WALK_EXPLICIT) &&
					   !file->result->record.expected);
	result_fail(file->result, op, err, offset_bytes, stage, hint);
	return err;
}

/* How long the file must be left alone before its stat can be trusted to move; 0: not at all. */
static int64_t settle_ns(const struct os_stat *st)
{
	bool is_coarse =
		st->ctime_ns % (int64_t)NS_PER_S == 0 && st->mtime_ns % (int64_t)NS_PER_S == 0;
	int64_t tick_ns = is_coarse ? COARSE_TICK_NS : TICK_NS;
	int64_t age_ns = clock_realtime_coarse_ns() - st->ctime_ns;
	/* A time in the future is another clock's, and tells nothing. */
	return age_ns < 0 || age_ns >= tick_ns ? 0 : tick_ns - age_ns;
}

static void nap(const struct file *file, int64_t wait_ns)
{
	while (wait_ns > 0 && !job_is_cancelled(file->job)) {
		struct timespec time = {.tv_nsec = wait_ns < NAP_NS ? wait_ns : NAP_NS};
		nanosleep(&time, NULL);
		wait_ns -= time.tv_nsec;
	}
}

/* Waits until the stat would move with the next change, and takes it again. */
static int settle(struct file *file)
{
	for (int tries = 0;; tries++) {
		int64_t wait_ns = settle_ns(&file->before);
		if (!wait_ns || is_made_up(file->fd))
			return 0;
		if (tries == SETTLE_TRIES) {
			count_add(&file->worker->counters.changed, 1);
			return file_fail(file, WEIR_OP_COMPARE, -ESTALE, UINT64_MAX, NULL,
					 "it is being written to");
		}
		nap(file, wait_ns);
		int64_t ctime_ns = file->before.ctime_ns;
		int err = os_stat_fd(file->fd, &file->before);
		if (err)
			return file_fail(file, WEIR_OP_STAT, err, UINT64_MAX, NULL, NULL);
		if (file->before.ctime_ns == ctime_ns)
			return 0;
	}
}

/* Looks at what has been opened and decides how it is read. */
static int examine(struct file *file)
{
	const struct result *result = file->result;
	int err = os_stat_fd(file->fd, &file->before);
	if (err)
		return file_fail(file, WEIR_OP_STAT, err, UINT64_MAX, NULL, NULL);

	uint32_t mode = file->before.mode;
	if (S_ISDIR(mode))
		return file_fail(file, WEIR_OP_OPEN, -EISDIR, UINT64_MAX, NULL, NULL);
	if (!S_ISREG(mode)) {
		file->is_stream = !S_ISBLK(mode);
		if (result->flags & (WALK_EXPLICIT | WALK_STDIN))
			return 0;
		return file_fail(file, WEIR_OP_OPEN, -EINVAL, UINT64_MAX, NULL,
				 "not a regular file");
	}
	err = settle(file);
	file->is_stream = result->flags & WALK_STDIN;
	file->is_sized = file->before.size_bytes > 0 && !file->is_stream;
	return err;
}

int file_open(struct file *file)
{
	struct result *result = file->result;
	file->fd = 0;
	file->is_stdin = result->flags & WALK_STDIN;
	if (!file->is_stdin) {
		int flags = result->flags & (WALK_EXPLICIT | WALK_FOLLOW) ? FDPOOL_FOLLOW : 0;
		int err = fdpool_open_file(&file->job->pool, result->folder, result->name, flags,
					   &file->fd);
		if (err)
			return file_fail(file, WEIR_OP_OPEN, err, UINT64_MAX, NULL, NULL);
	}
	int err = examine(file);
	if (err) {
		file_close(file);
		return err;
	}
	bool may_have_holes =
		file->is_sized && file->before.allocated_bytes < file->before.size_bytes;
	uint64_t size_bytes = file->is_sized ? file->before.size_bytes : UINT64_MAX;
	if (result->flags & WALK_AGAIN)
		size_bytes = 0;
	plan_init(&file->plan, file->fd, size_bytes, may_have_holes);
	return 0;
}

void file_close(struct file *file)
{
	/* The result may be another worker's by now. */
	if (!file->is_stdin)
		fdpool_close_file(&file->job->pool, file->fd);
}

static const char *what_changed(const struct file *file, const struct os_stat *after)
{
	const struct os_stat *before = &file->before;
	if (after->size_bytes > before->size_bytes)
		return "it grew";
	if (after->size_bytes < before->size_bytes)
		return "it shrank";
	if (after->mtime_ns != before->mtime_ns)
		return "it was written to";
	if (after->ctime_ns != before->ctime_ns)
		return "it was written to, or its names or permissions changed";
	if (file->is_sized && file->done_bytes != before->size_bytes)
		return "it has more or less data than its size says";
	return NULL;
}

int file_compare(struct file *file)
{
	if (!S_ISREG(file->before.mode))
		return 0;
	struct os_stat after;
	int err = os_stat_fd(file->fd, &after);
	if (err)
		return file_fail(file, WEIR_OP_STAT, err, UINT64_MAX, NULL, NULL);
	const char *change = what_changed(file, &after);
	if (!change || is_made_up(file->fd))
		return 0;
	count_add(&file->worker->counters.changed, 1);
	return file_fail(file, WEIR_OP_COMPARE, -ESTALE, UINT64_MAX, NULL, change);
}

/*
 * Before its first byte a FIFO is waited for, since a read finds "the end" while
 * nobody has opened the other side; an anonymous pipe (/dev/fd/63) may really be
 * at its end then, and poll() would never say so.
 */
static bool must_wait_first(const struct file *file)
{
	uint64_t type;
	if (file->is_begun)
		return false;
	if (file->result->flags & WALK_STDIN)
		return true;
	return S_ISFIFO(file->before.mode) &&
	       !(os_fs_type(file->fd, &type) == 0 && type == PIPEFS_MAGIC);
}

int file_wait_stream(struct file *file)
{
	bool wait = must_wait_first(file) || file->is_begun;
	while (wait) {
		if (job_is_cancelled(file->job))
			return -ECANCELED;
		int ready = os_wait_readable(file->fd, STREAM_POLL_MS);
		/* When nothing came for a while, a read tells the end from a pause. */
		if (ready || (file->is_begun && !(file->result->flags & WALK_STDIN)))
			return ready < 0 ? ready : 0;
	}
	return 0;
}
