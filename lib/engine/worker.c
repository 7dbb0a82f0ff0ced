/* SPDX-License-Identifier: MIT */
/*
 * A worker: the flow, from a name to a record.
 *
 *	walk -> open -> gate -> read -> chunk -> stage -> sink
 *
 *	worker_run       makes results of the entries that it takes from the walk
 *	  advance          a result is read, then put: to the sink, in its turn
 *	    read_entry       opens the file; a name of a file already read is done here
 *	      read_file        extent by extent, then compares and ends the stages
 *	        read_extent      holds a ticket; read after read
 *	          pass_chunk       through the stages
 *
 * What a worker has in hand hangs on its struct: the rest of a batch, and the
 * results that are still to be read or put, the lowest first. It is one, but for
 * the names that joined the reading of a hard link.
 *
 * Waits are ordered: entry, descriptor, ticket, then nothing but time; see
 * "Who waits for what" in docs/architecture.md. A put waits only for lower
 * results; the lowest one goes first, be it in hand or still in the batch, so
 * none of those is our own. Every failure of a file ends in its result. What is returned upwards
 * is 0, or an error that has been put there already, or -ECANCELED, for which
 * nobody is waiting.
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
	if (!(want->candidates & (want->candidates - 1)))
		return; /* it was never in doubt */
	for (size_t i = 0; i < record->digests_count; i++)
		if (memcmp(record->digests[i].bytes, want->bytes, want->len_bytes) == 0)
			walk_learn_digest(job->walk, WEIR_DIGEST_BIT(record->digests[i].id));
}

static bool is_own_output(const struct file *file)
{
	const struct weir_output *own = file->job->options.own_output;
	return own && !file->result->record.expected && S_ISREG(file->before.mode) &&
	       !(file->result->flags & WALK_EXPLICIT) &&
	       weir_output_is_file(own, file->before.device, file->before.inode);
}

/* What read_entry() has made of it. */
enum outcome {
	OUTCOME_DONE,   /* the result is what it will be */
	OUTCOME_JOINED, /* the result belongs to the link's owner now */
	OUTCOME_CANCELLED,
};

static enum claim claim_link(struct file *file, uint32_t digests)
{
	const struct weir_job *job = file->job;
	if (file->result->is_apart || file->before.links < 2 || !S_ISREG(file->before.mode) ||
	    file->is_stream || job->options.keep_hardlinks_apart || job->options.stages_count)
		return CLAIM_APART;
	return links_claim(&file->job->links, &file->before, digests, file->result, &file->link);
}

/* The kernel and a stage may say -ECANCELED too; then it is an error like any other. */
static bool was_cancelled(const struct file *file, int err)
{
	return err == -ECANCELED && job_is_cancelled(file->job);
}

/* Opens the file and reads it, unless its contents are known under another name. */
static enum outcome read_entry(struct file *file, uint32_t digests)
{
	struct result *result = file->result;
	if (file_open(file)) {
		result->record.is_excused =
			result->error.code == -ENOENT && result->flags & WALK_MISSING_OK;
		return was_cancelled(file, result->error.code) ? OUTCOME_CANCELLED : OUTCOME_DONE;
	}
	enum outcome outcome = OUTCOME_DONE;
	result->record.is_hardlink = S_ISREG(file->before.mode) && file->before.links > 1;
	if (is_own_output(file)) {
		result->is_silent = true;
		count_add(&file->worker->counters.own_outputs, 1);
	} else {
		enum claim claim = claim_link(file, digests);
		if (claim == CLAIM_JOINED)
			outcome = OUTCOME_JOINED;
		else if (claim != CLAIM_COPIED && was_cancelled(file, read_file(file, digests)))
			outcome = OUTCOME_CANCELLED;
	}
	file_close(file);
	return outcome;
}

/* Adds a result to what is in hand, in its place. */
static void keep(struct worker *worker, struct result *result)
{
	struct result **at = &worker->in_hand;
	while (*at && (*at)->item.seq < result->item.seq)
		at = &(*at)->next;
	result->next = *at;
	*at = result;
}

/*
 * Whether the line may still stand for digests that have not been tried; if not,
 * the result is ready.
 */
static bool is_undecided(const struct result *result)
{
	const struct weir_record *record = &result->record;
	return record->expected && !record->error && !record->is_match && !result->is_silent &&
	       result->digests & ~result->tried;
}

/* The result has been read, or need not be: ready for the sink, or to be tried once more. */
static void conclude(struct worker *worker, struct result *result)
{
	if (is_undecided(result)) {
		result->is_apart = true;
		result->is_copied = false;
	} else {
		learn(worker->job, result);
		if (result->is_copied)
			count_add(&worker->counters.hardlinks, 1);
		result_release_folder(result, &worker->job->pool);
		result->is_ready = true;
	}
	keep(worker, result);
}

/* The owner of a link is done: those who joined it have its digests, or are read apart. */
static void settle(struct worker *worker, struct link *link, struct result *owner)
{
	struct result *follower = links_settle(&worker->job->links, link, owner);
	while (follower) {
		struct result *next = follower->next;
		follower->is_apart = true;
		if (follower->is_copied) {
			conclude(worker, follower);
		} else {
			follower->tried = 0;
			keep(worker, follower);
		}
		follower = next;
	}
}

static void read_result(struct worker *worker, struct result *result)
{
	struct file file = {.job = worker->job, .worker = worker, .result = result};
	uint32_t wanted = result->tried ? result->digests & ~result->tried
					: digests_wanted(worker->job, result);
	uint32_t tried = result->tried | wanted;
	result->tried = tried;
	enum outcome outcome = read_entry(&file, wanted);
	if (outcome == OUTCOME_JOINED)
		return;
	if (outcome == OUTCOME_CANCELLED)
		result_fail(result, WEIR_OP_READ, -ECANCELED, UINT64_MAX, NULL, NULL);
	if (file.link)
		settle(worker, file.link, result);
	if (outcome == OUTCOME_CANCELLED)
		keep(worker, result);
	else
		conclude(worker, result);
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

/* The lowest result in hand goes a step on. */
static void advance(struct worker *worker)
{
	struct result *result = worker->in_hand;
	worker->in_hand = result->next;
	if (result->is_ready)
		put(worker, result);
	else
		read_result(worker, result);
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

/* Makes the result of the next entry of the batch. */
static void begin_entry(struct worker *worker)
{
	const struct walk_batch *batch = &worker->batch;
	size_t index = worker->batch_next++;
	const struct walk_entry *entry = &batch->entries[index];
	struct result *result = result_new(batch, entry, batch->first_seq + index,
					   digests_possible(worker->job, entry));
	if (!result) {
		job_fail(worker->job, &(struct weir_error){.code = -ENOMEM, .op = WEIR_OP_START});
		return;
	}
	result->is_counted = walk_entry_is_file(entry);
	if (entry->error) {
		const struct walk_error *e = entry->error;
		result_fail(result, e->op, e->err, e->has_offset ? e->offset_bytes : UINT64_MAX,
			    NULL, e->hint);
		result->is_ready = true;
	}
	keep(worker, result);
}

/* Whether the batch has an entry that stands before everything in hand. */
static bool must_begin_entry(const struct worker *worker)
{
	const struct walk_batch *batch = &worker->batch;
	if (!batch->block || worker->batch_next == batch->count)
		return false;
	return !worker->in_hand ||
	       batch->first_seq + worker->batch_next < worker->in_hand->item.seq;
}

static uint64_t bytes_so_far(const struct worker *worker)
{
	const struct worker_counters *c = &worker->counters;
	return atomic_load_explicit(&c->read_bytes, memory_order_relaxed) +
	       atomic_load_explicit(&c->hole_bytes, memory_order_relaxed);
}

static void end_batch(struct worker *worker)
{
	if (!worker->batch.block)
		return;
	uint64_t bytes = bytes_so_far(worker) - worker->batch_start_bytes;
	if (bytes / worker->batch.count > SMALL_FILE_BYTES)
		worker->batch_max = 1;
	else if (worker->batch_max < BATCH_MAX)
		worker->batch_max *= 2;
	walk_batch_done(worker->job->walk, &worker->batch);
}

/* The next entries of the walk. False: there are no more, or the job is to end. */
static bool take_batch(struct worker *worker)
{
	struct weir_job *job = worker->job;
	worker->batch_next = 0;
	worker->batch_start_bytes = bytes_so_far(worker);
	int got = walk_take(job->walk, worker->batch_max, &worker->batch);
	if (got < 0 && got != -ECANCELED)
		job_fail(job, &(struct weir_error){.code = got, .op = WEIR_OP_WALK});
	return got == 1;
}

/* What is left in hand when the job was cancelled. */
static void drop_in_hand(struct worker *worker)
{
	while (worker->in_hand) {
		struct result *result = worker->in_hand;
		worker->in_hand = result->next;
		result_release_folder(result, &worker->job->pool);
		result_free(result);
	}
}

void worker_run(void *arg)
{
	struct worker *worker = arg;
	struct weir_job *job = worker->job;
	while (!job_is_cancelled(job)) {
		if (must_begin_entry(worker)) {
			begin_entry(worker);
		} else if (worker->in_hand) {
			advance(worker);
		} else {
			end_batch(worker);
			if (!take_batch(worker))
				break;
		}
	}
	drop_in_hand(worker);
	end_batch(worker);
	mutex_lock(&job->lock);
	bool is_last = --job->workers_running == 0;
	mutex_unlock(&job->lock);
	if (is_last)
		job_end(job);
}
