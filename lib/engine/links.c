/* SPDX-License-Identifier: MIT */
#include "engine/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

struct link {
	struct link *chain;
	struct list_node settled; /* in links.settled once it is */
	uint64_t device, inode, size_bytes;
	int64_t mtime_ns, ctime_ns;
	uint32_t names_left; /* that have not been seen yet */
	uint32_t digests;    /* set */
	bool is_settled;
	struct result *followers;
	size_t bytes;
	size_t digest_count; /* when settled */
	struct weir_digest values[];
};

int links_init(struct links *links, uint64_t bytes_max)
{
	*links = (struct links){.bytes_max = bytes_max, .buckets_count = BUCKETS_MIN};
	links->buckets = calloc(links->buckets_count, sizeof(struct link *));
	if (!links->buckets)
		return -ENOMEM;
	mutex_init(&links->lock);
	list_init(&links->settled);
	return 0;
}

static struct link **bucket_of(struct links *links, uint64_t device, uint64_t inode)
{
	uint64_t hash = (inode ^ device << 32) * UINT64_C(0x9e3779b97f4a7c15);
	return &links->buckets[hash >> 32 & (links->buckets_count - 1)];
}

static struct link *find(struct links *links, const struct os_stat *st)
{
	struct link *link = *bucket_of(links, st->device, st->inode);
	while (link && (link->inode != st->inode || link->device != st->device))
		link = link->chain;
	return link;
}

static void forget(struct links *links, struct link *link)
{
	struct link **at = bucket_of(links, link->device, link->inode);
	while (*at != link)
		at = &(*at)->chain;
	*at = link->chain;
	list_remove(&link->settled);
	links->count--;
	links->bytes -= link->bytes;
	free(link);
}

/* Twice the buckets; without memory the chains just get longer. */
static void grow(struct links *links)
{
	size_t old_count = links->buckets_count;
	struct link **old = links->buckets;
	struct link **buckets = calloc(old_count * 2, sizeof(struct link *));
	if (!buckets)
		return;
	links->buckets = buckets;
	links->buckets_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++) {
		for (struct link *link = old[i], *next; link; link = next) {
			struct link **at = bucket_of(links, link->device, link->inode);
			next = link->chain;
			link->chain = *at;
			*at = link;
		}
	}
	free(old);
}

/* Room for more bytes, if settled links can be forgotten for it. */
static bool make_room(struct links *links, size_t bytes)
{
	while (links->bytes + bytes > links->bytes_max) {
		if (list_is_empty(&links->settled))
			return false;
		forget(links, list_entry(links->settled.next, struct link, settled));
	}
	return true;
}

static struct link *add(struct links *links, const struct os_stat *st, uint32_t digests)
{
	size_t bytes = sizeof(struct link) +
		       (size_t)__builtin_popcount(digests) * sizeof(struct weir_digest);
	if (!make_room(links, bytes))
		return NULL;
	struct link *link = calloc(1, bytes);
	if (!link)
		return NULL;
	if (links->count >= links->buckets_count)
		grow(links);
	link->device = st->device;
	link->inode = st->inode;
	link->size_bytes = st->size_bytes;
	link->mtime_ns = st->mtime_ns;
	link->ctime_ns = st->ctime_ns;
	link->names_left = st->links - 1;
	link->digests = digests;
	link->bytes = bytes;
	list_init(&link->settled);
	struct link **at = bucket_of(links, link->device, link->inode);
	link->chain = *at;
	*at = link;
	links->count++;
	links->bytes += bytes;
	return link;
}

static bool serves(const struct link *link, const struct os_stat *st, uint32_t digests)
{
	return link->size_bytes == st->size_bytes && link->mtime_ns == st->mtime_ns &&
	       link->ctime_ns == st->ctime_ns && (digests & ~link->digests) == 0;
}

/* Gives the result those of the digests that it wants. */
static void copy_digests(struct result *result, const struct weir_digest *from, size_t count,
			 uint64_t size_bytes)
{
	size_t copied = 0;
	for (size_t i = 0; i < count; i++)
		if (result->wanted & WEIR_DIGEST_BIT(from[i].id))
			result->digest_room[copied++] = from[i];
	result->record.size_bytes = size_bytes;
	result->is_copied = true;
	result_set_digests(result, copied);
}

static enum claim join(struct links *links, struct link *link, struct result *result)
{
	if (!make_room(links, result->item.bytes))
		return CLAIM_APART;
	links->bytes += result->item.bytes;
	if (result->folder && !result->owns_folder) {
		folder_get(result->folder);
		result->owns_folder = true;
	}
	struct result **at = &link->followers;
	while (*at && (*at)->item.seq < result->item.seq)
		at = &(*at)->next;
	result->next = *at;
	*at = result;
	return CLAIM_JOINED;
}

static enum claim claim_found(struct links *links, struct link *link, const struct os_stat *st,
			      uint32_t digests, struct result *result)
{
	if (!serves(link, st, digests))
		return CLAIM_APART;
	if (!link->is_settled) {
		enum claim claim = join(links, link, result);
		if (claim == CLAIM_JOINED && link->names_left)
			link->names_left--;
		return claim;
	}
	copy_digests(result, link->values, link->digest_count, link->size_bytes);
	if (link->names_left <= 1)
		forget(links, link);
	else
		link->names_left--;
	return CLAIM_COPIED;
}

enum claim links_claim(struct links *links, const struct os_stat *st, uint32_t digests,
		       struct result *result, struct link **ret_link)
{
	enum claim claim = CLAIM_APART;
	mutex_lock(&links->lock);
	struct link *link = find(links, st);
	if (link) {
		result->wanted = digests;
		claim = claim_found(links, link, st, digests, result);
	} else if ((link = add(links, st, digests))) {
		*ret_link = link;
		claim = CLAIM_OWNED;
	}
	mutex_unlock(&links->lock);
	return claim;
}

struct result *links_settle(struct links *links, struct link *link, const struct result *owner)
{
	const struct weir_record *record = &owner->record;
	mutex_lock(&links->lock);
	struct result *followers = link->followers;
	link->followers = NULL;
	for (struct result *f = followers; f; f = f->next) {
		links->bytes -= f->item.bytes;
		if (!record->error)
			copy_digests(f, record->digests, record->digests_count, record->size_bytes);
	}
	link->is_settled = true;
	link->digest_count = record->digests_count;
	memcpy(link->values, record->digests, record->digests_count * sizeof(link->values[0]));
	if (record->error || !link->names_left)
		forget(links, link);
	else
		list_push_back(&links->settled, &link->settled);
	mutex_unlock(&links->lock);
	return followers;
}

void links_release(struct links *links, struct fdpool *pool)
{
	for (size_t i = 0; links->buckets && i < links->buckets_count; i++) {
		while (links->buckets[i]) {
			struct link *link = links->buckets[i];
			while (link->followers) {
				struct result *follower = link->followers;
				link->followers = follower->next;
				result_release_folder(follower, pool);
				result_free(follower);
			}
			forget(links, link);
		}
	}
	if (links->buckets)
		mutex_release(&links->lock);
	free(links->buckets);
	links->buckets = NULL;
}
