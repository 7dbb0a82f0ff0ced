/* SPDX-License-Identifier: MIT */
/* The counters of a job in words, as a table, and as JSON. */
#ifndef WEIR_CLI_REPORT_H
#define WEIR_CLI_REPORT_H

#include "base/str.h"

#include <weir/stats.h>

/* Adds the counters of one job to those of the jobs before it; of levels the highest stays. */
void report_add(struct weir_stats *total, const struct weir_stats *stats);

/* "weir: 61,350 files, 2.9 GiB in 3.2s (...), ...\n" */
void report_append_summary(struct str *str, const struct weir_stats *stats);

/* A line for each member. */
void report_append_table(struct str *str, const struct weir_stats *stats);

/* {"type":"summary",...}\n */
void report_append_json(struct str *str, const struct weir_stats *stats);

#endif
