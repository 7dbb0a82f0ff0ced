/* SPDX-License-Identifier: MIT */
/* Options of `weir sum` that are right each by itself and make no sense together. */
#ifndef WEIR_CLI_CONFLICTS_H
#define WEIR_CLI_CONFLICTS_H

#include "base/str.h"
#include "options.h"

#include <stdbool.h>

/* Whether there is a conflict; error then says which in a sentence. */
bool conflicts_find(const struct options *options, bool stdin_is_terminal, struct str *error);

#endif
