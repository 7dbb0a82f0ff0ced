/* SPDX-License-Identifier: MIT */
#include "talk.h"

#include "visible.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIPE "\r\033[K"

/* Nobody is left to be told of an error here. */
static void write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t done = write(STDERR_FILENO, text, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		text += done;
		len -= (size_t)done;
	}
}

static size_t terminal_columns(void)
{
	struct winsize size;
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void talk_init(struct talk *talk)
{
	*talk = (struct talk){.is_terminal = isatty(STDERR_FILENO)};
	mutex_init(&talk->lock);
}

void talk_release(struct talk *talk)
{
	mutex_release(&talk->lock);
}

static void wipe_held(struct talk *talk)
{
	if (talk->is_drawn)
		write_all(WIPE, strlen(WIPE));
	talk->is_drawn = false;
}

void talk_hold(struct talk *talk)
{
	mutex_lock(&talk->lock);
	wipe_held(talk);
}

void talk_let_go(struct talk *talk)
{
	mutex_unlock(&talk->lock);
}

void talk_wipe(struct talk *talk)
{
	talk_hold(talk);
	talk_let_go(talk);
}

void talk_write_held(struct talk *talk, const struct str *text)
{
	static const char out_of_memory[] = "weir: out of memory\n";
	wipe_held(talk);
	if (text->err)
		write_all(out_of_memory, strlen(out_of_memory));
	else
		write_all(text->buf, text->len);
}

void talk_write(struct talk *talk, const struct str *text)
{
	mutex_lock(&talk->lock);
	talk_write_held(talk, text);
	mutex_unlock(&talk->lock);
}

void talk_say(struct talk *talk, const char *format, ...)
{
	struct str line = STR_INIT;
	char *words = NULL;
	va_list args;

	va_start(args, format);
	int len = vasprintf(&words, format, args);
	va_end(args);
	if (len < 0)
		line.err = -ENOMEM;
	else
		str_printf(&line, "weir: %s\n", words);
	talk_write(talk, &line);
	if (len >= 0)
		free(words);
	str_release(&line);
}

void talk_draw(struct talk *talk, const char *text)
{
	char line[512];
	/* The last column stays free: some terminals wrap when it is written. */
	int width = (int)terminal_columns() - 1;
	int len = snprintf(line, sizeof(line), "\r%.*s\033[K", width, text);
	if (len < 0 || (size_t)len >= sizeof(line))
		return;
	mutex_lock(&talk->lock);
	write_all(line, (size_t)len);
	talk->is_drawn = true;
	mutex_unlock(&talk->lock);
}

void talk_append_name(const struct talk *talk, struct str *str, const char *name, size_t len)
{
	if (talk->is_terminal)
		visible_append(str, name, len);
	else
		visible_append_line(str, name, len);
}
