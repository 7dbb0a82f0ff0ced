/* SPDX-License-Identifier: MIT */
/* What the sinks show the rest of the library beyond include/weir/sink.h. */
#ifndef WEIR_SINK_SINK_H
#define WEIR_SINK_SINK_H

#include <weir/sink.h>

/* What to change when writing results failed with this code; a literal, or NULL. */
const char *sink_write_hint(int code);

#endif
