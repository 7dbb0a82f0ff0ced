/* SPDX-License-Identifier: MIT */
/* Bytes from outside, made fit to stand in a message of one line. */
#ifndef WEIR_CLI_VISIBLE_H
#define WEIR_CLI_VISIBLE_H

#include "base/str.h"

#include <stddef.h>

/*
 * Appends the bytes with whatever could move a terminal's cursor, change its
 * state or reorder its text written as \ooo: control characters, bytes that are
 * not UTF-8, and the marks of bidirectional text.
 */
void visible_append(struct str *str, const char *bytes, size_t len);

/* As they are, but for what would end the line. */
void visible_append_line(struct str *str, const char *bytes, size_t len);

#endif
