/* SPDX-License-Identifier: MIT */
/*
 * A job: one source, read within limits, through stages, into one sink.
 *
 *	job_new -> job_start -> job_wait ... -> job_free
 *
 * Thread safety: weir_job_cancel() and weir_job_stats() may be called from any
 * thread at any time between new and free; the others belong to one thread.
 * weir_job_cancel() is also safe in a signal handler.
 */
#ifndef WEIR_JOB_H
#define WEIR_JOB_H

#include <weir/common.h>
#include <weir/error.h>
#include <weir/limits.h>
#include <weir/sink.h>
#include <weir/source.h>
#include <weir/stage.h>
#include <weir/stats.h>

WEIR_BEGIN_DECLS

struct weir_job;

struct weir_job_options {
	size_t size;
	const struct weir_limits *limits; /* copied; NULL: all defaults */
	uint32_t digests;                 /* set of digests for files that no manifest lists */
	const struct weir_stage *const *stages; /* run after the digests; borrowed like source */
	size_t stages_count;
	bool unordered;            /* records reach the sink as files are done */
	bool keep_hardlinks_apart; /* read every name of a file with several */
	/* An output that is left out when it is met in a walk, or NULL. */
	const struct weir_output *own_output;
};

/*
 * Borrows source and sink until weir_job_free(). Returns 0; -EINVAL; -ENOMEM;
 * -EMFILE when too few descriptors are left; -EOPNOTSUPP for a digest that
 * this build lacks. ret_error (may be NULL) then says more.
 */
WEIR_API int weir_job_new(struct weir_source *source, struct weir_sink *sink,
			  const struct weir_job_options *options, struct weir_job **ret_job,
			  struct weir_error *ret_error);

/* Starts the threads. They block all signals, so the caller's handlers run in its own threads. */
WEIR_API int weir_job_start(struct weir_job *job);

/*
 * Waits for the end, timeout_ns at most. Returns 1 if it has not come; otherwise
 * the job's result: 0, also when single files failed (weir_stats counts them);
 * -ECANCELED; or the error of the sink or of the machine that ended it, which
 * weir_job_error() explains.
 */
WEIR_API int weir_job_wait(struct weir_job *job, uint64_t timeout_ns);

/* start and wait in one. */
WEIR_API int weir_job_run(struct weir_job *job);

/*
 * Asks the job to end: no new file is begun, files in work are given up at
 * their next chunk, and the sink is abandoned. Does not wait: threads that
 * sleep are woken by weir_job_wait() or weir_job_free(), within 50 ms.
 */
WEIR_API void weir_job_cancel(struct weir_job *job);

/* What ended the job; code 0 if nothing did. Valid after weir_job_wait() until weir_job_free(). */
WEIR_API const struct weir_error *weir_job_error(const struct weir_job *job);

/* Fills *stats, whose size member the caller has set. */
WEIR_API void weir_job_stats(const struct weir_job *job, struct weir_stats *stats);

/* Cancels and waits for what still runs. Takes NULL. */
WEIR_API void weir_job_free(struct weir_job *job);

WEIR_END_DECLS
#endif
