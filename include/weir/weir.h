/* SPDX-License-Identifier: MIT */
/*
 * libweir: reads everything and exhausts nothing.
 *
 * A program makes a source (what to read), a sink (where results go) and a job
 * that joins them within limits; examples/hash-tree.c is the whole of it in
 * thirty lines. The library never prints, never exits, and changes neither
 * signal handling nor limits of the process that it runs in.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/chunk.h>
#include <weir/common.h>
#include <weir/error.h>
#include <weir/job.h>
#include <weir/limits.h>
#include <weir/sink.h>
#include <weir/source.h>
#include <weir/stage.h>
#include <weir/stats.h>

WEIR_BEGIN_DECLS

/* "0.1.0"; of the library that is loaded, not of the header. */
WEIR_API const char *weir_version(void);

WEIR_END_DECLS
#endif
