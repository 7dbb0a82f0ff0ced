/* SPDX-License-Identifier: MIT */
/*
 * File names in text: names are bytes, lines are not.
 *
 * Escaping is that of the coreutils' checksum programs. A name that holds a
 * backslash, a newline or a carriage return is written with \\ \n \r in their
 * places, and the line that it stands on begins with one more backslash, so
 * that a reader knows; every other name is written as it is.
 *
 * Functions that append leave the string as it was when they fail.
 */
#ifndef WEIR_BASE_NAME_H
#define WEIR_BASE_NAME_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the name needs escapes, and its line the leading backslash. */
bool name_is_odd(const char *name, size_t len);

/* The name with its escapes, without the leading backslash. */
void name_append_escaped(struct str *str, const char *name, size_t len);

/* The reverse; -EINVAL for any other escape and a backslash at the end; -ENOMEM. */
int name_append_unescaped(struct str *str, const char *text, size_t len);

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is a character. */
bool name_is_utf8(const char *name, size_t len);

/* RFC 4648, section 4, with padding. */
void name_append_base64(struct str *str, const char *name, size_t len);

/* The reverse, for exactly what is written above: -EINVAL for anything else; -ENOMEM. */
int name_append_from_base64(struct str *str, const char *text, size_t len);

#endif
