/* SPDX-License-Identifier: MIT */
/* Opening by path, whatever its length. Private to lib/open. */
#ifndef WEIR_OPEN_PATH_H
#define WEIR_OPEN_PATH_H

#include "open/fdpool.h"

/*
 * Opens `name` in `folder` without using the folder's own descriptor. Needs one
 * descriptor, and a second one for a moment where `needs_spare` says so.
 * Returns the descriptor or -errno.
 */
int path_open(struct fdpool *pool, const struct folder *folder, const char *name, int flags);
bool path_needs_spare(const struct folder *folder, const char *name);

#endif
