/* SPDX-License-Identifier: MIT */
#include "typo.h"

#include <stdint.h>
#include <string.h>

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment, the restricted form of the Damerau-Levenshtein
 * distance. Three rows are enough: a swap looks two rows back.
 */
size_t typo_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][TYPO_MAX_BYTES + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = min_of(replaced, 1 + min_of(above[j], row[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min_of(row[j], before[j - 2] + 1);
		}
	}
	return row[b_len];
}

void typo_init(struct typo *typo, const char *word, size_t len)
{
	*typo = (struct typo){.word = word, .len = len, .distance = SIZE_MAX};
}

/* Near enough: an edit for every three bytes. */
void typo_consider(struct typo *typo, const char *candidate)
{
	size_t len = strlen(candidate);
	if (typo->len > TYPO_MAX_BYTES || len > TYPO_MAX_BYTES)
		return;
	size_t distance = typo_distance(typo->word, typo->len, candidate, len);
	if (distance * 3 > len || distance >= typo->distance)
		return;
	typo->nearest = candidate;
	typo->distance = distance;
}
