/* SPDX-License-Identifier: MIT */
/* The files that a manifest lists, each with the digests that it ought to have. */
#include "walk/manifest_line.h"
#include "walk/walk_internal.h"

#include <errno.h>
#include <string.h>

static struct weir_expectation *copy_expectation(struct walk_block *block,
						 const struct manifest_line *line, uint64_t number)
{
	size_t count = line->digests_count;
	struct weir_expectation *copy =
		arena_alloc(&block->arena, sizeof(*copy) + count * sizeof(copy->digests[0]));
	if (!copy)
		return NULL;
	copy->line = number;
	copy->digests_count = count;
	memcpy(copy->digests, line->digests, count * sizeof(copy->digests[0]));
	return copy;
}

static const struct walk_error read_already = {
	.err = -EBUSY,
	.op = WEIR_OP_OPEN,
	.hint = "another line of this manifest has read standard input",
};

static int add_file(struct walk *walk, struct expansion *out, const struct manifest_line *line)
{
	struct weir_source *source = walk->source;
	struct walk_block *block = expansion_block(out, NULL);
	struct walk_entry *entry = block ? block_add(block, line->path.buf, line->path.len) : NULL;
	if (!entry)
		return -ENOMEM;
	entry->flags = WALK_FOLLOW | (source->manifest.ignore_missing ? WALK_MISSING_OK : 0);
	if (strcmp(line->path.buf, "-") == 0)
		entry->flags = WALK_STDIN;
	entry->expected = copy_expectation(block, line, source->split.records);
	if (!entry->expected)
		return -ENOMEM;
	if (!(entry->flags & WALK_STDIN))
		return 0;
	/* It can be read once. What a second line would be given is not what was meant. */
	if (source->has_read_stdin)
		entry->error = &read_already;
	source->has_read_stdin = true;
	return 0;
}

static int add_error(struct walk *walk, struct expansion *out, int err)
{
	return expansion_add_stream_error(walk, out, err, "no checksum program writes such a line",
					  "a line of a manifest has at most 1 MiB");
}

/* The first look at the stream decides what ends its lines: no text has a NUL in it. */
static int choose_terminator(struct walk *walk)
{
	struct split *split = &walk->source->split;
	bool has_nul = false;
	if (split->records || split->is_eof)
		return 0;
	int err = split_peek_nul(split, &walk->cancel_hint, &has_nul);
	if (err == -EAGAIN)
		err = 0;
	if (has_nul)
		split->terminator = '\0';
	return err;
}

/* Reads the next line into *line and adds what it says. 0; 1 at the end; -EAGAIN; -ENOMEM. */
static int add_next(struct walk *walk, struct expansion *out, struct manifest_line *line)
{
	struct weir_source *source = walk->source;
	char *data;
	size_t len;
	int got = split_next(&source->split, !out->block, &walk->cancel_hint, &data, &len);
	if (got == 0 || (got == -ECANCELED && walk_is_cancelled(walk)))
		return 1;
	if (got == -EAGAIN || got == -ENOMEM)
		return got;
	if (got > 0)
		got = manifest_line_parse(line, data, len, source->split.terminator == '\0',
					  source->manifest.digests);
	if (got == -ENOENT)
		return 0;
	return got < 0 ? add_error(walk, out, got) : add_file(walk, out, line);
}

static int expand_manifest(struct walk *walk, struct portion *portion, struct expansion *out)
{
	(void)portion;
	struct manifest_line line = {0};
	int err = choose_terminator(walk);
	if (err == -ECANCELED && walk_is_cancelled(walk))
		return 0;
	if (err && err != -ENOMEM)
		err = add_error(walk, out, err) ? -ENOMEM : 1;
	while (!err && block_bytes(out->block) < walk->portion_bytes)
		err = add_next(walk, out, &line);
	manifest_line_release(&line);
	if (err == 1 || err == -ENOMEM)
		return err == 1 ? 0 : err;

	struct portion *rest = portion_new(walk, &portion_manifest, NULL);
	if (!rest)
		return -ENOMEM;
	list_push_back(&out->portions, &rest->order);
	return 0;
}

const struct portion_ops portion_manifest = {
	.expand = expand_manifest,
};
