/* SPDX-License-Identifier: MIT */
/* Bytes as pairs of hexadecimal digits: written in lower case, read in either. */
#ifndef WEIR_BASE_HEX_H
#define WEIR_BASE_HEX_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* The value of a digit, 0 to 15, or -1. */
int hex_value(char digit);

/* Writes 2 * len digits to out, and no NUL. */
void hex_encode(const uint8_t *bytes, size_t len, char *out);

void hex_append(struct str *str, const uint8_t *bytes, size_t len);

/* Writes digits_len / 2 bytes to out; -EINVAL for an odd length or another character. */
int hex_decode(const char *digits, size_t digits_len, uint8_t *out);

#endif
