/* SPDX-License-Identifier: MIT */
/*
 * A worker: the flow, from a name to a record.
 *
 *	walk -> open -> gate -> read -> chunk -> stage -> sink
 *
 *	worker_run       takes entries from the walk, in batches
 *	  process        one entry: makes its result and sees it to the sink
 *	    read_entry     opens the file; a name of a file already read is done here
 *	      read_file      extent by extent, then compares and ends the stages
 *	        read_extent    holds a ticket; read after read
 *	          pass_chunk     through the stages
 *
 * Waits are ordered: entry, descriptor, ticket, then nothing but time; see
 * "Who waits for what" in docs/architecture.md. Every failure of a file ends in
 * its result. What is returned upwards is 0, or an error that has been put there
 * already, or -ECANCELED, for which nobody is waiting.
 */
#include "engine/file.h"

#include <errno.h>
#include <string.h>

/* A batch is doubled while its files are small, up to this, and cut to 1 when they are not. */
#define BATCH_MAX 64
#define SMALL_FILE_BYTES (UINT64_C(64) << 10)

static int stage_failed(struct file *file, int err)
{
	return file_fail(file, WEIR_OP_PROCESS, err, file->done_bytes,
			 chain_failed_stage(file->worker->chain), NULL);
}

static int pass_chunk(struct file *file, const void *data, size_t len_bytes, bool is_hole)
{
	struct weir_chunk chunk = {
		.data = data,
		.len_bytes = len_bytes,
		.offset_bytes = file->done_bytes,
		.is_hole = is_hole,
	};
	int err = chain_chunk(file->worker->chain, &chunk);
	if (err)
		return stage_failed(file, err);
	file->done_bytes += len_bytes;
	return 0;
}

/* The zeros of a hole, without reading them. */
static int pass_hole(struct file *file, const struct extent *extent)
{
	const struct bufpool *buffers = &file->job->buffers;
	uint64_t left = extent->len_bytes;
	int err = 0;
	while (left && !err) {
		size_t len = left < buffers->buffer_bytes ? (size_t)left : buffers->buffer_bytes;
		if (job_is_cancelled(file->job))
			return -ECANCELED;
		err = pass_chunk(file, buffers->zeros, len, true);
		left -= len;
	}
	count_add(&file->worker->counters.hole_bytes, extent->len_bytes - left);
	return err;
}

/* Waits for the rate, if there is one. What is not known before is paid for afterwards. */
static int pay(struct file *file, uint64_t bytes)
{
	if (!file->job->limits.rate_bytes_per_s || !bytes)
		return 0;
	return limiter_wait(&file->job->limiter, bytes);
}

/* One read of len bytes at most. *ret_len is less only at the end, or in a stream. */
static int read_piece(struct file *file, void *buffer, size_t len_bytes, size_t *ret_len)
{
	struct worker *worker = file->worker;
	struct read_request request = {
		.fd = file->fd,
		.is_stream = file->is_stream,
		.offset_bytes = file->done_bytes,
		.buf = buffer,
		.len_bytes = len_bytes,
	};
	int err = file->is_sized ? pay(file, len_bytes) : 0;
	if (err)
		return err;
	do {
		if (job_is_cancelled(file->job))
			return -ECANCELED;
		if (file->is_stream && (err = file_wait_stream(file)))
			return err == -ECANCELED ? err
						 : file_fail(file, WEIR_OP_READ, err,
							     file->done_bytes, NULL, NULL);
		reader_submit(worker->reader, &request);
		reader_reap(worker->reader);
		file->is_begun = true;
		count_add(&worker->counters.reads, request.calls);
	} while (file->is_stream && request.err == -EAGAIN);

	count_add(&worker->counters.read_bytes, request.done_bytes);
	if (request.err)
		return file_fail(file, WEIR_OP_READ, request.err,
				 file->done_bytes + request.done_bytes, NULL, NULL);
	*ret_len = request.done_bytes;
	return file->is_sized ? 0 : pay(file, request.done_bytes);
}

static int read_pieces(struct file *file, const struct extent *extent, void *buffer)
{
	uint64_t left = extent->len_bytes;
	while (left) {
		size_t want = left < file->job->piece_bytes ? (size_t)left : file->job->piece_bytes;
		size_t len = 0;
		int err = read_piece(file, buffer, want, &len);
		if (!err && len)
			err = pass_chunk(file, buffer, len, false);
		if (err)
			return err;
		left -= len;
		if (file->is_stream ? len == 0 : len < want) {
			plan_end(&file->plan);
			return 0;
		}
	}
	return 0;
}

static int read_extent(struct file *file, const struct extent *extent)
{
	struct weir_job *job = file->job;
	uint64_t ticket = job->buffers.buffer_bytes;
	int err = gate_acquire(&job->gate, ticket, UINT64_MAX);
	if (err)
		return err;
	void *buffer;
	err = bufpool_get(&job->buffers, &buffer);
	if (err) {
		file_fail(file, WEIR_OP_READ, err, file->done_bytes, NULL, NULL);
	} else {
		err = read_pieces(file, extent, buffer);
		bufpool_put(&job->buffers, buffer);
	}
	gate_release(&job->gate, ticket);
	return err;
}

/* Reads the open file through the stages; `digests` is the set that is wanted now. */
static int read_file(struct file *file, uint32_t digests)
{
	struct worker *worker = file->worker;
	struct result *result = file->result;
	int err = chain_begin(worker->chain, digests);
	if (err)
		return stage_failed(file, err);

	struct extent extent;
	while (!err && plan_next(&file->plan, &extent))
		err = extent.is_hole ? pass_hole(file, &extent) : read_extent(file, &extent);
	if (!err)
		err = file_compare(file);
	if (err)
		return err;

	size_t count = 0;
	err = chain_end(worker->chain, result->record.path, result->record.path_len_bytes,
			result->digest_room, &count);
	if (err)
		return stage_failed(file, err);
	result->record.size_bytes = file->done_bytes;
	result_set_digests(result, count);
	return 0;
}

/*
 * The digests to compute of a file. A manifest's line may stand for one of
 * several: all of them, until it is known which one this manifest means.
 */
static uint32_t digests_wanted(const struct weir_job *job, const struct result *result)
{
	uint32_t learned = walk_learned_digest(job->walk);
	uint32_t wanted = 0;
	const struct weir_expectation *expected = result->record.expected;
	if (!expected)
		return job->options.digests;
	for (size_t i = 0; i < expected->digests_count; i++) {
		uint32_t candidates = expected->digests[i].candidates;
		wanted |= candidates & learned ? candidates & learned : candidates;
	}
	return wanted;
}

/* Remembers which digest the plain lines of this manifest are. */
static void learn(struct weir_job *job, const struct result *result)
{
	const struct weir_record *record = &result->record;
	if (!record->is_match || record->expected->digests_count != 1)
		return;
	const struct weir_expected_digest *want = &record->expected->digests[0];
	for (size_t i = 0; i < record->digests_count; i++)
		if (memcmp(record->digests[i].bytes, want->bytes, want->len_bytes) == 0)
			walk_learn_digest(job->walk, WEIR_DIGEST_BIT(record->digests[i].id));
}

static bool is_own_output(const struct file *file)
{
	const struct weir_output *own = file->job->options.own_output;
	return own && S_ISREG(file->before.mode) && !(file->result->flags & WALK_EXPLICIT) &&
	       weir_output_is_file(own, file->before.device, file->before.inode);
}

/* What read_entry() has made of it. */
enum outcome {
	OUTCOME_DONE,   /* the result is ready for the sink */
	OUTCOME_JOINED, /* the result belongs to the link's owner now */
	OUTCOME_CANCELLED,
};

static enum claim claim_link(struct file *file, uint32_t digests)
{
	const struct weir_job *job = file->job;
	if (file->before.links < 2 || !S_ISREG(file->before.mode) || file->is_stream ||
	    job->options.keep_hardlinks_apart || job->options.stages_count)
		return CLAIM_APART;
	return links_claim(&file->job->links, &file->before, digests, file->result, &file->link);
}

/* The kernel and a stage may say -ECANCELED too; then it is an error like any other. */
static bool was_cancelled(const struct file *file, int err)
{
	return err == -ECANCELED && job_is_cancelled(file->job);
}

/* Opens the file and reads it, unless its contents are known under another name. */
static enum outcome read_entry(struct file *file, uint32_t digests, bool may_link)
{
	if (file_open(file)) {
		struct result *result = file->result;
		result->is_silent =
			result->error.code == -ENOENT && result->flags & WALK_MISSING_OK;
		return was_cancelled(file, result->error.code) ? OUTCOME_CANCELLED : OUTCOME_DONE;
	}
	enum outcome outcome = OUTCOME_DONE;
	if (is_own_output(file)) {
		file->result->is_silent = true;
		count_add(&file->worker->counters.own_outputs, 1);
	} else {
		enum claim claim = may_link ? claim_link(file, digests) : CLAIM_APART;
		if (claim == CLAIM_COPIED)
			count_add(&file->worker->counters.hardlinks, 1);
		else if (claim == CLAIM_JOINED)
			outcome = OUTCOME_JOINED;
		else if (was_cancelled(file, read_file(file, digests)))
			outcome = OUTCOME_CANCELLED;
	}
	file_close(file);
	return outcome;
}

static enum outcome read_with(struct worker *worker, struct result *result, uint32_t digests,
			      bool may_link, struct link **ret_link)
{
	struct file file = {.job = worker->job, .worker = worker, .result = result};
	enum outcome outcome = read_entry(&file, digests, may_link);
	*ret_link = file.link;
	return outcome;
}

/* Whether the line may still stand for a digest that has not been tried. */
static bool is_undecided(const struct result *result, uint32_t tried)
{
	const struct weir_record *record = &result->record;
	return record->expected && !record->error && !record->is_match && !result->is_silent &&
	       result->digests & ~tried;
}

static void put(struct worker *worker, struct result *result)
{
	int err = order_put(&worker->job->order, &result->item);
	/* A sink may say -ECANCELED too, of itself. */
	if (err && !(err == -ECANCELED && job_is_cancelled(worker->job)))
		job_fail(worker->job, &(struct weir_error){
					      .code = err,
					      .op = WEIR_OP_WRITE,
					      .stage = worker->job->sink->name,
				      });
}

static void process_result(struct worker *worker, struct result *result, bool may_link);

/* A name that joined: it has the owner's digests now, or it must be read for itself. */
static void finish_follower(struct worker *worker, struct result *follower)
{
	struct folder *folder = follower->folder;
	if (job_is_cancelled(worker->job)) {
		result_free(follower);
	} else if (follower->record.is_hardlink && !is_undecided(follower, follower->wanted)) {
		count_add(&worker->counters.hardlinks, 1);
		put(worker, follower);
	} else {
		follower->record.is_hardlink = false;
		process_result(worker, follower, false);
	}
	folder_put(&worker->job->pool, folder);
}

/*
 * Puts a result, and finishes the names that joined it, in ascending order: a
 * put may wait for every lower one, so none of these may be in our own hands.
 */
static void finish(struct worker *worker, struct result *result, struct result *followers)
{
	while (result || followers) {
		struct result *follower = followers;
		if (follower && (!result || follower->item.seq < result->item.seq)) {
			followers = follower->next;
			finish_follower(worker, follower);
			continue;
		}
		if (result->error.code == -ECANCELED && job_is_cancelled(worker->job))
			result_free(result);
		else
			put(worker, result);
		result = NULL;
	}
}

static void process_result(struct worker *worker, struct result *result, bool may_link)
{
	struct link *link = NULL, *none;
	uint32_t tried = digests_wanted(worker->job, result);
	enum outcome outcome = read_with(worker, result, tried, may_link, &link);
	if (outcome == OUTCOME_JOINED)
		return;
	if (outcome == OUTCOME_CANCELLED)
		result_fail(result, WEIR_OP_READ, -ECANCELED, UINT64_MAX, NULL, NULL);
	struct result *followers = link ? links_settle(&worker->job->links, link, result) : NULL;

	if (is_undecided(result, tried) &&
	    read_with(worker, result, result->digests & ~tried, false, &none) == OUTCOME_CANCELLED)
		result_fail(result, WEIR_OP_READ, -ECANCELED, UINT64_MAX, NULL, NULL);
	learn(worker->job, result);
	finish(worker, result, followers);
}

/* Everything that this entry's line, or the job, may want of it. */
static uint32_t digests_possible(const struct weir_job *job, const struct walk_entry *entry)
{
	if (!entry->expected)
		return job->options.digests;
	uint32_t digests = 0;
	for (size_t i = 0; i < entry->expected->digests_count; i++)
		digests |= entry->expected->digests[i].candidates;
	return digests;
}

static void process(struct worker *worker, const struct walk_batch *batch, size_t index)
{
	const struct walk_entry *entry = &batch->entries[index];
	uint32_t digests = digests_possible(worker->job, entry);
	struct result *result = result_new(batch, entry, batch->first_seq + index, digests);
	if (!result) {
		job_fail(worker->job, &(struct weir_error){.code = -ENOMEM, .op = WEIR_OP_START});
		return;
	}
	result->is_counted = walk_entry_is_file(entry);
	if (entry->error) {
		const struct walk_error *e = entry->error;
		result_fail(result, e->op, e->err, e->has_offset ? e->offset_bytes : UINT64_MAX,
			    NULL, e->hint);
		put(worker, result);
		return;
	}
	process_result(worker, result, true);
}

static void adapt_batch(struct worker *worker, size_t count, uint64_t bytes)
{
	if (bytes / count > SMALL_FILE_BYTES)
		worker->batch_max = 1;
	else if (worker->batch_max < BATCH_MAX)
		worker->batch_max *= 2;
}

static uint64_t bytes_so_far(const struct worker *worker)
{
	const struct worker_counters *c = &worker->counters;
	return atomic_load_explicit(&c->read_bytes, memory_order_relaxed) +
	       atomic_load_explicit(&c->hole_bytes, memory_order_relaxed);
}

void worker_run(void *arg)
{
	struct worker *worker = arg;
	struct weir_job *job = worker->job;
	struct walk_batch batch;
	int got;
	while (!job_is_cancelled(job) &&
	       (got = walk_take(job->walk, worker->batch_max, &batch)) != 0) {
		if (got < 0) {
			if (got != -ECANCELED)
				job_fail(job,
					 &(struct weir_error){.code = got, .op = WEIR_OP_WALK});
			break;
		}
		uint64_t bytes_before = bytes_so_far(worker);
		for (size_t i = 0; i < batch.count && !job_is_cancelled(job); i++)
			process(worker, &batch, i);
		walk_batch_done(job->walk, &batch);
		adapt_batch(worker, batch.count, bytes_so_far(worker) - bytes_before);
	}
	mutex_lock(&job->lock);
	bool is_last = --job->workers_running == 0;
	mutex_unlock(&job->lock);
	if (is_last)
		job_end(job);
}
