/* SPDX-License-Identifier: MIT */
/*
 * Standard error: whole lines, and on a terminal one line that is drawn anew.
 *
 * The drawn line is wiped before anything else is written, so the two never
 * mix. Lines may come from any thread. Who writes to the same terminal by
 * another way holds the talk meanwhile.
 */
#ifndef WEIR_CLI_TALK_H
#define WEIR_CLI_TALK_H

#include "base/str.h"
#include "base/thread.h"

#include <stdbool.h>
#include <stddef.h>

struct talk {
	struct mutex lock;
	bool is_terminal;
	bool is_drawn; /* the drawn line is on the screen; under the lock */
};

void talk_init(struct talk *talk);
void talk_release(struct talk *talk);

/* "weir: " and the words, as a line. */
void talk_say(struct talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes text, which ends its own lines. */
void talk_write(struct talk *talk, const struct str *text);

/* The same for the holder of the talk, for whom the two above would wait for ever. */
void talk_write_held(struct talk *talk, const struct str *text);

/* Draws text, cut to the width of the terminal. */
void talk_draw(struct talk *talk, const char *text);
void talk_wipe(struct talk *talk);

/* From hold to let_go nothing is drawn, and nothing that was drawn is on the screen. */
void talk_hold(struct talk *talk);
void talk_let_go(struct talk *talk);

/* Bytes from outside: harmless on a terminal, and one line anywhere. */
void talk_append_name(const struct talk *talk, struct str *str, const char *name, size_t len);

#endif
