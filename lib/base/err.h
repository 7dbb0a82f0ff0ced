/* SPDX-License-Identifier: MIT */
/* What include/weir/error.h does not offer: the reason alone, for records that are not text. */
#ifndef WEIR_BASE_ERR_H
#define WEIR_BASE_ERR_H

#include <weir/error.h>

/* "Input/output error": what the code means, or means in that operation. Never NULL. */
const char *err_reason(const struct weir_error *error);

#endif
