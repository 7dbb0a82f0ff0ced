/* SPDX-License-Identifier: MIT */
#include "engine/result.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t align_up(size_t n)
{
	return (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

static size_t expectation_bytes(const struct weir_expectation *e)
{
	return e ? sizeof(*e) + e->digests_count * sizeof(e->digests[0]) : 0;
}

struct result *result_new(const struct walk_batch *batch, const struct walk_entry *entry,
			  uint64_t seq, uint32_t digests)
{
	struct str path = STR_INIT;
	folder_path(batch->folder, entry->name, entry->name_len, &path);
	if (path.err)
		return NULL;

	size_t digests_at = align_up(sizeof(struct result));
	size_t digests_len = (size_t)__builtin_popcount(digests) * sizeof(struct weir_digest);
	size_t expected_at = align_up(digests_at + digests_len);
	size_t path_at = expected_at + expectation_bytes(entry->expected);
	size_t total = path_at + path.len + 1;
	char *memory = malloc(total);
	if (!memory) {
		str_release(&path);
		return NULL;
	}
	char *path_copy = memory + path_at;
	if (path.len)
		memcpy(path_copy, path.buf, path.len);
	path_copy[path.len] = '\0';
	str_release(&path);

	struct result *result = (void *)memory;
	*result = (struct result){
		.item = {.seq = seq, .bytes = total},
		.record = {.path = path_copy, .path_len_bytes = total - path_at - 1},
		.folder = batch->folder,
		.flags = entry->flags,
		.digests = digests,
		.digest_room = (void *)(memory + digests_at),
	};
	result->name = path_copy + result->record.path_len_bytes - entry->name_len;
	result->record.digests = result->digest_room;
	if (entry->expected) {
		memcpy(memory + expected_at, entry->expected, expectation_bytes(entry->expected));
		result->record.expected = (void *)(memory + expected_at);
	}
	return result;
}

void result_release_folder(struct result *result, struct fdpool *pool)
{
	if (result->owns_folder)
		folder_put(pool, result->folder);
	result->owns_folder = false;
	result->folder = NULL;
}

void result_free(struct result *result)
{
	free(result);
}

void result_fail(struct result *result, enum weir_op op, int err, uint64_t offset_bytes,
		 const char *stage, const char *hint)
{
	struct weir_record *record = &result->record;
	result->error = (struct weir_error){
		.code = err,
		.op = op,
		.has_offset = offset_bytes != UINT64_MAX,
		.offset_bytes = offset_bytes != UINT64_MAX ? offset_bytes : 0,
		.path = record->path,
		.path_len_bytes = record->path_len_bytes,
		.stage = stage,
		.hint = hint,
	};
	record->error = &result->error;
	record->digests_count = 0;
	record->is_match = false;
}

void result_set_digests(struct result *result, size_t count)
{
	result->record.digests_count = count;
	result_match(result);
}

static bool has_expected(const struct weir_record *record, const struct weir_expected_digest *want)
{
	for (size_t i = 0; i < record->digests_count; i++) {
		const struct weir_digest *have = &record->digests[i];
		if (want->candidates & WEIR_DIGEST_BIT(have->id) &&
		    have->len_bytes == want->len_bytes &&
		    memcmp(have->bytes, want->bytes, have->len_bytes) == 0)
			return true;
	}
	return false;
}

void result_match(struct result *result)
{
	struct weir_record *record = &result->record;
	const struct weir_expectation *expected = record->expected;
	record->is_match = expected && !record->error && expected->digests_count;
	for (size_t i = 0; record->is_match && i < expected->digests_count; i++)
		record->is_match = has_expected(record, &expected->digests[i]);
}

const char *result_hint(enum weir_op op, int err, bool was_found)
{
	switch (err) {
	case -ENOENT:
		return was_found ? "it was there when its folder was read" : NULL;
	case -EMFILE:
	case -ENFILE:
		return "other programs use up the descriptors; raise ulimit -n or lower --max-fds";
	case -ELOOP:
		return was_found ? "a symbolic link took its place" : NULL;
	case -EIO:
		return op == WEIR_OP_READ ? "the device or the server failed; see the kernel's log"
					  : NULL;
	case -EISDIR:
	case -ENXIO:
		return was_found ? "something else took its place" : NULL;
	default:
		return NULL;
	}
}
