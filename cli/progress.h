/* SPDX-License-Identifier: MIT */
/* The line of progress: how far, how fast, how long still, and how much of the bounds is in use. */
#ifndef WEIR_CLI_PROGRESS_H
#define WEIR_CLI_PROGRESS_H

#include "base/str.h"

#include <weir/stats.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between two drawings, and before the first. */
#define PROGRESS_INTERVAL_NS UINT64_C(100000000)
#define PROGRESS_PATIENCE_NS UINT64_C(300000000)

/* Twenty intervals: the speed is that of the last two seconds. */
#define PROGRESS_SAMPLES 20

struct progress {
	struct {
		uint64_t at_ns, bytes;
	} samples[PROGRESS_SAMPLES];
	size_t count; /* that were taken; the last is at (count - 1) % PROGRESS_SAMPLES */
};

void progress_init(struct progress *progress);

/* Takes a sample and appends the line; now_ns never goes back. */
void progress_append(struct progress *progress, const struct weir_stats *stats, uint64_t now_ns,
		     struct str *line);

/* Whether to draw if nobody said: a terminal that can, and that this process has in front. */
bool progress_is_welcome(int fd);

#endif
