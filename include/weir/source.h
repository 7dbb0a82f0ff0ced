/* SPDX-License-Identifier: MIT */
/*
 * Sources: what is to be read.
 *
 * Names are bytes: any byte but NUL, of any length. A name that the caller
 * passes may be a file, or a folder whose whole tree is meant.
 *
 * Order: a job reports in the order of the names and, within a tree, of the
 * walk: the files of a folder by name (byte by byte), then its sub-folders by
 * name, each with all that is below it. A folder whose names do not fit in the
 * memory of the walk comes in several such runs, each sorted in itself.
 *
 * Thread safety: a source belongs to one thread until weir_job_new() borrows
 * it; it must outlive the job.
 */
#ifndef WEIR_SOURCE_H
#define WEIR_SOURCE_H

#include <weir/common.h>
#include <weir/error.h>

WEIR_BEGIN_DECLS

struct weir_source;

struct weir_source_options {
	size_t size;

	bool follow_symlinks; /* in a walk too; a loop is reported as that folder's error */
	bool one_file_system; /* a walk does not enter folders on another device */
	bool unsorted;        /* names in the order in which the folder gives them */

	/*
	 * Globs that a walk (not a name given by the caller) is filtered by.
	 * `*` and `?` do not match a slash, `**` does; `[a-z]`, `[!a-z]` and a
	 * backslash are as in the shell. A glob without a slash is held against
	 * the last part of a path, one with a slash against the path below the
	 * root. A file is read if some include matches (or there is none) and
	 * no exclude does; a folder that an exclude matches is not entered.
	 */
	const char *const *includes;
	size_t includes_count;
	const char *const *excludes;
	size_t excludes_count;

	/* Files of a walk that are smaller or larger are not read. */
	uint64_t min_size_bytes;
	uint64_t max_size_bytes; /* only if has_max_size */
	bool has_max_size;
};

/*
 * A source of the `count` names in paths. "-" is standard input unless
 * a path is spelled "./-". The names are copied. options may be NULL.
 * Returns 0, -EINVAL (a malformed glob, an unknown size) or -ENOMEM.
 */
WEIR_API int weir_source_new_paths(const char *const *paths, size_t count,
				   const struct weir_source_options *options,
				   struct weir_source **ret_source);

/*
 * A source of the NUL-separated names that can be read from fd, which stays the
 * caller's. They are read as the job needs them, so the list may be of any
 * length and may come from a pipe. A name of no bytes is an error record.
 * list_name stands in errors.
 */
WEIR_API int weir_source_new_list(int fd, const char *list_name,
				  const struct weir_source_options *options,
				  struct weir_source **ret_source);

struct weir_manifest_options {
	size_t size;

	/*
	 * The digests that a plain line (HEX  PATH) may stand for. 0: by its
	 * length, 8 digits CRC32C or XXH32; 16 XXH64 or XXH3; 32 MD5; 40 SHA-1;
	 * 56 SHA-224; 64 BLAKE3 or SHA-256; 96 SHA-384; 128 SHA-512 or BLAKE2b.
	 * Where it may be two, a file that matches either is right. Thirty-two
	 * digits are never taken for XXH128 unasked: it can be forged, and a
	 * manifest of MD5 must not become weaker by being read here.
	 */
	uint32_t digests;

	bool ignore_missing; /* that a file does not exist is not counted as an error */
};

/*
 * A source of the files that a manifest lists, each with the digest that it
 * ought to have: plain, BSD-tagged or JSON lines, as weir, b3sum, the coreutils
 * and xxhsum write them, NUL-terminated ones included. fd stays the caller's.
 * Lines that cannot be understood are records with WEIR_OP_PARSE.
 */
WEIR_API int weir_source_new_manifest(int fd, const char *manifest_name,
				      const struct weir_manifest_options *options,
				      struct weir_source **ret_source);

/* Takes NULL. Not before the job that borrowed it is freed. */
WEIR_API void weir_source_free(struct weir_source *source);

WEIR_END_DECLS
#endif
