/* SPDX-License-Identifier: MIT */
/*
 * Faults on purpose: a table of system calls that counts them, and makes a
 * chosen one fail, fall short or be interrupted.
 *
 * Calls of each kind are numbered from 1 in the order in which they are made.
 * A descriptor that fails to close is closed all the same, as the kernel does
 * it. Descriptors that are opened and closed through the table are tracked:
 * one that is closed twice aborts the program. All functions are thread-safe,
 * but for install, uninstall, plan and watch: not while a job runs.
 */
#ifndef WEIR_TESTS_FAULT_H
#define WEIR_TESTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_call {
	FAULT_OPENAT,
	FAULT_OPENAT2,
	FAULT_CLOSE,
	FAULT_STATX,
	FAULT_GETDENTS,
	FAULT_LSEEK,
	FAULT_READ,
	FAULT_PREAD,
	FAULT_WRITE,
	FAULT_FSYNC,
	FAULT_FCHMOD,
	FAULT_FCHOWN,
	FAULT_RENAMEAT,
	FAULT_UNLINKAT,
	FAULT_FSTATFS,
	FAULT_GETRLIMIT,
	FAULT_AFFINITY,
	FAULT_MMAP,
	FAULT_MUNMAP,
	FAULT_POLL,
	FAULT_READLINKAT,
	FAULT_CALLS, /* how many kinds there are */
};

/* Instead of an errno: reads, writes and getdents are given less than they ask for. */
#define FAULT_SHORT (-1)

struct fault_plan {
	enum fault_call call;
	uint64_t first, count; /* the calls that it hits: first, first + 1, ...; count 0: none */
	int effect;            /* the errno that they fail with, or FAULT_SHORT */
};

const char *fault_call_name(enum fault_call call);

/* Puts the table in place, with all counts at zero and no plan. */
void fault_install(void);
/* The kernel's own calls again. */
void fault_uninstall(void);

void fault_set_plan(const struct fault_plan *plan);

/*
 * Is called before every call of this kind, by the thread that makes it; path
 * is NULL for calls without one. May make system calls of its own, but not
 * through the library.
 */
void fault_watch(enum fault_call call, void (*watch)(void *ctx, uint64_t number, const char *path),
		 void *ctx);

uint64_t fault_count(enum fault_call call);
/* How often the plan has struck. */
uint64_t fault_hits(void);

/* Descriptors opened through the table: now, and the most at any time since install. */
int fault_fds_open(void);
int fault_fds_peak(void);

#endif
