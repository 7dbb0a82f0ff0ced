/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli; iSCSI, btrfs, ext4, cloud object stores), from ISA-L. */
#include "stage/hash.h"

#include <isa-l/crc.h>

/* ISA-L counts in an int. */
#define MAX_BYTES ((size_t)1 << 30)

/*
 * ISA-L's header lacks a const: it does not write to the buffer. Through a
 * union because a cast that drops const is what the compiler warns of.
 */
static uint32_t crc32c(uint32_t crc, const unsigned char *data, size_t len_bytes)
{
	union {
		const unsigned char *data;
		unsigned char *buffer;
	} input = {.data = data};
	return crc32_iscsi(input.buffer, (int)len_bytes, crc);
}

static int init(const struct hash_ops *ops, void *state)
{
	(void)ops;
	*(uint32_t *)state = UINT32_MAX;
	return 0;
}

static int update(void *state, const void *data, size_t len_bytes)
{
	const unsigned char *next = data;
	uint32_t crc = *(uint32_t *)state;
	while (len_bytes) {
		size_t len = len_bytes < MAX_BYTES ? len_bytes : MAX_BYTES;
		crc = crc32c(crc, next, len);
		next += len;
		len_bytes -= len;
	}
	*(uint32_t *)state = crc;
	return 0;
}

static int final(void *state, uint8_t *out)
{
	uint32_t crc = ~*(uint32_t *)state;
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(crc >> (24 - 8 * i));
	return 0;
}

const struct hash_ops hash_crc32c = {
	.state_bytes = sizeof(uint32_t),
	.init = init,
	.update = update,
	.final = final,
};
