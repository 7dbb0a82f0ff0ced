/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "base/clock.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void progress_init(struct progress *progress)
{
	*progress = (struct progress){0};
}

/* Bytes per second since the oldest sample, which the new one then replaces. */
static uint64_t sample_speed(struct progress *progress, uint64_t bytes, uint64_t now_ns)
{
	uint64_t speed = 0;
	size_t oldest = progress->count < PROGRESS_SAMPLES ? 0 : progress->count % PROGRESS_SAMPLES;
	if (progress->count > 0 && now_ns > progress->samples[oldest].at_ns) {
		double more_bytes = (double)(bytes - progress->samples[oldest].bytes);
		double more_ns = (double)(now_ns - progress->samples[oldest].at_ns);
		speed = (uint64_t)(more_bytes * (double)NS_PER_S / more_ns);
	}
	size_t next = progress->count++ % PROGRESS_SAMPLES;
	progress->samples[next].at_ns = now_ns;
	progress->samples[next].bytes = bytes;
	return speed;
}

/*
 * What is left would take that long if the remaining files were like those that
 * are done. Nothing can be said before the walk has ended.
 */
static void append_time_left(struct str *line, const struct weir_stats *stats, uint64_t bytes,
			     uint64_t bytes_per_s)
{
	if (!stats->walk_done || !stats->files_done || !bytes_per_s ||
	    stats->files_found <= stats->files_done)
		return;
	double mean_bytes = (double)bytes / (double)stats->files_done;
	double left_bytes = mean_bytes * (double)(stats->files_found - stats->files_done);
	double left_ns = left_bytes / (double)bytes_per_s * (double)NS_PER_S;
	if (left_ns >= (double)(UINT64_MAX / 2))
		return;
	char text[UNITS_TEXT_BYTES];
	str_printf(line, ", ~%s left", units_format_duration((uint64_t)left_ns, text));
}

void progress_append(struct progress *progress, const struct weir_stats *stats, uint64_t now_ns,
		     struct str *line)
{
	char a[UNITS_TEXT_BYTES], b[UNITS_TEXT_BYTES];
	uint64_t bytes = stats->read_bytes + stats->hole_bytes;
	uint64_t bytes_per_s = sample_speed(progress, bytes, now_ns);

	str_printf(line, "%s of %s%s files", units_format_count(stats->files_done, a),
		   units_format_count(stats->files_found, b), stats->walk_done ? "" : "+");
	str_printf(line, ", %s", units_format_bytes(bytes, a));
	str_printf(line, ", %s", units_format_rate(bytes_per_s, a));
	append_time_left(line, stats, bytes, bytes_per_s);
	if (stats->errors)
		str_printf(line, ", %s error%s", units_format_count(stats->errors, a),
			   stats->errors == 1 ? "" : "s");
	str_printf(line, ", fds %" PRIu64 "/%" PRIu64, stats->fds, stats->fds_max);
	str_printf(line, ", in flight %s/%s", units_format_bytes(stats->inflight_bytes, a),
		   units_format_bytes(stats->inflight_max_bytes, b));
}

bool progress_is_welcome(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && term && strcmp(term, "dumb") && tcgetpgrp(fd) == getpgrp();
}
