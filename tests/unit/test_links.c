/* SPDX-License-Identifier: MIT */
#include "engine/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A WEIR_DIGEST_BIT(WEIR_XXH3)
#define B WEIR_DIGEST_BIT(WEIR_SHA256)

struct fixture {
	struct fdpool pool;
	struct links links;
	struct folder *folder;
};

static struct fixture *fixture_new(uint64_t bytes_max)
{
	struct fixture *f = malloc(sizeof(*f));
	assert_non_null(f);
	fdpool_init(&f->pool, 4);
	assert_int_equal(links_init(&f->links, bytes_max), 0);
	f->folder = folder_new(NULL, "folder", 6, false);
	assert_non_null(f->folder);
	return f;
}

static void fixture_free(struct fixture *f)
{
	links_release(&f->links, &f->pool);
	links_release(&f->links, &f->pool);
	folder_put(&f->pool, f->folder);
	fdpool_release(&f->pool);
	free(f);
}

static struct result *name(struct fixture *f, uint64_t seq, uint32_t digests)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "name%llu", (unsigned long long)seq);
	struct walk_entry entry = {.name = text, .name_len = (uint32_t)len};
	struct walk_batch batch = {.entries = &entry, .count = 1, .folder = f->folder};
	struct result *result = result_new(&batch, &entry, seq, digests);
	assert_non_null(result);
	return result;
}

static struct os_stat file(uint64_t inode, uint32_t names)
{
	return (struct os_stat){.device = 7,
				.inode = inode,
				.links = names,
				.size_bytes = 100,
				.mtime_ns = 1,
				.ctime_ns = 2};
}

static enum claim claim(struct fixture *f, const struct os_stat *st, uint32_t digests,
			struct result *result, struct link **link)
{
	struct link *unused;
	return links_claim(&f->links, st, digests, result, link ? link : &unused);
}

/* Gives the result digests that are made of one byte each. */
static void give_digests(struct result *result, uint32_t digests, uint8_t byte)
{
	size_t count = 0;
	for (unsigned id = 0; id < WEIR_DIGEST_COUNT; id++) {
		if (!(digests & WEIR_DIGEST_BIT(id)))
			continue;
		struct weir_digest *d = &result->digest_room[count++];
		*d = (struct weir_digest){.id = id, .len_bytes = 8};
		memset(d->bytes, byte + (int)id, 8);
	}
	result->record.size_bytes = 100;
	result_set_digests(result, count);
}

static void assert_digests(const struct result *result, uint32_t digests, uint8_t byte)
{
	assert_int_equal(result->record.digests_count, __builtin_popcount(digests));
	assert_int_equal(result->record.size_bytes, 100);
	assert_true(result->is_copied);
	assert_null(result->record.error);
	for (size_t i = 0; i < result->record.digests_count; i++) {
		const struct weir_digest *d = &result->record.digests[i];
		assert_true(digests & WEIR_DIGEST_BIT(d->id));
		assert_int_equal(d->bytes[7], (uint8_t)(byte + d->id));
	}
}

/* Frees the chain of followers, and what they hold. Returns how many. */
static size_t free_followers(struct fixture *f, struct result *followers)
{
	size_t count = 0;
	for (struct result *next; followers; followers = next, count++) {
		next = followers->next;
		folder_put(&f->pool, followers->folder);
		result_free(followers);
	}
	return count;
}

/* The life of a file with five names: one reads, three wait for it, one comes late. */
static void test_owner_followers_late(void **state)
{
	struct fixture *f = fixture_new(1 << 20);
	struct os_stat st = file(1, 5);
	struct link *link = NULL;
	struct result *owner = name(f, 5, A | B), *late = name(f, 9, A | B);
	(void)state;

	assert_int_equal(claim(f, &st, A | B, owner, &link), CLAIM_OWNED);
	assert_int_equal(claim(f, &st, A | B, name(f, 8, A | B), NULL), CLAIM_JOINED);
	assert_int_equal(claim(f, &st, A, name(f, 3, A | B), NULL), CLAIM_JOINED);
	assert_int_equal(claim(f, &st, B, name(f, 7, A | B), NULL), CLAIM_JOINED);
	give_digests(owner, A | B, 40);
	struct result *followers = links_settle(&f->links, link, owner);
	assert_non_null(followers);
	assert_int_equal(followers->item.seq, 3);
	assert_digests(followers, A, 40);
	assert_int_equal(followers->next->item.seq, 7);
	assert_digests(followers->next, B, 40);
	assert_int_equal(followers->next->next->item.seq, 8);
	assert_digests(followers->next->next, A | B, 40);
	assert_int_equal(free_followers(f, followers), 3);

	assert_int_equal(f->links.count, 1);
	assert_int_equal(claim(f, &st, A | B, late, NULL), CLAIM_COPIED);
	assert_digests(late, A | B, 40);
	/* That was the last name: nothing is kept. */
	assert_int_equal(f->links.count, 0);
	assert_int_equal(f->links.bytes, 0);
	result_free(owner);
	result_free(late);
	fixture_free(f);
}

/* Other files, other digests than are being made, other times: each for itself. */
static void test_apart(void **state)
{
	struct fixture *f = fixture_new(1 << 20);
	struct os_stat st = file(1, 9), other;
	struct link *link = NULL, *second = NULL;
	struct result *owner = name(f, 0, A), *result = name(f, 1, A | B);
	(void)state;

	assert_int_equal(claim(f, &st, A, owner, &link), CLAIM_OWNED);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(claim(f, &st, A | B, result, NULL), CLAIM_APART);
		assert_int_equal(claim(f, &st, B, result, NULL), CLAIM_APART);
		other = st;
		other.size_bytes++;
		assert_int_equal(claim(f, &other, A, result, NULL), CLAIM_APART);
		other = st;
		other.mtime_ns++;
		assert_int_equal(claim(f, &other, A, result, NULL), CLAIM_APART);
		other = st;
		other.ctime_ns++;
		assert_int_equal(claim(f, &other, A, result, NULL), CLAIM_APART);
		assert_int_equal(result->record.digests_count, 0);
		if (round)
			break;
		give_digests(owner, A, 1);
		assert_null(links_settle(&f->links, link, owner));
	}
	other = st;
	other.device++;
	assert_int_equal(claim(f, &other, A, result, &second), CLAIM_OWNED);
	assert_ptr_not_equal(link, second);
	give_digests(result, A, 2);
	links_settle(&f->links, second, result);
	result_free(owner);
	result_free(result);
	fixture_free(f);
}

/* The owner failed: the others are as they were, and the next one owns. */
static void test_owner_fails(void **state)
{
	struct fixture *f = fixture_new(1 << 20);
	struct os_stat st = file(1, 5);
	struct link *link = NULL;
	struct result *owner = name(f, 0, A), *next = name(f, 3, A);
	(void)state;

	assert_int_equal(claim(f, &st, A, owner, &link), CLAIM_OWNED);
	assert_int_equal(claim(f, &st, A, name(f, 1, A), NULL), CLAIM_JOINED);
	assert_int_equal(claim(f, &st, A, name(f, 2, A), NULL), CLAIM_JOINED);
	result_fail(owner, WEIR_OP_READ, -5, 0, NULL, NULL);
	struct result *followers = links_settle(&f->links, link, owner);
	for (const struct result *r = followers; r; r = r->next) {
		assert_int_equal(r->record.digests_count, 0);
		assert_false(r->is_copied);
		assert_null(r->record.error);
		assert_ptr_equal(r->folder, f->folder);
	}
	assert_int_equal(free_followers(f, followers), 2);
	assert_int_equal(f->links.bytes, 0);
	assert_int_equal(claim(f, &st, A, next, &link), CLAIM_OWNED);
	give_digests(next, A, 1);
	links_settle(&f->links, link, next);
	result_free(owner);
	result_free(next);
	fixture_free(f);
}

/* What waits when all is given up is freed, and its folders are put. */
static void test_release_with_followers(void **state)
{
	struct fixture *f = fixture_new(1 << 20);
	struct os_stat st = file(1, 5);
	struct link *link = NULL;
	struct result *owner = name(f, 0, A);
	(void)state;
	assert_int_equal(claim(f, &st, A, owner, &link), CLAIM_OWNED);
	for (uint64_t seq = 1; seq < 4; seq++)
		assert_int_equal(claim(f, &st, A, name(f, seq, A), NULL), CLAIM_JOINED);
	assert_int_equal(atomic_load(&f->folder->refs), 4);
	links_release(&f->links, &f->pool);
	assert_int_equal(atomic_load(&f->folder->refs), 1);
	result_free(owner);
	fixture_free(f);
}

/* The bound holds whatever comes; the oldest that is settled goes first. */
static void test_bound(void **state)
{
	struct fixture *f = fixture_new(10000);
	struct link *link = NULL;
	(void)state;
	for (uint64_t inode = 1; inode <= 1000; inode++) {
		struct os_stat st = file(inode, 2);
		struct result *owner = name(f, inode, A);
		assert_int_equal(claim(f, &st, A, owner, &link), CLAIM_OWNED);
		assert_true(f->links.bytes <= 10000);
		give_digests(owner, A, (uint8_t)inode);
		assert_null(links_settle(&f->links, link, owner));
		result_free(owner);
	}
	assert_true(f->links.count > 5);
	size_t copied = 0, oldest = 0;
	for (uint64_t inode = 1000; inode >= 1; inode--) {
		struct os_stat st = file(inode, 3);
		struct result *result = name(f, inode, A);
		if (claim(f, &st, A, result, &link) == CLAIM_COPIED) {
			assert_digests(result, A, (uint8_t)inode);
			copied++;
			oldest = inode;
		} else {
			result_fail(result, WEIR_OP_READ, -5, 0, NULL, NULL);
			links_settle(&f->links, link, result);
		}
		result_free(result);
	}
	assert_true(copied > 5);
	assert_int_equal(oldest, 1000 - copied + 1);
	fixture_free(f);
}

/* None is settled, and the table is full: new ones are read apart, as are names that would wait. */
static void test_full_of_unsettled(void **state)
{
	struct fixture *f = fixture_new(2000);
	struct link *links[64];
	struct result *owners[64];
	size_t count = 0;
	(void)state;
	for (uint64_t inode = 1;; inode++) {
		struct os_stat st = file(inode, 1000);
		assert_true(count < 64);
		owners[count] = name(f, inode, A);
		enum claim got = claim(f, &st, A, owners[count], &links[count]);
		assert_true(f->links.bytes <= 2000);
		if (got == CLAIM_APART)
			break;
		assert_int_equal(got, CLAIM_OWNED);
		count++;
	}
	assert_true(count > 2);
	/* No room for all that could join either. */
	struct os_stat st = file(1, 1000);
	for (uint64_t seq = 100;; seq++) {
		struct result *result = name(f, seq, A);
		enum claim got = claim(f, &st, A, result, NULL);
		assert_true(f->links.bytes <= 2000);
		if (got == CLAIM_JOINED)
			continue;
		assert_int_equal(got, CLAIM_APART);
		result_free(result);
		break;
	}
	for (size_t i = 0; i <= count; i++) {
		if (i < count) {
			give_digests(owners[i], A, 1);
			free_followers(f, links_settle(&f->links, links[i], owners[i]));
		}
		result_free(owners[i]);
	}
	assert_true(f->links.bytes <= 2000);
	fixture_free(f);
}

/* A table that has grown still finds all. */
static void test_many(void **state)
{
	struct fixture *f = fixture_new(UINT64_C(1) << 30);
	struct link *link;
	(void)state;
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t inode = 1; inode <= 3000; inode++) {
			struct os_stat st = file(inode * 4096, 3);
			struct result *result = name(f, inode, A);
			enum claim got = claim(f, &st, A, result, &link);
			assert_int_equal(got, round ? CLAIM_COPIED : CLAIM_OWNED);
			if (!round) {
				give_digests(result, A, (uint8_t)inode);
				links_settle(&f->links, link, result);
			} else {
				assert_digests(result, A, (uint8_t)inode);
			}
			result_free(result);
		}
	}
	assert_int_equal(f->links.count, 0);
	assert_int_equal(f->links.bytes, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_followers_late),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_owner_fails),
		cmocka_unit_test(test_release_with_followers),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_full_of_unsettled),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
