/* SPDX-License-Identifier: MIT */
/*
 * One line of a manifest, as weir and others write them.
 *
 *	HEX  PATH           coreutils, b3sum, xxhsum; also `HEX *PATH` and,
 *	                    with a single space, `HEX PATH`
 *	XXH3_HEX  PATH      xxhsum
 *	TAG (PATH) = HEX    weir, BSD, coreutils --tag, cksum -a, xxhsum --tag
 *	TAG(PATH)= HEX      openssl dgst
 *	{"type":"file",...} weir --json
 *
 * A backslash at the start says that the path is escaped, as the coreutils do
 * it; without it, every backslash is part of the name, as xxhsum and openssl
 * mean it. In a NUL-terminated manifest nothing is escaped.
 *
 * A carriage return at the end of a line that is not NUL-terminated is taken
 * for a part of the line's end and dropped, as the coreutils do. They escape
 * it in names, so nothing of theirs is lost; a plain line of b3sum, xxhsum or
 * openssl whose name ends with one cannot be told from a line with a DOS end.
 *
 * Pure, but for what jansson does with the first JSON line of a process: it
 * may open /dev/urandom for a moment.
 */
#ifndef WEIR_WALK_MANIFEST_LINE_H
#define WEIR_WALK_MANIFEST_LINE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/sink.h>

/* All zeros is a line that nothing was read into. It may be used again and again. */
struct manifest_line {
	struct str path; /* without NUL in it, and not empty */
	size_t digests_count;
	struct weir_expected_digest digests[WEIR_DIGEST_COUNT]; /* several only from JSON */
};

/*
 * Reads the len bytes at data, which have no terminator, into *line.
 * plain_digests: those that a plain line may stand for, or 0 for the table at
 * struct weir_manifest_options.
 *
 * Returns 0; -ENOENT for a line that lists nothing: a blank one, a comment
 * (#), and what weir --json writes beside files; -EINVAL for one that cannot be
 * understood; -ENOMEM. On failure the contents of *line are not to be used.
 */
int manifest_line_parse(struct manifest_line *line, const char *data, size_t len, bool is_zero,
			uint32_t plain_digests);

/* Frees the contents. */
void manifest_line_release(struct manifest_line *line);

#endif
