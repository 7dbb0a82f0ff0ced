/* SPDX-License-Identifier: MIT */
/* The text of --help. */
#ifndef WEIR_CLI_HELP_H
#define WEIR_CLI_HELP_H

#include "base/str.h"
#include "options.h"

/* Within 80 columns. */
void help_append(struct str *str, enum command_id command);

#endif
