/* SPDX-License-Identifier: MIT */
/* What the parts of the engine share. Private to lib/engine. */
#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include "base/thread.h"
#include "chunk/chunk.h"
#include "engine/links.h"
#include "gate/gate.h"
#include "open/fdpool.h"
#include "read/read.h"
#include "sink/order.h"
#include "stage/stage.h"
#include "walk/walk.h"

#include <stdatomic.h>
#include <weir/job.h>

/* Counters that their worker alone writes; anybody may read them. */
struct worker_counters {
	atomic_ullong read_bytes, hole_bytes, reads;
	atomic_ullong hardlinks, changed, own_outputs;
};

struct worker {
	_Alignas(128) struct worker_counters counters; /* a cache line pair of its own */
	struct weir_job *job;
	struct thread thread;
	struct reader *reader;
	struct chain *chain;

	size_t batch_max;        /* how many entries it takes at once */
	struct walk_batch batch; /* without a block: none */
	size_t batch_next;       /* the first entry that has no result yet */
	uint64_t batch_start_bytes;
	struct result *in_hand; /* to be read or put, by ascending seq, linked by next */
};

struct weir_job {
	struct weir_source *source;
	struct weir_sink *sink;
	struct weir_job_options options;
	struct weir_limits limits; /* resolved */

	struct fdpool pool;
	struct gate gate;
	struct limiter limiter;
	struct bufpool buffers;
	struct walk *walk;
	struct order order;
	struct links links;
	struct worker *workers;

	uint32_t fds_before; /* open when the job was made */
	size_t piece_bytes;  /* of one read, at most a buffer */
	uint64_t start_ns;

	atomic_bool is_cancelled; /* set from anywhere, also a signal handler */
	atomic_ullong files_done, files_failed, errors;

	struct mutex lock;
	struct cond ended;
	uint32_t workers_started, workers_running;
	bool is_awake; /* everybody has been told of the cancelling */
	bool is_ended;
	int result; /* when it is */
	uint64_t end_ns;
	struct weir_error error; /* what ended it early */
};

static inline bool job_is_cancelled(const struct weir_job *job)
{
	return atomic_load_explicit(&job->is_cancelled, memory_order_relaxed);
}

static inline void count_add(atomic_ullong *counter, uint64_t more)
{
	/* One writer: a load and a store, no locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

/* Ends the job with this error, unless it has one; wakes everybody. */
void job_fail(struct weir_job *job, const struct weir_error *error);

/* A worker's thread. */
void worker_run(void *arg);

/* Called by the last worker. */
void job_end(struct weir_job *job);

#endif
