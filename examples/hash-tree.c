/* SPDX-License-Identifier: MIT */
/* Prints the BLAKE3 digest of every file in the trees that are named, in order. */
#include <errno.h>
#include <stdio.h>
#include <weir/weir.h>

static int print(struct weir_sink *sink, const struct weir_record *record)
{
	char text[256];
	(void)sink;
	for (size_t i = 0; record->digests_count && i < record->digests[0].len_bytes; i++)
		printf("%02x", record->digests[0].bytes[i]);
	if (!record->error)
		return printf("  %s\n", record->path) < 0 ? -EIO : 0;
	weir_error_format(record->error, text, sizeof(text));
	return fprintf(stderr, "%s: %s\n", record->path, text) < 0 ? -EIO : 0;
}

int main(int argc, char **argv)
{
	struct weir_source *source = NULL;
	struct weir_job *job = NULL;
	struct weir_sink sink = {.name = "print", .put = print};
	struct weir_job_options options = WEIR_OPTS(weir_job_options, .digests = 1 << WEIR_BLAKE3);
	const char *const *paths = (const char *const *)argv + 1;

	int err = weir_source_new_paths(paths, (size_t)argc - 1, NULL, &source);
	if (!err)
		err = weir_job_new(source, &sink, &options, &job, NULL);
	if (!err)
		err = weir_job_run(job);
	weir_job_free(job);
	weir_source_free(source);
	return err ? 1 : 0;
}
