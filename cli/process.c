/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* More than that gains nothing: each open file would wait for a processor. */
#define ENOUGH_FDS 65536

void process_fill_stdio(void)
{
	/* open() takes the lowest that is free; those below fd are filled already. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void process_raise_fd_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	rlim_t wanted = limit.rlim_max < ENOUGH_FDS ? limit.rlim_max : ENOUGH_FDS;
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}
