/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "base/clock.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum unit { UNIT_COUNT, UNIT_BYTES, UNIT_NS };

/* How the values of several jobs become one. */
enum merge { MERGE_SUM, MERGE_HIGHEST };

/* Every number of struct weir_stats; `bound` is the member that a peak is held against. */
static const struct member {
	const char *name;
	size_t offset;
	enum unit unit;
	enum merge merge;
	size_t bound; /* offset, or 0 */
} members[] = {
#define MEMBER(name, unit, merge)                                        \
	{                                                                \
#name, offsetof(struct weir_stats, name), unit, merge, 0 \
	}
#define PEAK(name, unit, bound)                                                \
	{                                                                      \
#name, offsetof(struct weir_stats, name), unit, MERGE_HIGHEST, \
			offsetof(struct weir_stats, bound)                     \
	}
	MEMBER(elapsed_ns, UNIT_NS, MERGE_SUM),
	MEMBER(files_found, UNIT_COUNT, MERGE_SUM),
	MEMBER(folders_found, UNIT_COUNT, MERGE_SUM),
	MEMBER(skipped_links, UNIT_COUNT, MERGE_SUM),
	MEMBER(skipped_special, UNIT_COUNT, MERGE_SUM),
	MEMBER(skipped_filtered, UNIT_COUNT, MERGE_SUM),
	MEMBER(skipped_other, UNIT_COUNT, MERGE_SUM),
	MEMBER(files_done, UNIT_COUNT, MERGE_SUM),
	MEMBER(files_failed, UNIT_COUNT, MERGE_SUM),
	MEMBER(files_changed, UNIT_COUNT, MERGE_SUM),
	MEMBER(files_hardlinks, UNIT_COUNT, MERGE_SUM),
	MEMBER(errors, UNIT_COUNT, MERGE_SUM),
	MEMBER(read_bytes, UNIT_BYTES, MERGE_SUM),
	MEMBER(hole_bytes, UNIT_BYTES, MERGE_SUM),
	MEMBER(reads, UNIT_COUNT, MERGE_SUM),
	MEMBER(opens, UNIT_COUNT, MERGE_SUM),
	MEMBER(rate_wait_ns, UNIT_NS, MERGE_SUM),
	MEMBER(gate_wait_ns, UNIT_NS, MERGE_SUM),
	MEMBER(fd_wait_ns, UNIT_NS, MERGE_SUM),
	MEMBER(fds, UNIT_COUNT, MERGE_HIGHEST),
	PEAK(fds_peak, UNIT_COUNT, fds_max),
	MEMBER(fds_max, UNIT_COUNT, MERGE_HIGHEST),
	MEMBER(inflight_bytes, UNIT_BYTES, MERGE_HIGHEST),
	PEAK(inflight_peak_bytes, UNIT_BYTES, inflight_max_bytes),
	MEMBER(inflight_max_bytes, UNIT_BYTES, MERGE_HIGHEST),
	MEMBER(threads, UNIT_COUNT, MERGE_HIGHEST),
	MEMBER(threads_peak, UNIT_COUNT, MERGE_HIGHEST),
	MEMBER(memory_max_bytes, UNIT_BYTES, MERGE_HIGHEST),
#undef MEMBER
#undef PEAK
};

#define MEMBERS_COUNT (sizeof(members) / sizeof(members[0]))
#define NAME_COLUMNS 20

/* What took less says nothing about speed. */
#define LEAST_FOR_SPEED_NS (10 * NS_PER_MS)

static uint64_t value_at(const struct weir_stats *stats, size_t offset)
{
	uint64_t value;
	memcpy(&value, (const char *)stats + offset, sizeof(value));
	return value;
}

void report_add(struct weir_stats *total, const struct weir_stats *stats)
{
	bool is_first = total->elapsed_ns == 0;
	for (size_t i = 0; i < MEMBERS_COUNT; i++) {
		uint64_t old = value_at(total, members[i].offset);
		uint64_t new = value_at(stats, members[i].offset);
		uint64_t merged = members[i].merge == MERGE_SUM ? old + new : old > new ? old : new;
		memcpy((char *)total + members[i].offset, &merged, sizeof(merged));
	}
	total->walk_done = stats->walk_done && (is_first || total->walk_done);
	total->jobs = stats->jobs > total->jobs ? stats->jobs : total->jobs;
}

/* "1 file", "2 files" */
static void append_count(struct str *str, uint64_t count, const char *noun)
{
	char text[UNITS_TEXT_BYTES];
	str_printf(str, "%s %s%s", units_format_count(count, text), noun, count == 1 ? "" : "s");
}

static uint64_t per_second(uint64_t amount, uint64_t elapsed_ns)
{
	return elapsed_ns ? (uint64_t)((double)amount * (double)NS_PER_S / (double)elapsed_ns) : 0;
}

static void append_work(struct str *str, const struct weir_stats *stats)
{
	char text[UNITS_TEXT_BYTES];
	uint64_t bytes = stats->read_bytes + stats->hole_bytes;

	append_count(str, stats->files_done, "file");
	str_printf(str, ", %s", units_format_bytes(bytes, text));
	if (stats->hole_bytes)
		str_printf(str, " (%s of them holes)", units_format_bytes(stats->hole_bytes, text));
	str_printf(str, " in %s", units_format_duration(stats->elapsed_ns, text));
	if (stats->elapsed_ns < LEAST_FOR_SPEED_NS)
		return;
	str_printf(str, " (%s, ", units_format_rate(per_second(bytes, stats->elapsed_ns), text));
	append_count(str, per_second(stats->files_done, stats->elapsed_ns), "file");
	str_append_text(str, "/s)");
}

static void append_trouble(struct str *str, const struct weir_stats *stats)
{
	char text[UNITS_TEXT_BYTES];
	if (stats->files_failed)
		str_printf(str, ", %s failed", units_format_count(stats->files_failed, text));
	if (stats->files_changed)
		str_printf(str, " (%s changed while read)",
			   units_format_count(stats->files_changed, text));
	if (stats->errors > stats->files_failed) {
		str_append_text(str, ", ");
		append_count(str, stats->errors - stats->files_failed,
			     stats->files_failed ? "other error" : "error");
	}
}

/* ", skipped 4 links, 1 special file" */
static void append_skipped(struct str *str, const struct weir_stats *stats)
{
	const struct {
		uint64_t count;
		const char *noun;
	} kinds[] = {
		{stats->skipped_links, "link"},
		{stats->skipped_special, "special file"},
		{stats->skipped_filtered, "filtered name"},
		{stats->skipped_other, "other name"},
	};
	const char *before = ", skipped ";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].count)
			continue;
		str_append_text(str, before);
		append_count(str, kinds[i].count, kinds[i].noun);
		before = ", ";
	}
}

void report_append_summary(struct str *str, const struct weir_stats *stats)
{
	char a[UNITS_TEXT_BYTES], b[UNITS_TEXT_BYTES];
	str_append_text(str, "weir: ");
	append_work(str, stats);
	append_trouble(str, stats);
	append_skipped(str, stats);
	str_printf(str, ", %" PRIu64 " of %" PRIu64 " fds", stats->fds_peak, stats->fds_max);
	str_printf(str, ", %s of %s in flight\n", units_format_bytes(stats->inflight_peak_bytes, a),
		   units_format_bytes(stats->inflight_max_bytes, b));
}

/* " (2.9 GiB)": what is hard to read as a plain number. */
static void append_readable(struct str *str, enum unit unit, uint64_t value)
{
	char text[UNITS_TEXT_BYTES];
	if (unit == UNIT_BYTES && value >= 1024)
		str_printf(str, " (%s)", units_format_bytes(value, text));
	if (unit == UNIT_NS && value >= NS_PER_MS)
		str_printf(str, " (%s)", units_format_duration(value, text));
}

void report_append_table(struct str *str, const struct weir_stats *stats)
{
	for (size_t i = 0; i < MEMBERS_COUNT; i++) {
		const struct member *member = &members[i];
		uint64_t value = value_at(stats, member->offset);
		str_printf(str, "%-*s %" PRIu64, NAME_COLUMNS, member->name, value);
		append_readable(str, member->unit, value);
		if (member->bound) {
			uint64_t bound = value_at(stats, member->bound);
			str_printf(str, " of %" PRIu64, bound);
			append_readable(str, member->unit, bound);
		}
		str_append_byte(str, '\n');
	}
	str_printf(str, "%-*s %" PRIu32 "\n", NAME_COLUMNS, "jobs", stats->jobs);
	str_printf(str, "%-*s %s\n", NAME_COLUMNS, "walk_done", stats->walk_done ? "yes" : "no");
}

void report_append_json(struct str *str, const struct weir_stats *stats)
{
	str_append_text(str, "{\"type\":\"summary\"");
	for (size_t i = 0; i < MEMBERS_COUNT; i++)
		str_printf(str, ",\"%s\":%" PRIu64, members[i].name,
			   value_at(stats, members[i].offset));
	str_printf(str, ",\"jobs\":%" PRIu32 ",\"walk_done\":%s}\n", stats->jobs,
		   stats->walk_done ? "true" : "false");
}
