/* SPDX-License-Identifier: MIT */
/*
 * Sizes and rates as people write them, and numbers as people read them.
 *
 * A size is digits, at most one point with digits on both sides, and a unit,
 * without spaces or sign. Case does not matter, and b is a byte, never a bit.
 *
 *	10      10B        bytes
 *	10K     10Ki  10KiB    powers of 1024: K M G T P E
 *	10kB                   powers of 1000: kB MB GB TB PB EB
 *
 * This is how the coreutils (truncate, split, head, dd) read them: the bare
 * letter and the i are binary, only the bare B is decimal. The bare letter is
 * binary in rg --max-filesize and in rclone too; neither reads MB as 1024.
 * A fraction must have a unit, and what is less than a byte is cut off.
 */
#ifndef WEIR_BASE_UNITS_H
#define WEIR_BASE_UNITS_H

#include <stdint.h>

/* -EINVAL for what is not a size, -ERANGE for one of 2^64 bytes or more. */
int units_parse_size(const char *text, uint64_t *ret_bytes);

/* A size that "/s" may follow. */
int units_parse_rate(const char *text, uint64_t *ret_bytes_per_s);

/* Room for every text below, with its NUL. All return buf. */
#define UNITS_TEXT_BYTES 32

/* "512 B", "1.4 GiB", "142 MiB": rounded to the nearest. */
char *units_format_bytes(uint64_t bytes, char buf[UNITS_TEXT_BYTES]);

/* "1.2 GiB/s" */
char *units_format_rate(uint64_t bytes_per_s, char buf[UNITS_TEXT_BYTES]);

/* "340ms", "4.2s", "42s", "1m05s", "2h03m", "3d04h": cut off, not rounded. */
char *units_format_duration(uint64_t duration_ns, char buf[UNITS_TEXT_BYTES]);

/* "1,234,567" */
char *units_format_count(uint64_t count, char buf[UNITS_TEXT_BYTES]);

#endif
