/* SPDX-License-Identifier: MIT */
/*
 * What every public header needs: visibility, and the rule for option structs.
 *
 * Option structs. The first member of every option struct is `size_t size`, set
 * to sizeof the struct that the caller was compiled with. The library reads a
 * member only if it lies within that size, and a zero member means its default,
 * so a struct can grow without breaking programs that are already built:
 *
 *	struct weir_limits limits = WEIR_OPTS(weir_limits, .jobs = 4);
 */
#ifndef WEIR_COMMON_H
#define WEIR_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEIR_BEGIN_DECLS extern "C" {
#define WEIR_END_DECLS }
#else
#define WEIR_BEGIN_DECLS
#define WEIR_END_DECLS
#endif

/* Everything is hidden but what carries this mark; lib/libweir.map versions it. */
#define WEIR_API __attribute__((visibility("default")))

#define WEIR_OPTS(type, ...) ((struct type){.size = sizeof(struct type), __VA_ARGS__})

/* A time-out that never comes. */
#define WEIR_FOREVER_NS UINT64_MAX

#endif
