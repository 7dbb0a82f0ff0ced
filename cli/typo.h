/* SPDX-License-Identifier: MIT */
/* Which word was meant: the nearest of several, if it is near enough to be it. */
#ifndef WEIR_CLI_TYPO_H
#define WEIR_CLI_TYPO_H

#include <stddef.h>

/* Words of more bytes than this are never near anything. */
#define TYPO_MAX_BYTES 64

struct typo {
	const char *word; /* that was typed */
	size_t len;
	const char *nearest; /* so far, or NULL */
	size_t distance;
};

void typo_init(struct typo *typo, const char *word, size_t len);

/* Holds one more word that could be meant against it. */
void typo_consider(struct typo *typo, const char *candidate);

/*
 * The edits that turn one word into the other: bytes put in, left out, replaced
 * or swapped with their neighbour, none edited twice. Both of TYPO_MAX_BYTES at most.
 */
size_t typo_distance(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
