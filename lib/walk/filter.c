/* SPDX-License-Identifier: MIT */
/* Which files and folders of a walk are wanted: globs and sizes. */
#include "base/glob.h"
#include "walk/walk_internal.h"

#include <string.h>

static bool matches_any(char *const *globs, const char *name, size_t name_len,
			const struct str *below_root)
{
	for (; globs && *globs; globs++) {
		bool has_slash = strchr(*globs, '/') != NULL;
		if (has_slash ? glob_match(*globs, below_root->buf, below_root->len)
			      : glob_match(*globs, name, name_len))
			return true;
	}
	return false;
}

bool filter_wants_folder(const struct weir_source *source, const char *name, size_t name_len,
			 const struct str *below_root)
{
	return !matches_any(source->excludes, name, name_len, below_root);
}

bool filter_wants_file(const struct weir_source *source, const char *name, size_t name_len,
		       const struct str *below_root)
{
	if (matches_any(source->excludes, name, name_len, below_root))
		return false;
	return !source->includes || matches_any(source->includes, name, name_len, below_root);
}

static bool any_has_slash(char *const *globs)
{
	for (; globs && *globs; globs++)
		if (strchr(*globs, '/'))
			return true;
	return false;
}

bool filter_needs_path(const struct weir_source *source)
{
	return any_has_slash(source->includes) || any_has_slash(source->excludes);
}

bool filter_needs_size(const struct weir_source *source)
{
	return source->options.min_size_bytes || source->options.has_max_size;
}

bool filter_wants_size(const struct weir_source *source, uint64_t size_bytes)
{
	const struct weir_source_options *o = &source->options;
	return size_bytes >= o->min_size_bytes &&
	       (!o->has_max_size || size_bytes <= o->max_size_bytes);
}
