/* SPDX-License-Identifier: MIT */
/*
 * The bounds of a job. Zero means: derive it from the machine.
 */
#ifndef WEIR_LIMITS_H
#define WEIR_LIMITS_H

#include <weir/common.h>

WEIR_BEGIN_DECLS

struct weir_limits {
	size_t size;

	/*
	 * Threads that read and process. Default: the processors that this
	 * process may run on (its affinity, and its cgroup's cpu.max rounded
	 * up), at least 1. Beside them a job runs `walkers` threads.
	 */
	uint32_t jobs;

	/* Threads that read folders. Default: 2, or 1 when jobs is 1. */
	uint32_t walkers;

	/*
	 * Descriptors that the whole process may have open while the job runs,
	 * those that it had before included. Default and upper bound: the soft
	 * RLIMIT_NOFILE, less a reserve of 8 for what the job does not open.
	 */
	uint32_t max_fds;

	/*
	 * Memory for buffers, for names that were found and not yet read, and
	 * for results that wait for their turn. Default: an eighth of what is
	 * free (MemAvailable, or what the cgroup's memory.max leaves), within
	 * [32 MiB, 1 GiB]. What is not counted is fixed: code, stacks, and some
	 * KiB for each thread and open folder.
	 */
	uint64_t max_memory_bytes;

	/* Bytes read per second. Default: no limit. */
	uint64_t rate_bytes_per_s;
};

/*
 * Fills every zero member of *limits from the machine and lowers the others to
 * what is possible. Returns 0, or -EINVAL when limits->size is not that of a
 * known version or max_memory_bytes is below 1 MiB. (That too few descriptors
 * are left is seen when a job is made.)
 */
WEIR_API int weir_limits_resolve(struct weir_limits *limits);

WEIR_END_DECLS
#endif
