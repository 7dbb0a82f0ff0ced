/* SPDX-License-Identifier: MIT */
/* Takes everything, and shows what the rest costs. */
#include "sink/sink.h"

#include "sink/sink_internal.h"

#include <errno.h>
#include <stdlib.h>

static int null_put(struct weir_sink *sink, const struct weir_record *record)
{
	(void)sink;
	(void)record;
	return 0;
}

static void null_free(struct weir_sink *sink)
{
	free(sink);
}

int weir_sink_new_null(struct weir_sink **ret_sink)
{
	struct sink_base *base = malloc(sizeof(*base));
	if (!base)
		return -ENOMEM;
	*base = (struct sink_base){
		.face = {.name = "null", .put = null_put},
		.free = null_free,
	};
	*ret_sink = &base->face;
	return 0;
}
