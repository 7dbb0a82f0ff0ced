/* SPDX-License-Identifier: MIT */
/* A snapshot of a job, put together from the counters of its parts. */
#include "base/clock.h"
#include "engine/engine.h"

#include <string.h>

static uint64_t load(const atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_workers(const struct weir_job *job, struct weir_stats *stats)
{
	for (uint32_t i = 0; i < job->limits.jobs; i++) {
		const struct worker_counters *c = &job->workers[i].counters;
		stats->read_bytes += load(&c->read_bytes);
		stats->hole_bytes += load(&c->hole_bytes);
		stats->reads += load(&c->reads);
		stats->files_hardlinks += load(&c->hardlinks);
		stats->files_changed += load(&c->changed);
		stats->skipped_other += load(&c->own_outputs);
	}
}

static void add_bounds(struct weir_job *job, struct weir_stats *stats)
{
	struct fdpool_stats fds = fdpool_stats(&job->pool);
	stats->fds = job->fds_before + fds.used;
	stats->fds_peak = job->fds_before + fds.peak;
	stats->fds_max = job->limits.max_fds;
	stats->opens = fds.opens;
	stats->fd_wait_ns = fds.wait_ns;

	struct gate_stats gate = gate_stats(&job->gate);
	stats->inflight_bytes = gate.used;
	stats->inflight_peak_bytes = gate.peak;
	stats->inflight_max_bytes = gate.whole;
	stats->gate_wait_ns = gate.wait_ns;
	stats->rate_wait_ns = limiter_wait_total_ns(&job->limiter);
	stats->memory_max_bytes = job->limits.max_memory_bytes;
}

void weir_job_stats(const struct weir_job *const_job, struct weir_stats *ret_stats)
{
	/* Locks are taken, so it is not const; the caller need not know. */
	struct weir_job *job = (struct weir_job *)(uintptr_t)const_job;
	struct weir_stats stats = {.size = ret_stats->size, .jobs = job->limits.jobs};

	walk_stats(job->walk, &stats);
	add_workers(job, &stats);
	add_bounds(job, &stats);
	stats.files_done = load(&job->files_done);
	stats.files_failed = load(&job->files_failed);
	stats.errors = load(&job->errors);

	mutex_lock(&job->lock);
	if (job->start_ns)
		stats.elapsed_ns =
			(job->is_ended ? job->end_ns : clock_monotonic_ns()) - job->start_ns;
	stats.threads = job->workers_running + (stats.walk_done ? 0 : job->limits.walkers) + 1;
	stats.threads_peak = job->workers_started + job->limits.walkers + 1;
	mutex_unlock(&job->lock);

	size_t size = ret_stats->size < sizeof(stats) ? ret_stats->size : sizeof(stats);
	memcpy(ret_stats, &stats, size);
}
