/* SPDX-License-Identifier: MIT */
/* Opening by path, whatever its length. Private to lib/open. */
#ifndef WEIR_OPEN_PATH_H
#define WEIR_OPEN_PATH_H

#include "open/fdpool.h"

/*
 * Opens `name` in `folder` (NULL: a path of the user's), starting from `base`,
 * a folder above it or itself that is open as base_fd and stays so, or from the
 * root's name if base is NULL. Where it needs two descriptors at once it takes
 * the pool's spare for as long. Returns the descriptor or -errno.
 */
int path_open(struct fdpool *pool, const struct folder *base, int base_fd,
	      const struct folder *folder, const char *name, int flags);

/* Whether the kernel takes a path of the user's in one call. */
bool path_is_short(const char *path);

#endif
