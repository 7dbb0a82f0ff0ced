/* SPDX-License-Identifier: MIT */
/* Writing JSON (RFC 8259) into a struct str, member by member. */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include "base/str.h"

#include <stddef.h>

/* A string with its quotes. The bytes must be valid UTF-8; they may hold NUL. */
void json_append_string(struct str *str, const char *bytes, size_t len);

/*
 * A name as a member: "path":"..." if it is valid UTF-8 without NUL, and
 * "path_base64":"..." otherwise, so that every name comes back as it was.
 */
void json_append_path(struct str *str, const char *path, size_t len);

#endif
