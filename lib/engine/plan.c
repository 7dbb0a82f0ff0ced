/* SPDX-License-Identifier: MIT */
#include "engine/plan.h"

#include "os/os.h"

#include <errno.h>
#include <unistd.h>

void plan_init(struct plan *plan, int fd, uint64_t size_bytes, bool may_have_holes)
{
	*plan = (struct plan){
		.fd = fd,
		.size_bytes = size_bytes,
		.may_have_holes = may_have_holes,
	};
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Finds the data or the hole that starts where the plan stands. Whatever goes
 * wrong in asking, reading everything is right, so there are no errors.
 */
static void find_region(struct plan *plan)
{
	uint64_t at = plan->at_bytes, end = plan->size_bytes;
	bool is_hole = false;
	if (plan->may_have_holes) {
		off_t data = os_lseek(plan->fd, (off_t)at, SEEK_DATA);
		if (data == -ENXIO || (data >= 0 && (uint64_t)data > at)) {
			is_hole = true;
			end = data < 0 ? end : min_u64(end, (uint64_t)data);
		} else if (data >= 0) {
			off_t hole = os_lseek(plan->fd, (off_t)at, SEEK_HOLE);
			if (hole > 0 && (uint64_t)hole > at)
				end = min_u64(end, (uint64_t)hole);
		} else {
			plan->may_have_holes = false;
		}
	}
	plan->region = (struct extent){at, end - at, is_hole};
}

bool plan_next(struct plan *plan, struct extent *ret_extent)
{
	if (plan->at_bytes >= plan->size_bytes)
		return false;
	if (!plan->region.len_bytes)
		find_region(plan);
	struct extent *region = &plan->region;
	uint64_t len = region->len_bytes;
	if (!region->is_hole)
		len = min_u64(len, EXTENT_MAX_BYTES);
	*ret_extent = (struct extent){region->offset_bytes, len, region->is_hole};
	region->offset_bytes += len;
	region->len_bytes -= len;
	plan->at_bytes += len;
	return true;
}

void plan_end(struct plan *plan)
{
	plan->size_bytes = plan->at_bytes;
	plan->region.len_bytes = 0;
}
