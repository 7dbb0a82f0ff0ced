/* SPDX-License-Identifier: MIT */
/* What the command does to its own process before anything else; the library never does. */
#ifndef WEIR_CLI_PROCESS_H
#define WEIR_CLI_PROCESS_H

/*
 * Fills those of descriptors 0, 1 and 2 that were closed, so that no file that
 * is opened later becomes standard output. Using them still fails with EBADF.
 */
void process_fill_stdio(void);

/* Raises the soft limit of descriptors to the hard one, but not above 65536. */
void process_raise_fd_limit(void);

#endif
