/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include "base/clock.h"
#include "base/verify.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* What a new thread is told; it frees it. */
struct start {
	char name[16];
	void (*fn)(void *arg);
	void *arg;
};

/* One MiB: the deepest path through the library needs a tenth of it. */
#define STACK_BYTES ((size_t)1 << 20)

void mutex_init(struct mutex *mutex)
{
	VERIFY(pthread_mutex_init(&mutex->m, NULL) == 0);
}

void mutex_release(struct mutex *mutex)
{
	VERIFY(pthread_mutex_destroy(&mutex->m) == 0);
}

void mutex_lock(struct mutex *mutex)
{
	VERIFY(pthread_mutex_lock(&mutex->m) == 0);
}

void mutex_unlock(struct mutex *mutex)
{
	VERIFY(pthread_mutex_unlock(&mutex->m) == 0);
}

void cond_init(struct cond *cond)
{
	pthread_condattr_t attr;
	VERIFY(pthread_condattr_init(&attr) == 0);
	VERIFY(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	VERIFY(pthread_cond_init(&cond->c, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

void cond_release(struct cond *cond)
{
	VERIFY(pthread_cond_destroy(&cond->c) == 0);
}

void cond_signal(struct cond *cond)
{
	VERIFY(pthread_cond_signal(&cond->c) == 0);
}

void cond_broadcast(struct cond *cond)
{
	VERIFY(pthread_cond_broadcast(&cond->c) == 0);
}

void cond_wait(struct cond *cond, struct mutex *mutex)
{
	VERIFY(pthread_cond_wait(&cond->c, &mutex->m) == 0);
}

bool cond_wait_until(struct cond *cond, struct mutex *mutex, uint64_t deadline_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline_ns / NS_PER_S),
		.tv_nsec = (long)(deadline_ns % NS_PER_S),
	};
	int err = pthread_cond_timedwait(&cond->c, &mutex->m, &ts);
	VERIFY(err == 0 || err == ETIMEDOUT);
	return err == 0;
}

static void *thread_main(void *arg)
{
	struct start start = *(struct start *)arg;
	free(arg);
	pthread_setname_np(pthread_self(), start.name);
	start.fn(start.arg);
	return NULL;
}

int thread_start(struct thread *thread, const char *name, void (*fn)(void *arg), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	if (!start)
		return -ENOMEM;
	*start = (struct start){.fn = fn, .arg = arg};
	snprintf(start->name, sizeof(start->name), "%s", name);

	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);
	if (err)
		goto fail;
	pthread_attr_setstacksize(&attr, STACK_BYTES);

	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread->t, &attr, thread_main, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!err)
		return 0;
fail:
	free(start);
	return -err;
}

void thread_join(struct thread *thread)
{
	VERIFY(pthread_join(thread->t, NULL) == 0);
}
