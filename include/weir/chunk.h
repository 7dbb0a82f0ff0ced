/* SPDX-License-Identifier: MIT */
/*
 * A chunk: a read-only view of part of a file.
 *
 * Ownership: the engine owns every chunk. A stage may read it during the call
 * that hands it over and must not keep the pointer.
 */
#ifndef WEIR_CHUNK_H
#define WEIR_CHUNK_H

#include <weir/common.h>

WEIR_BEGIN_DECLS

struct weir_chunk {
	const void *data;
	size_t len_bytes;      /* at least 1 */
	uint64_t offset_bytes; /* of data[0], from the start of the file */
	bool is_hole;          /* the file has a hole here: data is zeros, and no device was read */
};

WEIR_END_DECLS
#endif
