/* SPDX-License-Identifier: MIT */
/*
 * The life of a job.
 *
 *	new    resolves the limits and divides them; nothing runs yet
 *	start  threads: walkers, then workers
 *	end    the last worker to leave finishes or abandons the sink
 *	free   in the order in which the parts rest on each other
 *
 * Cancelling sets a flag, which is all that a signal handler may do. Whoever
 * works sees the flag at its next file, extent or read; who sleeps is woken by
 * job_wake(), which job_wait() calls when it finds the flag set.
 */
#include "base/clock.h"
#include "base/opts.h"
#include "engine/engine.h"
#include "os/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

/* How soon job_wait() sees that the job was cancelled. */
#define WAKE_NS (50 * NS_PER_MS)
#define BUFFER_BYTES ((size_t)256 << 10)
#define BUFFER_MIN_BYTES ((size_t)16 << 10)
#define PIECE_MIN_BYTES 4096

/* The memory bound, divided. */
struct shares {
	uint64_t gate, walk, order, links;
};

static struct shares divide(uint64_t bytes)
{
	return (struct shares){bytes / 2, bytes / 4, bytes / 8, bytes / 8};
}

static void wake(struct weir_job *job)
{
	walk_cancel(job->walk);
	fdpool_cancel(&job->pool);
	gate_cancel(&job->gate);
	limiter_cancel(&job->limiter);
	order_cancel(&job->order);
}

/* Tells everybody, once, that the job is cancelled. */
static void job_wake(struct weir_job *job)
{
	mutex_lock(&job->lock);
	bool is_first = !job->is_awake;
	job->is_awake = true;
	mutex_unlock(&job->lock);
	if (is_first)
		wake(job);
}

void weir_job_cancel(struct weir_job *job)
{
	atomic_store(&job->is_cancelled, true);
}

void job_fail(struct weir_job *job, const struct weir_error *error)
{
	mutex_lock(&job->lock);
	if (!job->error.code)
		job->error = *error;
	mutex_unlock(&job->lock);
	weir_job_cancel(job);
	job_wake(job);
}

static int set_error(struct weir_error *ret_error, int err, enum weir_op op, const char *stage,
		     const char *hint)
{
	if (ret_error)
		*ret_error =
			(struct weir_error){.code = err, .op = op, .stage = stage, .hint = hint};
	return err;
}

static void emit_record(struct weir_job *job, const struct result *result)
{
	const struct weir_error *error = result->record.is_excused ? NULL : result->record.error;
	if (error)
		atomic_fetch_add_explicit(&job->errors, 1, memory_order_relaxed);
	if (error && result->is_counted)
		atomic_fetch_add_explicit(&job->files_failed, 1, memory_order_relaxed);
	if (result->is_counted && !result->is_silent && !result->record.is_excused)
		atomic_fetch_add_explicit(&job->files_done, 1, memory_order_relaxed);
}

static int job_emit(void *ctx, struct order_item *item)
{
	struct weir_job *job = ctx;
	struct result *result = (struct result *)(void *)item;
	int err = result->is_silent ? 0 : job->sink->put(job->sink, &result->record);
	if (!err)
		emit_record(job, result);
	result_free(result);
	return err;
}

static void job_drop(void *ctx, struct order_item *item)
{
	(void)ctx;
	result_free((struct result *)(void *)item);
}

/* The slots of the pool: the bound, less what is open, less the spare one. */
static int divide_fds(struct weir_job *job, uint32_t *ret_slots)
{
	int open_now = os_count_fds();
	/* Without /proc: the three standard ones, and as many again to be safe. */
	job->fds_before = open_now >= 0 ? (uint32_t)open_now : 6;
	if (job->limits.max_fds < job->fds_before + 2)
		return -EMFILE;
	*ret_slots = job->limits.max_fds - job->fds_before - 1;
	return 0;
}

/* The size of buffers: smaller when the workers' would not fit into the gate. */
static size_t buffer_bytes(uint64_t gate_bytes, uint32_t jobs)
{
	size_t bytes = BUFFER_BYTES;
	while (bytes > BUFFER_MIN_BYTES && (uint64_t)bytes * jobs > gate_bytes)
		bytes /= 2;
	return bytes;
}

/* One read is at most what a tenth of a second allows. */
static size_t piece_bytes(size_t buffer, uint64_t rate_bytes_per_s)
{
	uint64_t piece = rate_bytes_per_s / 10 & ~(uint64_t)(PIECE_MIN_BYTES - 1);
	if (!rate_bytes_per_s || piece > buffer)
		return buffer;
	return piece < PIECE_MIN_BYTES ? PIECE_MIN_BYTES : (size_t)piece;
}

static int worker_init(struct worker *worker, struct weir_job *job)
{
	worker->job = job;
	worker->batch_max = 1;
	int err = reader_new(READER_SYNC, &worker->reader);
	if (!err)
		err = chain_new(job->options.stages, job->options.stages_count, &worker->chain);
	return err;
}

static int init_parts(struct weir_job *job, struct weir_error *ret_error)
{
	uint32_t slots;
	int err = divide_fds(job, &slots);
	if (err)
		return set_error(ret_error, err, WEIR_OP_START, NULL,
				 "too few descriptors are left; raise ulimit -n or --max-fds");
	struct shares shares = divide(job->limits.max_memory_bytes);
	size_t buffer = buffer_bytes(shares.gate, job->limits.jobs);
	job->piece_bytes = piece_bytes(buffer, job->limits.rate_bytes_per_s);

	fdpool_init(&job->pool, slots);
	gate_init(&job->gate, shares.gate);
	limiter_init(&job->limiter, job->limits.rate_bytes_per_s, job->piece_bytes);
	mutex_init(&job->lock);
	cond_init(&job->ended);
	err = bufpool_init(&job->buffers, buffer);
	if (!err)
		err = order_init(&job->order, &(struct order_options){
						      .bytes_max = shares.order,
						      .is_unordered = job->options.unordered,
						      .emit = job_emit,
						      .drop = job_drop,
						      .ctx = job,
					      });
	if (!err)
		err = links_init(&job->links, shares.links);
	if (!err)
		err = walk_new(job->source, &job->pool,
			       &(struct walk_limits){job->limits.walkers, shares.walk}, &job->walk);
	for (uint32_t i = 0; !err && i < job->limits.jobs; i++)
		err = worker_init(&job->workers[i], job);
	return err ? set_error(ret_error, err, WEIR_OP_START, NULL, NULL) : 0;
}

static int check_options(struct weir_job *job, struct weir_error *ret_error)
{
	struct weir_limits *limits = &job->limits;
	int err = opts_copy(limits, sizeof(*limits), job->options.limits);
	if (err)
		return set_error(ret_error, err, WEIR_OP_START, NULL,
				 "the struct weir_limits is of another version");
	limits->size = sizeof(*limits);
	err = weir_limits_resolve(limits);
	if (err)
		return set_error(ret_error, err, WEIR_OP_START, NULL,
				 "the memory bound must be at least 1 MiB");
	enum weir_digest_id missing = WEIR_DIGEST_COUNT;
	err = digest_set_check(job->options.digests, &missing);
	if (err)
		return set_error(ret_error, err, WEIR_OP_START, weir_digest_name(missing),
				 "this build or this system's policy does not have the digest");
	return 0;
}

int weir_job_new(struct weir_source *source, struct weir_sink *sink,
		 const struct weir_job_options *options, struct weir_job **ret_job,
		 struct weir_error *ret_error)
{
	struct weir_job *job = calloc(1, sizeof(*job));
	if (!job)
		return set_error(ret_error, -ENOMEM, WEIR_OP_START, NULL, NULL);
	job->source = source;
	job->sink = sink;
	int err = opts_copy(&job->options, sizeof(job->options), options);
	if (err)
		set_error(ret_error, err, WEIR_OP_START, NULL,
			  "the struct weir_job_options is of another version");
	else
		err = check_options(job, ret_error);
	if (err) {
		free(job);
		return err;
	}
	size_t workers_bytes = job->limits.jobs * sizeof(struct worker);
	job->workers = aligned_alloc(_Alignof(struct worker), workers_bytes);
	if (!job->workers) {
		free(job);
		return set_error(ret_error, -ENOMEM, WEIR_OP_START, NULL, NULL);
	}
	memset((void *)job->workers, 0, workers_bytes);
	err = init_parts(job, ret_error);
	if (err) {
		weir_job_free(job);
		return err;
	}
	*ret_job = job;
	return 0;
}

/* Under the lock, so that no worker ends the job while others are still being started. */
static int start_workers(struct weir_job *job)
{
	int err = 0;
	mutex_lock(&job->lock);
	for (uint32_t i = 0; i < job->limits.jobs && !err; i++) {
		err = thread_start(&job->workers[i].thread, "weir-work", worker_run,
				   &job->workers[i]);
		if (!err) {
			job->workers_started++;
			job->workers_running++;
		}
	}
	mutex_unlock(&job->lock);
	return job->workers_started ? 0 : err;
}

int weir_job_start(struct weir_job *job)
{
	mutex_lock(&job->lock);
	job->start_ns = clock_monotonic_ns();
	mutex_unlock(&job->lock);
	int err = walk_start(job->walk);
	if (!err)
		err = start_workers(job);
	if (err) {
		job_fail(job,
			 &(struct weir_error){
				 .code = err,
				 .op = WEIR_OP_START,
				 .hint = "no thread could be started; see ulimit -u and pids.max",
			 });
		job_end(job);
	}
	return err;
}

void job_end(struct weir_job *job)
{
	int err = 0;
	/* Once: who cancels now is too late, and the result says what the sink was told. */
	bool is_cut_short = job_is_cancelled(job);
	if (is_cut_short) {
		if (job->sink->abandon)
			job->sink->abandon(job->sink);
	} else if (job->sink->finish) {
		err = job->sink->finish(job->sink);
	}
	if (err)
		job_fail(job, &(struct weir_error){
				      .code = err, .op = WEIR_OP_WRITE, .stage = job->sink->name});
	mutex_lock(&job->lock);
	job->is_ended = true;
	job->result = job->error.code ? job->error.code : is_cut_short ? -ECANCELED : 0;
	job->end_ns = clock_monotonic_ns();
	cond_broadcast(&job->ended);
	mutex_unlock(&job->lock);
}

int weir_job_wait(struct weir_job *job, uint64_t timeout_ns)
{
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t deadline_ns = timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns : UINT64_MAX;
	mutex_lock(&job->lock);
	while (!job->is_ended && now_ns < deadline_ns) {
		if (job_is_cancelled(job) && !job->is_awake) {
			mutex_unlock(&job->lock);
			job_wake(job);
			mutex_lock(&job->lock);
			continue;
		}
		uint64_t until_ns = now_ns + WAKE_NS < deadline_ns ? now_ns + WAKE_NS : deadline_ns;
		cond_wait_until(&job->ended, &job->lock, until_ns);
		now_ns = clock_monotonic_ns();
	}
	int err = job->is_ended ? job->result : 1;
	mutex_unlock(&job->lock);
	return err;
}

int weir_job_run(struct weir_job *job)
{
	int err = weir_job_start(job);
	return err ? err : weir_job_wait(job, WEIR_FOREVER_NS);
}

const char *weir_version(void)
{
	return WEIR_VERSION;
}

const struct weir_error *weir_job_error(const struct weir_job *job)
{
	return &job->error;
}

void weir_job_free(struct weir_job *job)
{
	if (!job)
		return;
	weir_job_cancel(job);
	if (job->walk && job->order.ring)
		job_wake(job);
	for (uint32_t i = 0; i < job->workers_started; i++)
		thread_join(&job->workers[i].thread);
	for (uint32_t i = 0; i < job->limits.jobs; i++) {
		chain_free(job->workers[i].chain);
		reader_free(job->workers[i].reader);
	}
	order_release(&job->order);
	links_release(&job->links, &job->pool);
	walk_free(job->walk);
	bufpool_release(&job->buffers);
	if (job->pool.slots) {
		cond_release(&job->ended);
		mutex_release(&job->lock);
		limiter_release(&job->limiter);
		gate_release_all(&job->gate);
		fdpool_release(&job->pool);
	}
	free(job->workers);
	free(job);
}
