/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "conflicts.h"
#include "help.h"
#include "typo.h"
#include "visible.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static size_t count_of(const char *const *argv)
{
	size_t count = 0;
	while (argv[count])
		count++;
	return count;
}

/* The caller releases what is returned. */
static struct options parse(const char *const *argv)
{
	struct options options = {0};
	struct str error = STR_INIT;
	int err = options_parse(COMMAND_sum, count_of(argv), argv, &options, &error);
	if (err)
		print_error("%s\n", error.buf);
	assert_int_equal(err, 0);
	assert_int_equal(error.len, 0);
	str_release(&error);
	return options;
}

static void assert_rejected(enum command_id command, const char *const *argv, const char *words)
{
	struct options options = {.jobs = 4711};
	struct str error = STR_INIT;
	assert_int_equal(options_parse(command, count_of(argv), argv, &options, &error), -EINVAL);
	assert_string_equal(error.buf, words);
	assert_int_equal(options.jobs, 4711);
	str_release(&error);
}

static void test_nothing(void **state)
{
	(void)state;
	struct options options = parse((const char *const[]){NULL});
	assert_int_equal(options.operands.count, 0);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		assert_false(options.given[i]);
	options_release(&options);
}

static void test_every_form_of_a_value(void **state)
{
	(void)state;
	const char *const *forms[] = {
		ARGS("--jobs=12"), ARGS("--jobs", "12"), ARGS("-j12"),     ARGS("-j", "12"),
		ARGS("-zj12"),     ARGS("-zj", "12"),    ARGS("--job=12"),
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct options options = parse(forms[i]);
		assert_int_equal(options.jobs, 12);
		assert_true(options.given[OPTION_jobs]);
		assert_int_equal(options.operands.count, 0);
		options_release(&options);
	}
}

static void test_values_are_typed(void **state)
{
	(void)state;
	struct options options = parse(ARGS("--max-memory=64MiB", "--rate", "200MB/s", "--min-size",
					    "1.5K", "--max-fds=4294967295", "-o", "out"));
	assert_int_equal(options.max_memory_bytes, 64 << 20);
	assert_int_equal(options.rate_bytes_per_s, 200000000);
	assert_int_equal(options.min_size_bytes, 1536);
	assert_true(options.max_fds == UINT32_MAX);
	assert_string_equal(options.output, "out");
	options_release(&options);
}

static void test_the_last_counts(void **state)
{
	(void)state;
	struct options options =
		parse(ARGS("-j1", "-j2", "-oa", "-ob", "--progress", "--no-progress"));
	assert_int_equal(options.jobs, 2);
	assert_string_equal(options.output, "b");
	assert_false(options.progress);
	assert_true(options.given[OPTION_progress]);
	options_release(&options);
}

static void test_lists_keep_all(void **state)
{
	(void)state;
	struct options options = parse(ARGS("--include", "*.c", "a", "--include=*.h", "--excl=b*"));
	assert_int_equal(options.includes.count, 2);
	assert_string_equal(options.includes.items[0], "*.c");
	assert_string_equal(options.includes.items[1], "*.h");
	assert_int_equal(options.excludes.count, 1);
	assert_string_equal(options.excludes.items[0], "b*");
	options_release(&options);
}

static void test_operands(void **state)
{
	(void)state;
	struct options options = parse(ARGS("a", "-z", "-", "--tag", "", "--", "-q", "--", "--x"));
	static const char *const want[] = {"a", "-", "", "-q", "--", "--x"};
	assert_true(options.zero && options.tag);
	assert_false(options.quiet);
	assert_int_equal(options.operands.count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(options.operands.items[i], want[i]);
	options_release(&options);
}

static void test_a_value_may_look_like_an_option(void **state)
{
	(void)state;
	struct options options = parse(ARGS("-o", "--tag", "--exclude", "--", "--files0-from=-"));
	assert_string_equal(options.output, "--tag");
	assert_false(options.tag);
	assert_string_equal(options.excludes.items[0], "--");
	assert_string_equal(options.files0_from, "-");
	options_release(&options);
}

static void test_exact_names_win_over_beginnings(void **state)
{
	(void)state;
	struct options options = parse(ARGS("--status", "--no-p"));
	assert_true(options.status);
	assert_false(options.stats);
	assert_true(options.given[OPTION_progress]);
	options_release(&options);

	options = parse(ARGS("--stats"));
	assert_true(options.stats);
	assert_false(options.status);
	options_release(&options);
}

static void test_an_answer_ends_the_parsing(void **state)
{
	(void)state;
	struct options options = parse(ARGS("--help", "--nonsense"));
	assert_true(options.help);
	options_release(&options);
	options = parse(ARGS("-zVk"));
	assert_true(options.version && options.zero);
	options_release(&options);
}

static void test_main_leaves_the_rest_to_the_command(void **state)
{
	(void)state;
	struct options options = {0};
	struct str error = STR_INIT;
	const char *const *argv = ARGS("sum", "--tag", "--help");
	assert_int_equal(options_parse(COMMAND_main, 3, argv, &options, &error), 0);
	assert_int_equal(options.operands.count, 3);
	assert_false(options.help);
	options_release(&options);
	assert_rejected(COMMAND_main, ARGS("--tag", "sum"), "there is no option '--tag'");
	assert_int_equal(command_find("sum"), COMMAND_sum);
	assert_int_equal(command_find("weir"), COMMAND_main);
	assert_int_equal(command_find("su"), COMMAND_main);
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *args[3];
		const char *words;
	} cases[] = {
		{{"--algoritm=md5"},
		 "there is no option '--algoritm'; did you mean '--algorithm'?"},
		{{"--tga"}, "there is no option '--tga'; did you mean '--tag'?"},
		{{"--no-progres1"},
		 "there is no option '--no-progres1'; did you mean '--no-progress'?"},
		{{"--frobnicate"}, "there is no option '--frobnicate'"},
		{{"--no-tag"}, "there is no option '--no-tag'"},
		{{"-k"}, "there is no option '-k'"},
		{{"-zk"}, "there is no option '-k' (in '-zk')"},
		{{"--max"},
		 "option '--max' may mean any of '--max-size' '--max-fds' '--max-memory'"},
		{{"--output"}, "option '--output' needs a value: FILE"},
		{{"--outp="}, "option '--output' needs a value: FILE"},
		{{"-o"}, "option '-o' needs a value: FILE"},
		{{"-o", ""}, "option '-o' needs a value: FILE"},
		{{"--zero=yes"}, "option '--zero' takes no value, but was given 'yes'"},
		{{"--no-progress="}, "option '--no-progress' takes no value, but was given ''"},
		{{"-j", "4x"}, "option '-j': '4x' is not a whole number"},
		{{"-j", "-4"}, "option '-j': '-4' is not a whole number"},
		{{"-j=4"}, "option '-j': '=4' is not a whole number"},
		{{"-j0"}, "option '-j': '0' is too small"},
		{{"--jobs=4294967296"}, "option '--jobs': '4294967296' is too large"},
		{{"--jobs=99999999999999999999"},
		 "option '--jobs': '99999999999999999999' is too large"},
		{{"--min-size=big"},
		 "option '--min-size': 'big' is not a size such as 4096, 64KiB or 2GB"},
		{{"--max-size=16EiB"}, "option '--max-size': '16EiB' is too large"},
		{{"--rate=fast"}, "option '--rate': 'fast' is not a rate such as 200MiB/s"},
		{{"--rate=0"}, "option '--rate': '0' is too small"},
		{{"--a\033[2J"}, "there is no option '--a\\033[2J'"},
		{{"-\xff"}, "there is no option '-\\377'"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_rejected(COMMAND_sum, cases[i].args, cases[i].words);
}

static void assert_conflict(const char *const *argv, bool stdin_is_terminal, const char *words)
{
	struct options options = parse(argv);
	struct str error = STR_INIT;
	assert_int_equal(conflicts_find(&options, stdin_is_terminal, &error), words != NULL);
	if (words)
		assert_string_equal(error.buf, words);
	str_release(&error);
	options_release(&options);
}

static void test_conflicts(void **state)
{
	(void)state;
	assert_conflict(ARGS("-c", "--tag", "m"), false,
			"options '--tag' and '--check' exclude each other");
	assert_conflict(ARGS("--json", "--tag"), false,
			"options '--tag' and '--json' exclude each other");
	assert_conflict(ARGS("-z", "--json"), false,
			"options '--zero' and '--json' exclude each other");
	assert_conflict(ARGS("-c", "--min-size=1"), false,
			"options '--min-size' and '--check' exclude each other");
	assert_conflict(ARGS("--status", "a"), false,
			"option '--status' has a meaning only with '--check'");
	assert_conflict(ARGS("-w"), false, "option '--warn' has a meaning only with '--check'");
	assert_conflict(ARGS("--files0-from=-", "a\nb"), false,
			"'--files0-from' and a PATH exclude each other: 'a\\012b'");
	assert_conflict(ARGS("--min-size=2", "--max-size=1", "a"), false,
			"'--min-size' is larger than '--max-size': no file is both");
	assert_conflict(ARGS("-z"), true, "no PATH is given, and standard input is a terminal");
	assert_conflict(ARGS("-c"), true, "no manifest is given, and standard input is a terminal");
}

static void test_what_goes_together(void **state)
{
	(void)state;
	assert_conflict(ARGS("-cz", "m"), false, NULL);
	assert_conflict(ARGS("-c", "--status", "--strict", "-wq", "--ignore-missing"), false, NULL);
	assert_conflict(ARGS("--tag", "-z", "-"), true, NULL);
	assert_conflict(ARGS("--min-size=1", "--max-size=1", "a"), true, NULL);
	assert_conflict(ARGS("--files0-from=-"), true, NULL);
	assert_conflict(ARGS("--json", "--stats"), false, NULL);
}

/* The table itself: what the parser and the generated texts take for granted. */
static void test_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_info *info = &option_infos[i];
		bool is_flag = info->kind == KIND_FLAG || info->kind == KIND_NEGATABLE ||
			       info->kind == KIND_ANSWER;
		assert_int_equal(is_flag, info->arg == NULL);
		assert_true(strlen(info->name) + strlen("no-") <= TYPO_MAX_BYTES);
		assert_true(info->commands != 0);
		assert_int_equal(info->text[strlen(info->text) - 1], '.');
		assert_null(strchr(info->help, '\n'));
		for (size_t j = 0; j < i; j++) {
			if (!(info->commands & option_infos[j].commands))
				continue;
			assert_string_not_equal(info->name, option_infos[j].name);
			assert_true(!info->letter || info->letter != option_infos[j].letter);
		}
	}
}

static void test_help_fits_a_terminal(void **state)
{
	(void)state;
	for (size_t command = 0; command < COMMAND_COUNT; command++) {
		struct str help = STR_INIT;
		help_append(&help, (enum command_id)command);
		assert_int_equal(help.err, 0);
		for (char *line = strtok(help.buf, "\n"); line; line = strtok(NULL, "\n")) {
			assert_in_range(strlen(line), 1, 79);
			assert_int_not_equal(line[strlen(line) - 1], ' ');
		}
		str_release(&help);
	}
}

static void test_help_names_every_option(void **state)
{
	(void)state;
	struct str help = STR_INIT;
	help_append(&help, COMMAND_sum);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_is_in((enum option_id)i, COMMAND_sum))
			assert_non_null(strstr(help.buf, option_infos[i].name));
	str_release(&help);
}

static void assert_distance(const char *a, const char *b, size_t want)
{
	assert_int_equal(typo_distance(a, strlen(a), b, strlen(b)), want);
	assert_int_equal(typo_distance(b, strlen(b), a, strlen(a)), want);
}

static void test_typo_distance(void **state)
{
	(void)state;
	assert_distance("", "", 0);
	assert_distance("", "abc", 3);
	assert_distance("sum", "sum", 0);
	assert_distance("sum", "smu", 1);
	assert_distance("sum", "sm", 1);
	assert_distance("sum", "suum", 1);
	assert_distance("sum", "sun", 1);
	assert_distance("ca", "abc", 3); /* a swap is not edited again */
	assert_distance("kitten", "sitting", 3);
}

static const char *nearest(const char *word)
{
	struct typo typo;
	typo_init(&typo, word, strlen(word));
	typo_consider(&typo, "sum");
	typo_consider(&typo, "summary");
	typo_consider(&typo, "help");
	return typo.nearest;
}

static void test_typo_nearest(void **state)
{
	(void)state;
	char endless[2 * TYPO_MAX_BYTES];
	memset(endless, 's', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';

	assert_string_equal(nearest("smu"), "sum");
	assert_string_equal(nearest("sumary"), "summary");
	assert_string_equal(nearest("hepl"), "help");
	assert_null(nearest("x"));
	assert_null(nearest("copy"));
	assert_null(nearest(endless));
}

static void assert_visible(const char *bytes, const char *want)
{
	struct str str = STR_INIT;
	visible_append(&str, bytes, strlen(bytes));
	assert_string_equal(str.buf, want);
	str_release(&str);
}

static void test_visible(void **state)
{
	(void)state;
	assert_visible("plain name", "plain name");
	assert_visible("h\xc3\xa4\xc3\x9flich \xe2\x82\xac \xf0\x9f\x90\x9f",
		       "h\xc3\xa4\xc3\x9flich \xe2\x82\xac \xf0\x9f\x90\x9f");
	assert_visible("a\nb\tc\r\x7f", "a\\012b\\011c\\015\\177");
	assert_visible("\033[2J", "\\033[2J");
	assert_visible("\xff\xc3", "\\377\\303");
	assert_visible("\xc2\x9b"
		       "1m",
		       "\\302\\2331m"); /* CSI in one character */
	assert_visible("\xe2\x80\xae"
		       "txt",
		       "\\342\\200\\256txt");              /* right to left */
	assert_visible("\xed\xa0\x80", "\\355\\240\\200"); /* a surrogate */
	assert_visible("\xc0\xaf", "\\300\\257");          /* longer than need be */
}

static void test_visible_line(void **state)
{
	(void)state;
	struct str str = STR_INIT;
	visible_append_line(&str, "a\nb\r\xff\033", 6);
	assert_string_equal(str.buf, "a\\012b\\015\xff\033");
	str_release(&str);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_every_form_of_a_value),
		cmocka_unit_test(test_values_are_typed),
		cmocka_unit_test(test_the_last_counts),
		cmocka_unit_test(test_lists_keep_all),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_a_value_may_look_like_an_option),
		cmocka_unit_test(test_exact_names_win_over_beginnings),
		cmocka_unit_test(test_an_answer_ends_the_parsing),
		cmocka_unit_test(test_main_leaves_the_rest_to_the_command),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_what_goes_together),
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_help_fits_a_terminal),
		cmocka_unit_test(test_help_names_every_option),
		cmocka_unit_test(test_typo_distance),
		cmocka_unit_test(test_typo_nearest),
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_visible_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
