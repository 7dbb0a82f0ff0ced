/* SPDX-License-Identifier: MIT */
/* Option structs, whose first member is the size that their caller knew. */
#ifndef WEIR_BASE_OPTS_H
#define WEIR_BASE_OPTS_H

#include <stddef.h>

/*
 * Copies the caller's options (NULL: none) over zeros, as far as the caller's
 * struct goes. 0, or -EINVAL for a struct that has no size, or is larger than
 * this library's: it may ask for what this library does not know.
 */
int opts_copy(void *own, size_t own_size, const void *options);

#endif
