/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzzer's test on every file of the folders given, so that a corpus is
 * an ordinary test under any compiler. Prints how many; fails if it is none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay_file(const char *path, size_t len)
{
	/* Of just its size, so that a sanitizer sees a read behind the end. */
	uint8_t *data = malloc(len ? len : 1);
	FILE *file = fopen(path, "rb");
	int err = -1;

	if (data && file && fread(data, 1, len, file) == len)
		err = LLVMFuzzerTestOneInput(data, len);
	if (file)
		fclose(file);
	free(data);
	if (err)
		fprintf(stderr, "%s: failed or cannot be read\n", path);
	return err;
}

/* Returns the number of files, or -1. */
static long replay_folder(const char *folder)
{
	long count = 0;
	DIR *dir = opendir(folder);
	if (!dir) {
		perror(folder);
		return -1;
	}

	for (const struct dirent *entry; count >= 0 && (entry = readdir(dir));) {
		struct stat info;
		char path[4096];
		int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (len < 0 || (size_t)len >= sizeof(path) || stat(path, &info))
			count = -1;
		else if (S_ISREG(info.st_mode))
			count = replay_file(path, (size_t)info.st_size) ? -1 : count + 1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	long total = 0;

	for (int i = 1; i < argc; i++) {
		long count = replay_folder(argv[i]);
		if (count < 0)
			return 1;
		total += count;
	}
	printf("%ld files\n", total);
	return total == 0;
}
