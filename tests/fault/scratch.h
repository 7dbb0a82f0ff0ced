/* SPDX-License-Identifier: MIT */
/* A folder for one test's files. What cannot be made ends the program. */
#ifndef WEIR_TESTS_SCRATCH_H
#define WEIR_TESTS_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

struct scratch {
	char path[256];
	int fd; /* of the folder; a test may make things relative to it */
};

/* In `under`, or, if that is NULL, where temporary files belong. */
void scratch_new(struct scratch *scratch, const char *under);
/* Removes all that is in it, however deep. */
void scratch_free(struct scratch *scratch);

/* The path of a name in it; valid until the fourth later call in this thread. */
const char *scratch_path(const struct scratch *scratch, const char *name);

void scratch_folder(const struct scratch *scratch, const char *name);
void scratch_file(const struct scratch *scratch, const char *name, const void *data,
		  size_t len_bytes);
/* A file of scratch_byte(0), scratch_byte(1), ... */
void scratch_pattern(const struct scratch *scratch, const char *name, size_t len_bytes);
unsigned char scratch_byte(uint64_t at);
/* The same bytes in memory, to be freed. */
unsigned char *scratch_bytes(size_t len_bytes);

/* Waits until the files are so old that a job need not wait for their time stamps. */
void scratch_settle(void);

/* Descriptors that the program has open, by the kernel's word. */
int scratch_count_fds(void);

#endif
