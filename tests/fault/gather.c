/* SPDX-License-Identifier: MIT */
#include "gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int put(struct weir_sink *sink, const struct weir_record *record)
{
	struct gather *g = (struct gather *)(void *)sink;
	if (atomic_exchange(&g->is_busy, true) || g->finished || g->abandoned)
		abort();
	int err = 0;
	if (g->on_put)
		g->on_put(g, g->ctx);
	if (g->fail_at == g->count + 1)
		err = g->fail_err;
	else if (g->count == g->max || g->paths_max - g->paths_len <= record->path_len_bytes)
		err = -ENOSPC;
	if (!err) {
		char *path = g->paths + g->paths_len;
		memcpy(path, record->path, record->path_len_bytes + 1);
		g->paths_len += record->path_len_bytes + 1;
		struct gathered *to = &g->records[g->count++];
		*to = (struct gathered){
			.path = path,
			.path_len_bytes = record->path_len_bytes,
			.size_bytes = record->size_bytes,
			.digests_count = record->digests_count,
			.is_match = record->is_match,
			.is_hardlink = record->is_hardlink,
		};
		if (record->error)
			to->error = *record->error;
		to->error.path = path;
		for (size_t i = 0; i < record->digests_count; i++)
			to->digests[i] = record->digests[i];
	}
	atomic_store(&g->is_busy, false);
	return err;
}

static int finish(struct weir_sink *sink)
{
	struct gather *g = (struct gather *)(void *)sink;
	if (atomic_load(&g->is_busy) || g->finished++ || g->abandoned)
		abort();
	return g->finish_err;
}

static void abandon(struct weir_sink *sink)
{
	struct gather *g = (struct gather *)(void *)sink;
	if (atomic_load(&g->is_busy) || g->finished || g->abandoned++)
		abort();
}

void gather_init(struct gather *gather, size_t records, size_t paths_bytes)
{
	*gather = (struct gather){
		.sink = {"gather", put, finish, abandon},
		.records = malloc(records * sizeof(*gather->records)),
		.paths = malloc(paths_bytes),
		.max = records,
		.paths_max = paths_bytes,
	};
	if (!gather->records || !gather->paths)
		abort();
}

void gather_release(struct gather *gather)
{
	free(gather->records);
	free(gather->paths);
}

void gather_clear(struct gather *gather)
{
	gather->count = gather->paths_len = 0;
	gather->finished = gather->abandoned = 0;
}

const struct gathered *gather_find(const struct gather *gather, const char *end)
{
	size_t len = strlen(end);
	for (size_t i = 0; i < gather->count; i++) {
		const struct gathered *r = &gather->records[i];
		if (r->path_len_bytes >= len &&
		    memcmp(r->path + r->path_len_bytes - len, end, len) == 0)
			return r;
	}
	return NULL;
}

size_t gather_errors(const struct gather *gather)
{
	size_t errors = 0;
	for (size_t i = 0; i < gather->count; i++)
		errors += gather->records[i].error.code != 0;
	return errors;
}
