/* SPDX-License-Identifier: MIT */
/*
 * VERIFY: an invariant on which memory safety rests; checked in every build.
 * For all other claims use assert().
 */
#ifndef WEIR_BASE_VERIFY_H
#define WEIR_BASE_VERIFY_H

#include <stdlib.h>

#define VERIFY(condition)                              \
	do {                                           \
		if (__builtin_expect(!(condition), 0)) \
			abort();                       \
	} while (0)

#endif
