/* SPDX-License-Identifier: MIT */
/* The value of --algorithm: names of digests. */
#ifndef WEIR_CLI_DIGESTS_H
#define WEIR_CLI_DIGESTS_H

#include "base/str.h"
#include "options.h"

#include <stdbool.h>
#include <stdint.h>

/* The set of the digests in all lists. Returns 0, or -EINVAL with a sentence in ret_error. */
int digests_parse(const struct option_list *lists, uint32_t *ret_digests, struct str *ret_error);

/* Whether some list asks for help instead. */
bool digests_is_help(const struct option_list *lists);
void digests_append_help(struct str *str);

#endif
