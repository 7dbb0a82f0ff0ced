/* SPDX-License-Identifier: MIT */
/* Prints the BLAKE3 digest of every file in the trees that are named, in order. */
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

static int print(struct weir_sink *sink, const struct weir_record *record)
{
	char text[256];
	(void)sink;
	if (record->error) {
		weir_error_format(record->error, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", record->path, text);
		return 0;
	}
	for (size_t i = 0; i < record->digests[0].len_bytes; i++)
		printf("%02x", record->digests[0].bytes[i]);
	return printf("  %s\n", record->path) < 0 ? -5 : 0;
}

int main(int argc, char **argv)
{
	struct weir_source *source = NULL;
	struct weir_job *job = NULL;
	struct weir_sink sink = {.name = "print", .put = print};
	struct weir_job_options options =
		WEIR_OPTS(weir_job_options, .digests = WEIR_DIGEST_BIT(WEIR_BLAKE3));
	struct weir_error error = {0};

	int err = weir_source_new_paths((const char *const *)argv + 1, (size_t)argc - 1, NULL,
					&source);
	if (!err)
		err = weir_job_new(source, &sink, &options, &job, &error);
	if (!err)
		err = weir_job_run(job);
	if (err)
		fprintf(stderr, "hash-tree: %s\n", strerror(-err));
	weir_job_free(job);
	weir_source_free(source);
	return err ? 1 : 0;
}
