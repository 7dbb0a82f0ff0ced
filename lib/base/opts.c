/* SPDX-License-Identifier: MIT */
#include "base/opts.h"

#include <errno.h>
#include <string.h>

int opts_copy(void *own, size_t own_size, const void *options)
{
	size_t size;

	memset(own, 0, own_size);
	if (!options)
		return 0;
	memcpy(&size, options, sizeof(size));
	if (size < sizeof(size) || size > own_size)
		return -EINVAL;
	memcpy(own, options, size);
	return 0;
}
