/* SPDX-License-Identifier: MIT */
/* A file in work: open, known, and compared at the end. Private to lib/engine. */
#ifndef WEIR_ENGINE_FILE_H
#define WEIR_ENGINE_FILE_H

#include "engine/engine.h"
#include "engine/plan.h"

struct file {
	struct weir_job *job;
	struct worker *worker;
	struct result *result;
	int fd;
	struct os_stat before; /* when it was opened */
	struct plan plan;
	uint64_t done_bytes; /* that the stages have seen */
	bool is_stdin;       /* not opened, not to be closed */
	bool is_stream;      /* no positions, nothing to compare */
	bool is_sized;       /* the size is that of the data, as far as is known */
	bool is_begun;       /* some read of a stream has returned */
	struct link *link;   /* if it owns the reading for other names */
};

/*
 * Opens the entry of file->result and looks at it. 0, or an error that has been
 * put into the result. Then file_close() is not needed.
 */
int file_open(struct file *file);
void file_close(struct file *file);

/* After the last byte: 0, or -ESTALE, put into the result, if it is not what it was. */
int file_compare(struct file *file);

/* Puts an error into the result, and returns it. */
int file_fail(struct file *file, enum weir_op op, int err, uint64_t offset_bytes, const char *stage,
	      const char *hint);

/* Waits until a stream has something to say. 0; -ECANCELED; or -errno. */
int file_wait_stream(struct file *file);

#endif
