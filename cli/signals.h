/* SPDX-License-Identifier: MIT */
/*
 * SIGINT, SIGTERM and SIGHUP: the first cancels the job that is watched, a second
 * ends the process at once. A signal that was ignored when the process started
 * (as nohup does) stays ignored. SIGPIPE is ignored, so that a write fails instead.
 */
#ifndef WEIR_CLI_SIGNALS_H
#define WEIR_CLI_SIGNALS_H

#include <weir/job.h>

void signals_install(void);

/* The job to cancel; NULL: none. A signal that came before cancels it too. */
void signals_watch(struct weir_job *job);

/* The signal that came, or 0. */
int signals_caught(void);

/* Ends the process by this signal's default action, as whoever waits for it expects. */
_Noreturn void signals_die_of(int number);

#endif
