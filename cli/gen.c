/* SPDX-License-Identifier: MIT */
/*
 * Writes what is made from the option table while weir is built:
 *
 *	gen help COMMAND        the text of --help
 *	gen man TEMPLATE        a manual page
 *	gen bash TEMPLATE       a completion for bash; likewise zsh and fish
 *
 * A template is copied to standard output; a line `@OPTIONS COMMAND@` in it is
 * replaced by the options of that command, `@COMMANDS@` by the commands.
 */
#include "base/str.h"
#include "help.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one kind of template has in the place of its marks. */
struct format {
	const char *name;
	void (*option)(struct str *out, const struct option_info *info, const char *command);
	void (*command)(struct str *out, const struct command_info *info);
	bool has_groups;
};

static bool takes_file(const struct option_info *info)
{
	return info->arg && !strcmp(info->arg, "FILE");
}

/* mdoc(7). */

/* Appends len bytes so that roff prints each as it is. */
static void man_append_text(struct str *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			str_append_text(out, "\\e");
		else if (text[i] == '-')
			str_append_text(out, "\\-");
		else
			str_append_byte(out, text[i]);
	}
}

/* Appends what stands between two marks, in a font of its own; returns what follows the second. */
static const char *man_append_marked(struct str *out, const char *text, const char *font)
{
	size_t len = strcspn(text + 1, (char[]){text[0], '\0'});
	str_append_text(out, font);
	man_append_text(out, text + 1, len);
	str_append_text(out, "\\fP");
	text += 1 + len;
	return *text ? text + 1 : text;
}

/* A space, or a new line where the word behind it would pass the 80th column. */
static void man_append_space(struct str *out, const char *word)
{
	size_t line = out->len;
	while (line > 0 && out->buf[line - 1] != '\n')
		line--;
	/* Fonts make a word longer by at most twelve bytes; the dashes in it, by one each. */
	size_t room = 80 - 12 - 4;
	str_append_byte(out, out->len - line + strcspn(word, " \n") < room ? ' ' : '\n');
}

/* The markup of options.def: `literal`, _value_, an empty line, and a line for each sentence. */
static void man_append_prose(struct str *out, const char *text)
{
	while (*text) {
		if (*text == '`') {
			text = man_append_marked(out, text, "\\fB");
		} else if (*text == '_') {
			text = man_append_marked(out, text, "\\fI");
		} else if (!strncmp(text, "\n\n", 2)) {
			str_append_text(out, "\n.Pp\n");
			text += 2;
		} else if ((*text == '.' || *text == '?') && text[1] == ' ') {
			str_printf(out, "%c\n", *text);
			text += 2;
		} else if (*text == ' ') {
			man_append_space(out, ++text);
		} else {
			str_append_byte(out, *text++);
		}
	}
	str_append_byte(out, '\n');
}

static void man_append_spelling(struct str *out, const struct option_info *info, const char *prefix)
{
	str_printf(out, "Fl \\-%s%s", prefix, info->name);
	if (info->arg)
		str_printf(out, " Ns = Ns Ar %s", info->arg);
}

static void man_option(struct str *out, const struct option_info *info, const char *command)
{
	(void)command;
	str_append_text(out, ".It ");
	if (info->letter && info->arg)
		str_printf(out, "Fl %c Ar %s , ", info->letter, info->arg);
	else if (info->letter)
		str_printf(out, "Fl %c , ", info->letter);
	man_append_spelling(out, info, "");
	if (info->kind == KIND_NEGATABLE) {
		str_append_text(out, " , ");
		man_append_spelling(out, info, "no-");
	}
	str_append_byte(out, '\n');
	man_append_prose(out, info->text);
}

static void man_command(struct str *out, const struct command_info *info)
{
	str_printf(out, ".It Ic %s\n%c%s.\nSee\n.Xr weir-%s 1 .\n", info->name,
		   info->summary[0] - 'a' + 'A', info->summary + 1, info->name);
}

/* bash: `_weir_option COMMAND NAME [VALUE]`; VALUE is the words of a value, or its name. */

static void bash_append(struct str *out, const struct option_info *info, const char *command,
			const char *name)
{
	str_printf(out, "\t_weir_option %s %s", command, name);
	if (info->arg)
		str_printf(out, " '%s'", info->words ? info->words : info->arg);
	str_append_byte(out, '\n');
}

static void bash_option(struct str *out, const struct option_info *info, const char *command)
{
	char name[80];
	if (info->letter) {
		snprintf(name, sizeof(name), "-%c", info->letter);
		bash_append(out, info, command, name);
	}
	snprintf(name, sizeof(name), "--%s", info->name);
	bash_append(out, info, command, name);
	if (info->kind == KIND_NEGATABLE) {
		snprintf(name, sizeof(name), "--no-%s", info->name);
		bash_append(out, info, command, name);
	}
}

static void bash_command(struct str *out, const struct command_info *info)
{
	str_printf(out, "\t_weir_commands+=(%s)\n", info->name);
}

/* zsh: specifications for _arguments, and name:description pairs for _describe. */

/* Appends text for the inside of single quotes and of [...]. */
static void zsh_append_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_append_text(out, "'\\''");
		else if (strchr("[]:\\", *text))
			str_printf(out, "\\%c", *text);
		else
			str_append_byte(out, *text);
	}
}

static void zsh_append_value(struct str *out, const struct option_info *info)
{
	if (!info->arg)
		return;
	str_printf(out, ":%s:", info->arg);
	if (takes_file(info))
		str_append_text(out, "_files");
	else if (info->words)
		str_printf(out, "_sequence compadd - %s", info->words);
}

static void zsh_append_spec(struct str *out, const struct option_info *info, const char *names)
{
	str_printf(out, "\t\t'%s%s[", info->kind == KIND_LIST ? "*" : "", names);
	zsh_append_text(out, info->help);
	str_append_byte(out, ']');
	zsh_append_value(out, info);
	str_append_text(out, "' \\\n");
}

static void zsh_option(struct str *out, const struct option_info *info, const char *command)
{
	char names[80];
	(void)command;
	if (info->letter) {
		snprintf(names, sizeof(names), "-%c%s", info->letter, info->arg ? "+" : "");
		zsh_append_spec(out, info, names);
	}
	snprintf(names, sizeof(names), "--%s%s", info->name, info->arg ? "=" : "");
	zsh_append_spec(out, info, names);
	if (info->kind == KIND_NEGATABLE) {
		snprintf(names, sizeof(names), "--no-%s", info->name);
		zsh_append_spec(out, info, names);
	}
}

static void zsh_command(struct str *out, const struct command_info *info)
{
	str_printf(out, "\t\t'%s:", info->name);
	zsh_append_text(out, info->summary);
	str_append_text(out, "'\n");
}

/* fish: a line for each. */

static void fish_append_quoted(struct str *out, const char *text)
{
	str_append_byte(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_append_byte(out, '\\');
		str_append_byte(out, *text);
	}
	str_append_byte(out, '\'');
}

static void fish_append_option(struct str *out, const struct option_info *info, const char *command,
			       const char *prefix)
{
	str_printf(out, "complete -c weir -n '__weir_command_is %s'", command);
	if (info->letter && !prefix[0])
		str_printf(out, " -s %c", info->letter);
	str_printf(out, " -l %s%s", prefix, info->name);
	if (takes_file(info))
		str_append_text(out, " -rF");
	else if (info->words)
		str_printf(out, " -x -a '(__fish_append , %s)'", info->words);
	else if (info->arg)
		str_append_text(out, " -x");
	str_append_text(out, " -d ");
	fish_append_quoted(out, info->help);
	str_append_byte(out, '\n');
}

static void fish_option(struct str *out, const struct option_info *info, const char *command)
{
	fish_append_option(out, info, command, "");
	if (info->kind == KIND_NEGATABLE)
		fish_append_option(out, info, command, "no-");
}

static void fish_command(struct str *out, const struct command_info *info)
{
	str_printf(out, "complete -c weir -n '__weir_command_is weir' -fa %s -d ", info->name);
	fish_append_quoted(out, info->summary);
	str_append_byte(out, '\n');
}

static const struct format formats[] = {
	{"man", man_option, man_command, true},
	{"bash", bash_option, bash_command, false},
	{"zsh", zsh_option, zsh_command, false},
	{"fish", fish_option, fish_command, false},
};

static void append_options(struct str *out, const struct format *format, enum command_id command)
{
	for (size_t group = 0; group < GROUP_COUNT; group++) {
		bool is_first = true;
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct option_info *info = &option_infos[i];
			if (info->group != group || !option_is_in((enum option_id)i, command))
				continue;
			if (format->has_groups && is_first)
				str_printf(out, ".Ss %s\n.Bl -tag -width Ds\n",
					   option_group_titles[group]);
			is_first = false;
			format->option(out, info, command_infos[command].name);
		}
		if (format->has_groups && !is_first)
			str_append_text(out, ".El\n");
	}
}

static void append_commands(struct str *out, const struct format *format)
{
	for (size_t i = COMMAND_main + 1; i < COMMAND_COUNT; i++)
		format->command(out, &command_infos[i]);
}

/* COMMAND_COUNT if there is no such command. */
static enum command_id command_of(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(name, command_infos[i].name))
			return (enum command_id)i;
	return COMMAND_COUNT;
}

/* A line of a template, without its newline. */
static int append_line(struct str *out, const struct format *format, const char *line)
{
	char name[32];
	int len = 0;
	if (sscanf(line, "@OPTIONS %31[a-z]@%n", name, &len) == 1 && len && !line[len]) {
		enum command_id command = command_of(name);
		if (command == COMMAND_COUNT)
			return -EINVAL;
		append_options(out, format, command);
	} else if (!strcmp(line, "@COMMANDS@")) {
		append_commands(out, format);
	} else {
		str_append_text(out, line);
		str_append_byte(out, '\n');
	}
	return 0;
}

static int append_template(struct str *out, const struct format *format, const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;

	char *line = NULL;
	size_t size = 0;
	int err = 0;
	while (!err && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		err = append_line(out, format, line);
	}
	if (!err && ferror(file))
		err = -EIO;
	free(line);
	fclose(file);
	return err;
}

static int generate(struct str *out, const char *kind, const char *what)
{
	if (!strcmp(kind, "help")) {
		enum command_id command = command_of(what);
		if (command == COMMAND_COUNT)
			return -EINVAL;
		help_append(out, command);
		return 0;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(kind, formats[i].name))
			return append_template(out, &formats[i], what);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: gen help COMMAND | gen man|bash|zsh|fish TEMPLATE\n", stderr);
		return 2;
	}

	struct str out = STR_INIT;
	int err = generate(&out, argv[1], argv[2]);
	if (!err)
		err = out.err;
	if (!err && (fwrite(out.buf, 1, out.len, stdout) != out.len || fflush(stdout)))
		err = -errno;
	if (err)
		fprintf(stderr, "gen: %s %s: %s\n", argv[1], argv[2], strerror(-err));
	str_release(&out);
	return err ? 1 : 0;
}
