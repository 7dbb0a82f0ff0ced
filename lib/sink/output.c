/* SPDX-License-Identifier: MIT */
/*
 * Where lines are written to.
 *
 * There are three kinds: a file that is written beside its name and takes the
 * name when it is complete; a FIFO or a device, which has its name already and
 * is written to as it is; and a descriptor of the caller's.
 *
 * A crash at any moment leaves under the name either the old file or the whole
 * new one: the data is on the disk (fsync) before the name changes (rename,
 * which is atomic), and the change of the name is on the disk (fsync of the
 * folder) before commit says that all is well. What a killed process may leave
 * is a file ".weir-*.tmp".
 *
 * Everything that weir_output_is_file() looks at is set before the output is
 * handed out and never changes, so it may be called from any thread.
 */
#include "base/clock.h"
#include "os/os.h"
#include "sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_BYTES ((size_t)64 << 10)

/* What the kernel follows before it says ELOOP. */
#define LINKS_MAX 40

/* Other processes may hold the same temporary name, but not this many. */
#define TEMP_TRIES 100

/* (device, inode) of a file that must not be read while this output is written. */
struct file_id {
	bool is_set;
	uint64_t device, inode;
};

struct weir_output {
	int fd;
	bool owns_fd;
	int folder_fd; /* where `name` is; -1 unless the file takes its name at the end */
	char *name;    /* the final name in the folder */
	char temp[sizeof(".weir-0123456789abcdef.tmp")]; /* "" when there is none to remove */
	struct file_id written, replaced;

	int err; /* the first error; every later call returns it */
	size_t used_bytes;
	char buf[BUF_BYTES];
};

static struct file_id file_id_of(const struct os_stat *stat)
{
	return (struct file_id){
		.is_set = S_ISREG(stat->mode),
		.device = stat->device,
		.inode = stat->inode,
	};
}

static bool file_id_is(const struct file_id *id, uint64_t device, uint64_t inode)
{
	return id->is_set && id->device == device && id->inode == inode;
}

static struct weir_output *output_alloc(void)
{
	struct weir_output *output = malloc(sizeof(*output));
	if (!output)
		return NULL;
	output->fd = output->folder_fd = -1;
	output->owns_fd = false;
	output->name = NULL;
	output->temp[0] = '\0';
	output->written = output->replaced = (struct file_id){0};
	output->err = 0;
	output->used_bytes = 0;
	return output;
}

/* The part behind the last slash. */
static const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Replaces *path, which is a link, by what it points to. */
static int path_follow(char **path, const char *target)
{
	size_t folder_len = target[0] == '/' ? 0 : (size_t)(path_name(*path) - *path);
	char *joined;

	if (asprintf(&joined, "%.*s%s", (int)folder_len, *path, target) < 0)
		return -ENOMEM;
	free(*path);
	*path = joined;
	return 0;
}

/*
 * The name at the end of a chain of links; the file itself need not exist. The
 * folders of the path are left to the kernel. The caller frees *ret_path.
 */
static int path_resolve(const char *path, char **ret_path)
{
	char target[PATH_MAX];
	char *resolved = strdup(path);
	int err = resolved ? 0 : -ENOMEM;

	for (int links = 0; !err; links++) {
		err = os_readlinkat(AT_FDCWD, resolved, target, sizeof(target));
		if (err == -EINVAL || err == -ENOENT) {
			*ret_path = resolved;
			return 0;
		}
		if (!err)
			err = links < LINKS_MAX ? path_follow(&resolved, target) : -ELOOP;
	}
	free(resolved);
	return err;
}

/* Opens the folder of a resolved path and keeps the name. */
static int open_folder(struct weir_output *output, const char *path)
{
	const char *name = path_name(path);
	if (!*name)
		return *path ? -EISDIR : -ENOENT;

	output->name = strdup(name);
	char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
	int fd = -ENOMEM;
	if (output->name && folder)
		fd = os_openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
	free(folder);
	if (fd < 0)
		return fd;
	output->folder_fd = fd;
	return 0;
}

/* Makes the temporary file. Only its owner may open it until it has the mode it is to have. */
static int open_temp(struct weir_output *output, mode_t mode)
{
	/* Unlike enough; O_EXCL is what keeps two apart. */
	uint64_t seed = clock_monotonic_ns() ^ (uint64_t)getpid() << 40;

	for (unsigned int i = 0; i < TEMP_TRIES; i++) {
		snprintf(output->temp, sizeof(output->temp), ".weir-%016" PRIx64 ".tmp", seed + i);
		int fd = os_openat(output->folder_fd, output->temp,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		if (fd >= 0) {
			output->fd = fd;
			output->owns_fd = true;
			return 0;
		}
		output->temp[0] = '\0';
		if (fd != -EEXIST)
			return fd;
	}
	return -EEXIST;
}

/* Gives the temporary file the owners, if that is allowed, and the mode of the one it replaces. */
static int take_over(struct weir_output *output, const struct os_stat *old)
{
	struct os_stat stat;
	int err = os_stat_fd(output->fd, &stat);
	if (err)
		return err;
	mode_t mode = old->mode & 0777;
	bool is_same = stat.uid == old->uid && stat.gid == old->gid;
	/* Rights that were meant for one group must not go to another. */
	if (!is_same && os_fchown(output->fd, old->uid, old->gid))
		mode &= stat.gid == old->gid ? 0777 : 0707;
	return os_fchmod(output->fd, mode);
}

/* old: the file that has the name now, or NULL. */
static int open_beside(struct weir_output *output, const char *path, const struct os_stat *old)
{
	struct os_stat now, stat;
	char *resolved = NULL;
	int err = path_resolve(path, &resolved);
	if (err)
		return err;
	err = open_folder(output, resolved);
	free(resolved);
	if (err)
		return err;

	if (old) {
		/* A link of /proc leads to files that its text does not name. */
		err = os_stat_at(output->folder_fd, output->name, 0, &now);
		if (err == -ENOENT ||
		    (!err && (now.device != old->device || now.inode != old->inode)))
			return -ESTALE;
		if (err)
			return err;
		output->replaced = file_id_of(old);
	}

	err = open_temp(output, old ? 0600 : 0666);
	if (!err && old)
		err = take_over(output, old);
	if (!err)
		err = os_stat_fd(output->fd, &stat);
	if (!err)
		output->written = file_id_of(&stat);
	return err;
}

static int open_as_it_is(struct weir_output *output, const char *path)
{
	int fd = os_openat(AT_FDCWD, path, O_WRONLY | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	output->fd = fd;
	output->owns_fd = true;
	return 0;
}

static int open_path(struct weir_output *output, const char *path)
{
	struct os_stat stat;
	int err = os_stat_at(AT_FDCWD, path, OS_STAT_FOLLOW, &stat);

	if (err == -ENOENT)
		return open_beside(output, path, NULL);
	if (err)
		return err;
	if (S_ISREG(stat.mode))
		return open_beside(output, path, &stat);
	return S_ISDIR(stat.mode) ? -EISDIR : open_as_it_is(output, path);
}

int weir_output_new_file(const char *path, struct weir_output **ret_output,
			 struct weir_error *ret_error)
{
	struct weir_output *output = output_alloc();
	int err = output ? open_path(output, path) : -ENOMEM;
	if (!err) {
		*ret_output = output;
		return 0;
	}

	weir_output_free(output);
	if (ret_error)
		*ret_error = (struct weir_error){
			.code = err,
			.op = WEIR_OP_WRITE,
			.path = path,
			.path_len_bytes = strlen(path),
			.stage = "output",
			.hint = sink_write_hint(err),
		};
	return err;
}

int weir_output_new_fd(int fd, struct weir_output **ret_output)
{
	struct os_stat stat;
	int err = os_stat_fd(fd, &stat);
	if (err)
		return err;

	struct weir_output *output = output_alloc();
	if (!output)
		return -ENOMEM;
	output->fd = fd;
	output->written = file_id_of(&stat);
	*ret_output = output;
	return 0;
}

/* Remembers the first error. */
static int output_fail(struct weir_output *output, int err)
{
	if (!output->err)
		output->err = err;
	return output->err;
}

int weir_output_flush(struct weir_output *output)
{
	if (output->err || !output->used_bytes)
		return output->err;
	int err = os_write_all(output->fd, output->buf, output->used_bytes);
	output->used_bytes = 0;
	return output_fail(output, err);
}

int weir_output_write(struct weir_output *output, const void *data, size_t len_bytes)
{
	if (output->err || !len_bytes)
		return output->err;
	if (output->fd < 0)
		return -EBADF;
	if (len_bytes > BUF_BYTES - output->used_bytes && weir_output_flush(output))
		return output->err;
	if (len_bytes >= BUF_BYTES)
		return output_fail(output, os_write_all(output->fd, data, len_bytes));
	memcpy(output->buf + output->used_bytes, data, len_bytes);
	output->used_bytes += len_bytes;
	return 0;
}

/* Some file systems cannot sync a folder; then there is nothing to wait for. */
static int sync_folder(int fd)
{
	int err = os_fsync(fd);
	return err == -EINVAL || err == -EOPNOTSUPP ? 0 : err;
}

static int publish(struct weir_output *output)
{
	int err = os_fsync(output->fd);
	if (err)
		return err;

	err = os_close(output->fd);
	output->fd = -1;
	output->owns_fd = false;
	if (err && err != -EINTR)
		return err;

	err = os_renameat(output->folder_fd, output->temp, output->folder_fd, output->name);
	if (err)
		return err;
	output->temp[0] = '\0';
	return sync_folder(output->folder_fd);
}

int weir_output_commit(struct weir_output *output)
{
	int err = weir_output_flush(output);
	if (err || !output->temp[0])
		return err;
	return output_fail(output, publish(output));
}

void weir_output_discard(struct weir_output *output)
{
	if (output && output->temp[0])
		os_unlinkat(output->folder_fd, output->temp, 0);
}

void weir_output_free(struct weir_output *output)
{
	if (!output)
		return;
	if (output->owns_fd)
		os_close(output->fd);
	if (output->temp[0])
		os_unlinkat(output->folder_fd, output->temp, 0);
	if (output->folder_fd >= 0)
		os_close(output->folder_fd);
	free(output->name);
	free(output);
}

bool weir_output_is_file(const struct weir_output *output, uint64_t device, uint64_t inode)
{
	return file_id_is(&output->written, device, inode) ||
	       file_id_is(&output->replaced, device, inode);
}
