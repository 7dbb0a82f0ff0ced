/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
#define WATCHED_COUNT (sizeof(watched) / sizeof(watched[0]))

/*
 * The handler runs in the main thread, because the library's threads block all
 * signals; so a job cannot be freed while the handler cancels it.
 */
static struct weir_job *_Atomic current_job;
static volatile sig_atomic_t caught;

static void set_action(int number, void (*handler)(int))
{
	/* No SA_RESTART: what waits in the main thread is to come back. */
	struct sigaction action = {.sa_handler = handler};
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < WATCHED_COUNT; i++)
		sigaddset(&action.sa_mask, watched[i]);
	sigaction(number, &action, NULL);
}

static void handle(int number)
{
	caught = number;
	for (size_t i = 0; i < WATCHED_COUNT; i++) {
		struct sigaction old;
		if (!sigaction(watched[i], NULL, &old) && old.sa_handler == handle)
			set_action(watched[i], SIG_DFL);
	}
	struct weir_job *job = atomic_load(&current_job);
	if (job)
		weir_job_cancel(job);
}

void signals_install(void)
{
	for (size_t i = 0; i < WATCHED_COUNT; i++) {
		struct sigaction old;
		if (!sigaction(watched[i], NULL, &old) && old.sa_handler != SIG_IGN)
			set_action(watched[i], handle);
	}
	set_action(SIGPIPE, SIG_IGN);
}

void signals_watch(struct weir_job *job)
{
	atomic_store(&current_job, job);
	if (job && caught)
		weir_job_cancel(job);
}

int signals_caught(void)
{
	return caught;
}

void signals_die_of(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	set_action(number, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	_Exit(128 + number); /* not reached, but that the signal's default is to end */
}
