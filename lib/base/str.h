/* SPDX-License-Identifier: MIT */
/*
 * A growing string of bytes.
 *
 * `buf` is NUL-terminated once anything has been appended (the NUL is not in
 * len) and may hold NULs itself. When memory is missing the string remembers
 * it: `err` becomes -ENOMEM, further appends do nothing, and one check at the
 * end is enough. STR_INIT or all zeros is an empty string.
 */
#ifndef WEIR_BASE_STR_H
#define WEIR_BASE_STR_H

#include <stddef.h>
#include <stdint.h>

struct str {
	char *buf;
	size_t len, cap;
	int err;
};

/* clang-format off */
#define STR_INIT {0}
/* clang-format on */

void str_release(struct str *str);             /* frees the contents; str is empty again */
void str_clear(struct str *str);               /* empty, but keeps its memory; forgets err */
int str_reserve(struct str *str, size_t more); /* room for `more` bytes and a NUL */

void str_append(struct str *str, const void *data, size_t len);
void str_append_text(struct str *str, const char *text);
void str_append_byte(struct str *str, char byte);
void str_append_u64(struct str *str, uint64_t value);
void str_printf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
