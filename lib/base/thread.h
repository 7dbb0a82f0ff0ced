/* SPDX-License-Identifier: MIT */
/*
 * Threads, locks and conditions. Locking cannot fail in a correct program, so
 * these return nothing and abort where pthread reports an error. Conditions
 * count on the monotonic clock. The only user of pthread is thread.c.
 */
#ifndef WEIR_BASE_THREAD_H
#define WEIR_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct mutex {
	pthread_mutex_t m;
};

struct cond {
	pthread_cond_t c;
};

void mutex_init(struct mutex *mutex);
void mutex_release(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

void cond_init(struct cond *cond);
void cond_release(struct cond *cond);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);
void cond_wait(struct cond *cond, struct mutex *mutex);

/* deadline_ns: of clock_monotonic_ns(). False when it has passed. */
bool cond_wait_until(struct cond *cond, struct mutex *mutex, uint64_t deadline_ns);

struct thread {
	pthread_t t;
};

/*
 * Runs fn(arg) with all signals blocked. `name` (15 bytes) shows in ps and top.
 * 0, -EAGAIN or -ENOMEM.
 */
int thread_start(struct thread *thread, const char *name, void (*fn)(void *arg), void *arg);
void thread_join(struct thread *thread);

#endif
