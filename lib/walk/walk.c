/* SPDX-License-Identifier: MIT */
/*
 * The list of portions: who expands which, and how entries are handed out.
 *
 * Invariants, under the lock:
 *   order    holds every portion that still has, or may yet have, entries to hand
 *            out, in the order of the output
 *   waiting  holds those of them that are not DONE, in the same order, so that
 *            the next one to expand is found without passing over the DONE ones;
 *            at most `threads` of its members are EXPANDING
 *   used_bytes <= memory_bytes, plus one portion, which may itself be up to twice
 *            as large as meant, by a buffer of getdents and the doubling of arrays
 *
 * Memory. A portion ends when it has found portion_bytes (an eighth of the memory), and
 * that much is charged for it before it is expanded. A portion waits while that
 * does not fit, unless it is the first in order: then nothing stands before it,
 * workers can only be waiting for it, and it must go on. So the walk never
 * stops for good, and how much a portion finds does not depend on how full the
 * memory is, which would make the order of a large folder a matter of timing.
 */
#include "base/verify.h"
#include "walk/walk_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORTION_MIN_BYTES ((size_t)64 << 10)
#define PORTION_MAX_BYTES ((size_t)32 << 20)

struct portion *portion_new(struct walk *walk, const struct portion_ops *ops, struct folder *folder)
{
	struct portion *portion = calloc(1, sizeof(*portion));
	if (!portion) {
		folder_put(walk->pool, folder);
		return NULL;
	}
	portion->ops = ops;
	portion->folder = folder;
	list_init(&portion->order);
	list_init(&portion->waiting);
	return portion;
}

/* What a portion that waits takes: itself and its folder's node. */
static size_t portion_bytes(const struct portion *portion)
{
	const struct folder *folder = portion->folder;
	return sizeof(*portion) + (folder ? sizeof(*folder) + folder->name_len + 1 : 0);
}

static void portion_free(struct walk *walk, struct portion *portion)
{
	if (portion->ops->release)
		portion->ops->release(walk, portion);
	folder_put(walk->pool, portion->folder);
	free(portion);
}

static void block_free(struct walk *walk, struct walk_block *block)
{
	folder_put(walk->pool, block->folder);
	arena_release(&block->arena);
	free(block->entries);
	free(block);
}

/* Without the lock. */
static void block_put(struct walk *walk, struct walk_block *block)
{
	if (!block || atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1)
		return;
	size_t charged_bytes = block->charged_bytes;
	block_free(walk, block);
	mutex_lock(&walk->lock);
	walk->used_bytes -= charged_bytes;
	if (walk->sleeping_walkers)
		cond_broadcast(&walk->work);
	mutex_unlock(&walk->lock);
}

struct walk_block *expansion_block(struct expansion *out, struct folder *folder)
{
	if (!out->block) {
		struct walk_block *block = calloc(1, sizeof(*block));
		if (!block)
			return NULL;
		atomic_init(&block->refs, 1);
		block->folder = folder ? folder_get(folder) : NULL;
		out->block = block;
	}
	return out->block;
}

struct walk_entry *block_add(struct walk_block *block, const char *name, size_t name_len)
{
	if (block->count == block->cap) {
		size_t cap = block->cap ? block->cap * 2 : 16;
		struct walk_entry *entries = realloc(block->entries, cap * sizeof(*entries));
		if (!entries)
			return NULL;
		block->entries = entries;
		block->cap = cap;
	}
	char *copy = name ? arena_copy(&block->arena, name, name_len) : NULL;
	if (name && !copy)
		return NULL;
	struct walk_entry *entry = &block->entries[block->count++];
	*entry = (struct walk_entry){.name = copy, .name_len = (uint32_t)name_len};
	return entry;
}

size_t block_bytes(const struct walk_block *block)
{
	return block ? block->arena.total_bytes + block->cap * sizeof(*block->entries) : 0;
}

int expansion_add_error(struct expansion *out, struct folder *folder, const char *name,
			size_t name_len, const struct walk_error *error)
{
	struct walk_block *block = expansion_block(out, folder);
	struct walk_entry *entry = block ? block_add(block, name, name_len) : NULL;
	struct walk_error *copy = entry ? arena_alloc(&block->arena, sizeof(*copy)) : NULL;
	if (!copy)
		return -ENOMEM;
	*copy = *error;
	entry->error = copy;
	return 0;
}

int expansion_add_stream_error(struct walk *walk, struct expansion *out, int err,
			       const char *malformed_hint, const char *too_long_hint)
{
	const struct weir_source *source = walk->source;
	struct walk_error error = {.err = err, .op = WEIR_OP_READ};
	if (err == -EINVAL || err == -E2BIG) {
		error.op = WEIR_OP_PARSE;
		error.has_offset = true;
		error.offset_bytes = source->split.records;
		error.hint = err == -E2BIG ? too_long_hint : malformed_hint;
	}
	return expansion_add_error(out, NULL, source->name, strlen(source->name), &error);
}

int walk_new(struct weir_source *source, struct fdpool *pool, const struct walk_limits *limits,
	     struct walk **ret_walk)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	if (!walk)
		return -ENOMEM;
	walk->threads = calloc(limits->threads, sizeof(*walk->threads));
	if (!walk->threads) {
		free(walk);
		return -ENOMEM;
	}
	walk->source = source;
	walk->pool = pool;
	walk->limits = *limits;
	walk->portion_bytes = limits->memory_bytes / 8;
	if (walk->portion_bytes < PORTION_MIN_BYTES)
		walk->portion_bytes = PORTION_MIN_BYTES;
	if (walk->portion_bytes > PORTION_MAX_BYTES)
		walk->portion_bytes = PORTION_MAX_BYTES;
	mutex_init(&walk->lock);
	cond_init(&walk->work);
	cond_init(&walk->ready);
	list_init(&walk->order);
	list_init(&walk->waiting);

	struct portion *all = portion_new(walk, source->ops, NULL);
	if (!all) {
		walk_free(walk);
		return -ENOMEM;
	}
	list_push_back(&walk->order, &all->order);
	list_push_back(&walk->waiting, &all->waiting);
	walk->used_bytes = portion_bytes(all);
	*ret_walk = walk;
	return 0;
}

/* The first portion that nobody expands yet, or NULL. The lock is held, here and below. */
static struct portion *next_to_expand(struct walk *walk)
{
	for (struct list_node *n = walk->waiting.next; n != &walk->waiting; n = n->next) {
		struct portion *portion = list_entry(n, struct portion, waiting);
		if (portion->state == PORTION_WAITING)
			return portion;
	}
	return NULL;
}

static bool may_expand(const struct walk *walk, const struct portion *portion)
{
	return walk->order.next == &portion->order ||
	       walk->used_bytes + 2 * walk->portion_bytes <= walk->limits.memory_bytes;
}

/* Puts what was found in the portion's place. */
static void install(struct walk *walk, struct portion *portion, struct expansion *out)
{
	size_t found_bytes = 0;
	struct list_node *after_order = &portion->order, *after_waiting = &portion->waiting, *node;
	while ((node = list_pop_front(&out->portions))) {
		struct portion *child = list_entry(node, struct portion, order);
		list_insert_after(after_order, &child->order);
		list_insert_after(after_waiting, &child->waiting);
		after_order = &child->order;
		after_waiting = &child->waiting;
		found_bytes += portion_bytes(child);
	}
	list_remove(&portion->waiting);
	portion->state = PORTION_DONE;
	portion->block = out->block;
	if (out->block) {
		out->block->charged_bytes = block_bytes(out->block) + sizeof(*out->block);
		found_bytes += out->block->charged_bytes;
		for (size_t i = 0; i < out->block->count; i++)
			if (walk_entry_is_file(&out->block->entries[i]))
				walk_count(&walk->files_found);
	}
	walk->used_bytes += found_bytes;
	walk->used_bytes -= walk->portion_bytes;
	if (walk->used_bytes > walk->peak_bytes)
		walk->peak_bytes = walk->used_bytes;
}

static void fail(struct walk *walk, int err)
{
	if (!walk->err)
		walk->err = err;
	walk->is_cancelled = true;
	atomic_store_explicit(&walk->cancel_hint, true, memory_order_relaxed);
	cond_broadcast(&walk->work);
	cond_broadcast(&walk->ready);
}

static void walker_expand(struct walk *walk, struct portion *portion)
{
	struct expansion out = {0};
	list_init(&out.portions);
	portion->state = PORTION_EXPANDING;
	walk->used_bytes += walk->portion_bytes;
	mutex_unlock(&walk->lock);

	int err = portion->ops->expand(walk, portion, &out);

	mutex_lock(&walk->lock);
	install(walk, portion, &out);
	if (err)
		fail(walk, err);
	cond_broadcast(&walk->ready);
	if (walk->sleeping_walkers)
		cond_broadcast(&walk->work);
}

static void walker_run(void *arg)
{
	struct walk *walk = arg;
	mutex_lock(&walk->lock);
	while (!walk->is_cancelled && !list_is_empty(&walk->waiting)) {
		struct portion *portion = next_to_expand(walk);
		if (portion && may_expand(walk, portion)) {
			walker_expand(walk, portion);
			continue;
		}
		walk->sleeping_walkers++;
		cond_wait(&walk->work, &walk->lock);
		walk->sleeping_walkers--;
	}
	cond_broadcast(&walk->work);
	cond_broadcast(&walk->ready);
	mutex_unlock(&walk->lock);
}

int walk_start(struct walk *walk)
{
	int err = 0;
	for (uint32_t i = 0; i < walk->limits.threads; i++) {
		err = thread_start(&walk->threads[i], "weir-walk", walker_run, walk);
		if (err)
			break;
		walk->threads_running++;
	}
	return walk->threads_running ? 0 : err;
}

/* Removes the first portion, all of whose entries have been handed out. */
static void drop_first(struct walk *walk, struct portion *portion)
{
	list_remove(&portion->order);
	walk->used_bytes -= portion_bytes(portion);
	if (walk->sleeping_walkers)
		cond_broadcast(&walk->work);
	mutex_unlock(&walk->lock);
	block_put(walk, portion->block);
	portion_free(walk, portion);
	mutex_lock(&walk->lock);
}

static void hand_out(struct walk *walk, struct portion *portion, size_t max,
		     struct walk_batch *batch)
{
	struct walk_block *block = portion->block;
	size_t left = block->count - portion->next;
	*batch = (struct walk_batch){
		.entries = block->entries + portion->next,
		.count = left < max ? left : max,
		.first_seq = walk->next_seq,
		.folder = block->folder,
		.block = block,
	};
	atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
	portion->next += batch->count;
	walk->next_seq += batch->count;
}

int walk_take(struct walk *walk, size_t max, struct walk_batch *ret_batch)
{
	int result = 0;
	mutex_lock(&walk->lock);
	for (;;) {
		if (walk->is_cancelled) {
			result = walk->err ? walk->err : -ECANCELED;
			break;
		}
		if (list_is_empty(&walk->order))
			break;
		struct portion *first = list_entry(walk->order.next, struct portion, order);
		if (first->state != PORTION_DONE) {
			cond_wait(&walk->ready, &walk->lock);
		} else if (first->block && first->next < first->block->count) {
			hand_out(walk, first, max, ret_batch);
			result = 1;
			break;
		} else {
			drop_first(walk, first);
		}
	}
	mutex_unlock(&walk->lock);
	return result;
}

void walk_batch_done(struct walk *walk, struct walk_batch *batch)
{
	block_put(walk, batch->block);
	batch->block = NULL;
}

void walk_cancel(struct walk *walk)
{
	mutex_lock(&walk->lock);
	walk->is_cancelled = true;
	atomic_store_explicit(&walk->cancel_hint, true, memory_order_relaxed);
	cond_broadcast(&walk->work);
	cond_broadcast(&walk->ready);
	mutex_unlock(&walk->lock);
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	walk_cancel(walk);
	for (uint32_t i = 0; i < walk->threads_running; i++)
		thread_join(&walk->threads[i]);
	struct list_node *node;
	while ((node = list_pop_front(&walk->order))) {
		struct portion *portion = list_entry(node, struct portion, order);
		list_remove(&portion->waiting);
		if (portion->block)
			block_free(walk, portion->block);
		portion_free(walk, portion);
	}
	cond_release(&walk->ready);
	cond_release(&walk->work);
	mutex_release(&walk->lock);
	free(walk->threads);
	free(walk);
}

static uint64_t load(const atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void walk_stats(struct walk *walk, struct weir_stats *stats)
{
	stats->files_found = load(&walk->files_found);
	stats->folders_found = load(&walk->folders_found);
	stats->skipped_links = load(&walk->skipped_links);
	stats->skipped_special = load(&walk->skipped_special);
	stats->skipped_filtered = load(&walk->skipped_filtered);
	stats->skipped_other = load(&walk->skipped_other);
	mutex_lock(&walk->lock);
	stats->walk_done = list_is_empty(&walk->waiting);
	mutex_unlock(&walk->lock);
}

uint32_t walk_learned_digest(const struct walk *walk)
{
	return atomic_load_explicit(&walk->source->learned_digest, memory_order_relaxed);
}

void walk_learn_digest(struct walk *walk, uint32_t digest)
{
	uint32_t none = 0;
	atomic_compare_exchange_strong(&walk->source->learned_digest, &none, digest);
}
