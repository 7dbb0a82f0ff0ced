/* SPDX-License-Identifier: MIT */
/*
 * A snapshot of a job's counters. All grow only, but for the levels.
 */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

#include <weir/common.h>

WEIR_BEGIN_DECLS

struct weir_stats {
	size_t size;

	uint64_t elapsed_ns; /* since the start of the job; stops when it ends */

	/* What was found. */
	uint64_t files_found; /* to be read; grows while walk_done is false */
	uint64_t folders_found;
	uint64_t skipped_links, skipped_special; /* symbolic links; FIFOs, sockets, devices */
	uint64_t skipped_filtered;               /* by glob or size */
	uint64_t skipped_other; /* folders on other file systems; the job's own outputs */
	bool walk_done;

	/* What became of it. */
	uint64_t files_done; /* whose result has been handed to the sink, failed ones included */
	uint64_t files_failed;
	uint64_t files_changed;   /* of those, because the file changed while it was read */
	uint64_t files_hardlinks; /* taken over from another name, not read again */
	uint64_t errors;          /* failed files and all other error records */

	/* Bytes. */
	uint64_t read_bytes;   /* that read calls returned */
	uint64_t hole_bytes;   /* of holes: processed as zeros, not read */
	uint64_t reads, opens; /* system calls */
	uint64_t rate_wait_ns, gate_wait_ns, fd_wait_ns; /* summed over threads */

	/* Levels: now, at most so far, and the bound. fds: the whole process's, as known. */
	uint64_t fds, fds_peak, fds_max;
	uint64_t inflight_bytes, inflight_peak_bytes, inflight_max_bytes;
	uint64_t threads, threads_peak;
	uint64_t memory_max_bytes;
	uint32_t jobs;
};

WEIR_END_DECLS
#endif
