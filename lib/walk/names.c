/* SPDX-License-Identifier: MIT */
/*
 * Names that the user gave, on the command line or in a list.
 *
 * Such a name is looked at here, since a folder means its tree: then the block
 * ends, the folder's portion follows, and behind it one that goes on with the list.
 */
#include "walk/walk_internal.h"

#include <errno.h>
#include <string.h>

/* Of a portion. */
#define NAMES_MAX 256

/* The next name: 1; 0 at the end; -EAGAIN if it would have to be waited for; or an error. */
static int next_name(struct walk *walk, bool may_wait, char **ret_name, size_t *ret_len)
{
	struct weir_source *source = walk->source;
	if (!source->name) {
		if (source->paths_next == source->paths_count)
			return 0;
		*ret_name = source->paths[source->paths_next++];
		*ret_len = strlen(*ret_name);
		return 1;
	}
	int got = split_next(&source->split, may_wait, &walk->cancel_hint, ret_name, ret_len);
	if (got == 1 && *ret_len == 0)
		return -EINVAL;
	if (got == 1) /* the terminator's place, or the room behind the end */
		(*ret_name)[*ret_len] = '\0';
	return got;
}

static int add_file(struct expansion *out, const char *name, size_t len, unsigned flags)
{
	struct walk_block *block = expansion_block(out, NULL);
	struct walk_entry *entry = block ? block_add(block, name, len) : NULL;
	if (!entry)
		return -ENOMEM;
	entry->flags = WALK_EXPLICIT | flags;
	return 0;
}

static int add_stdin(struct walk *walk, struct expansion *out, const char *name, size_t len)
{
	bool again = walk->source->has_read_stdin;
	walk->source->has_read_stdin = true;
	return add_file(out, name, len, WALK_STDIN | (again ? WALK_AGAIN : 0));
}

static int add_portion(struct walk *walk, struct expansion *out, const struct portion_ops *ops,
		       struct folder *folder)
{
	struct portion *portion = portion_new(walk, ops, folder);
	if (!portion)
		return -ENOMEM;
	list_push_back(&out->portions, &portion->order);
	return 0;
}

/* 1: a folder has been added, and the block ends here. 0, or -ENOMEM. */
static int add_name(struct walk *walk, struct expansion *out, const char *name, size_t len)
{
	struct weir_source *source = walk->source;
	if (!source->name && strcmp(name, "-") == 0)
		return add_stdin(walk, out, name, len);

	struct os_stat st = {0};
	int err = fdpool_stat(walk->pool, NULL, name, true, &st);
	if (err == -ECANCELED && walk_is_cancelled(walk))
		return 0;
	if (err)
		return expansion_add_error(out, NULL, name, len,
					   &(struct walk_error){.err = err, .op = WEIR_OP_OPEN});
	if (!S_ISDIR(st.mode))
		return add_file(out, name, len, 0);

	struct folder *folder = folder_new(NULL, name, len, source->options.follow_symlinks);
	if (!folder)
		return -ENOMEM;
	err = add_portion(walk, out, &portion_folder, folder);
	return err ? err : 1;
}

/* Each name costs a stat; what has been found is not kept back for the rest of a long list. */
static bool is_full(const struct walk *walk, const struct expansion *out)
{
	return walk_is_cancelled(walk) || (out->block && out->block->count >= NAMES_MAX) ||
	       block_bytes(out->block) >= walk->portion_bytes;
}

static int expand_names(struct walk *walk, struct portion *portion, struct expansion *out)
{
	(void)portion;
	int err = 0;
	while (!err && !is_full(walk, out)) {
		char *name;
		size_t len;
		int got = next_name(walk, !out->block, &name, &len);
		if (got == 0 || (got == -ECANCELED && walk_is_cancelled(walk)))
			return 0;
		if (got == -EAGAIN || got == -ENOMEM) {
			err = got;
			break;
		}
		if (got < 0)
			err = expansion_add_stream_error(
				walk, out, got, "an empty name",
				"a name has at most 1 MiB; do names end with NUL?");
		else
			err = add_name(walk, out, name, len);
	}
	if (err == -ENOMEM)
		return err;
	return add_portion(walk, out, &portion_names, NULL);
}

const struct portion_ops portion_names = {
	.expand = expand_names,
};
