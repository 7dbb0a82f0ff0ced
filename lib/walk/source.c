/* SPDX-License-Identifier: MIT */
/* Sources: what the caller asks for, checked and copied. */
#include "base/glob.h"
#include "base/opts.h"
#include "walk/walk_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A NULL-terminated copy of `count` strings; NULL for none. */
static int copy_strings(const char *const *strings, size_t count, char ***ret_copy)
{
	if (!count)
		return 0;
	char **copy = calloc(count + 1, sizeof(char *));
	if (!copy)
		return -ENOMEM;
	*ret_copy = copy;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(strings[i]);
		if (!copy[i])
			return -ENOMEM;
	}
	return 0;
}

static void free_strings(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
}

static int copy_globs(const char *const *globs, size_t count, char ***ret_copy)
{
	for (size_t i = 0; i < count; i++)
		if (glob_check(globs[i]))
			return -EINVAL;
	return copy_strings(globs, count, ret_copy);
}

static int source_new(const struct portion_ops *ops, const struct weir_source_options *options,
		      struct weir_source **ret_source)
{
	struct weir_source *source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->ops = ops;
	struct weir_source_options *o = &source->options;
	int err = opts_copy(o, sizeof(*o), options);
	if (!err)
		err = copy_globs(o->includes, o->includes_count, &source->includes);
	if (!err)
		err = copy_globs(o->excludes, o->excludes_count, &source->excludes);
	o->includes = o->excludes = NULL;
	if (err) {
		weir_source_free(source);
		return err;
	}
	*ret_source = source;
	return 0;
}

int weir_source_new_paths(const char *const *paths, size_t count,
			  const struct weir_source_options *options,
			  struct weir_source **ret_source)
{
	struct weir_source *source;
	int err = source_new(&portion_names, options, &source);
	if (err)
		return err;
	err = copy_strings(paths, count, &source->paths);
	if (err) {
		weir_source_free(source);
		return err;
	}
	source->paths_count = count;
	*ret_source = source;
	return 0;
}

static int source_new_stream(const struct portion_ops *ops, int fd, char terminator,
			     const char *name, const struct weir_source_options *options,
			     struct weir_source **ret_source)
{
	struct weir_source *source;
	int err = source_new(ops, options, &source);
	if (err)
		return err;
	split_init(&source->split, fd, terminator);
	source->name = strdup(name);
	if (!source->name) {
		weir_source_free(source);
		return -ENOMEM;
	}
	*ret_source = source;
	return 0;
}

int weir_source_new_list(int fd, const char *list_name, const struct weir_source_options *options,
			 struct weir_source **ret_source)
{
	return source_new_stream(&portion_names, fd, '\0', list_name, options, ret_source);
}

int weir_source_new_manifest(int fd, const char *manifest_name,
			     const struct weir_manifest_options *options,
			     struct weir_source **ret_source)
{
	struct weir_manifest_options own;
	int err = opts_copy(&own, sizeof(own), options);
	if (!err)
		err = source_new_stream(&portion_manifest, fd, '\n', manifest_name, NULL,
					ret_source);
	if (!err)
		(*ret_source)->manifest = own;
	return err;
}

void weir_source_free(struct weir_source *source)
{
	if (!source)
		return;
	free_strings(source->includes);
	free_strings(source->excludes);
	free_strings(source->paths);
	split_release(&source->split);
	free(source->name);
	free(source);
}
