/* SPDX-License-Identifier: MIT */
/*
 * Globs over paths. Bytes, not characters: `?` is one byte.
 *
 *	*          any bytes but a slash, also none
 *	?          one byte but a slash
 *	**         any bytes, also slashes, also none
 *	[a-z_]     one byte of the set; never a slash
 *	[!a-z]     one byte but these and a slash; [^a-z] is the same
 *	\c         the byte c itself, in a set too
 *
 * In a set, `]` as its first byte and `-` as its first or last are themselves.
 * Two stars between slashes, or at the start and before a slash, stand for any
 * folders or none, so that they and the slash behind them may match nothing:
 * the pattern of two stars, a slash and x matches "x".
 * Named classes such as [:alpha:] are not known, and refused.
 */
#ifndef WEIR_BASE_GLOB_H
#define WEIR_BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/*
 * 0, or -EINVAL: an empty pattern, a set without its end, a range whose end is
 * before its start, a named class, a backslash at the end.
 */
int glob_check(const char *pattern);

/*
 * Whether the pattern, which glob_check() has passed, matches all of the text.
 * Takes no memory, and time of at most len * len * strlen(pattern) steps.
 */
bool glob_match(const char *pattern, const char *text, size_t len);

#endif
