/* SPDX-License-Identifier: MIT */
#include "digests.h"

#include "typo.h"
#include "visible.h"

#include <weir/stage.h>

#include <errno.h>
#include <string.h>

static int reject(const char *name, size_t len, struct str *error)
{
	struct typo typo;
	typo_init(&typo, name, len);
	str_append_text(error, "there is no digest '");
	visible_append(error, name, len);
	str_append_text(error, "'; ");
	for (size_t i = 0; i < WEIR_DIGEST_COUNT; i++)
		typo_consider(&typo, weir_digest_name((enum weir_digest_id)i));
	if (typo.nearest) {
		str_printf(error, "did you mean '%s'?", typo.nearest);
		return -EINVAL;
	}
	str_append_text(error, "these are known:");
	for (size_t i = 0; i < WEIR_DIGEST_COUNT; i++)
		str_printf(error, " %s", weir_digest_name((enum weir_digest_id)i));
	return -EINVAL;
}

static int parse_list(const char *list, uint32_t *digests, struct str *error)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		enum weir_digest_id id;
		if (weir_digest_parse(list, len, &id))
			return reject(list, len, error);
		*digests |= WEIR_DIGEST_BIT(id);
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

int digests_parse(const struct option_list *lists, uint32_t *ret_digests, struct str *ret_error)
{
	uint32_t digests = 0;
	for (size_t i = 0; i < lists->count; i++) {
		int err = parse_list(lists->items[i], &digests, ret_error);
		if (err)
			return err;
	}
	*ret_digests = digests;
	return 0;
}

bool digests_is_help(const struct option_list *lists)
{
	for (size_t i = 0; i < lists->count; i++)
		if (!strcmp(lists->items[i], "help"))
			return true;
	return false;
}

void digests_append_help(struct str *str)
{
	for (size_t i = 0; i < WEIR_DIGEST_COUNT; i++) {
		enum weir_digest_id id = (enum weir_digest_id)i;
		str_printf(str, "%-8s %3zu hexadecimal digits%s\n", weir_digest_name(id),
			   2 * weir_digest_len_bytes(id),
			   weir_digest_is_plain(id) ? "" : ", always in tagged lines");
	}
}
