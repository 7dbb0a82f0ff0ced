/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KI UINT64_C(1024)

static void assert_size(const char *text, uint64_t want)
{
	uint64_t size = ~want;
	assert_int_equal(units_parse_size(text, &size), 0);
	assert_true(size == want);
}

static void assert_no_size(const char *text, int want)
{
	uint64_t size = 4711;
	assert_int_equal(units_parse_size(text, &size), want);
	assert_int_equal(size, 4711);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_size("0", 0);
	assert_size("4096", 4096);
	assert_size("007", 7);
	assert_size("10B", 10);
	assert_size("32k", 32 * KI);
	assert_size("32K", 32 * KI);
	assert_size("32Ki", 32 * KI);
	assert_size("32KiB", 32 * KI);
	assert_size("32kib", 32 * KI);
	assert_size("32kB", 32000);
	assert_size("32KB", 32000);
	assert_size("64MiB", 64 * KI * KI);
	assert_size("64M", 64 * KI * KI);
	assert_size("64MB", 64000000);
	assert_size("10G", 10 * KI * KI * KI);
	assert_size("2T", 2 * KI * KI * KI * KI);
	assert_size("2TB", UINT64_C(2000000000000));
	assert_size("3Pi", 3 * KI * KI * KI * KI * KI);
	assert_size("3PB", UINT64_C(3000000000000000));
	assert_size("15EiB", 15 * KI * KI * KI * KI * KI * KI);
	assert_size("18EB", UINT64_C(18000000000000000000));
	assert_size("18446744073709551615", UINT64_MAX);
}

static void test_fractions(void **state)
{
	(void)state;
	assert_size("1.5GB", 1500000000);
	assert_size("1.5G", 1610612736);
	assert_size("0.5k", 512);
	assert_size("1.0001K", 1024);
	assert_size("0.0009K", 0);
	assert_size("1.9B", 1);
	assert_size("15.99999999999999999999999999999999E", UINT64_MAX);
	/* 2^-60 units of 2^60 bytes are one byte; one digit less, and it is none. */
	assert_size("0.000000000000000000867361737988403547205962240695953369140625E", 1);
	assert_size("0.000000000000000000867361737988403547205962240695953369140624E", 0);
}

static void test_no_sizes(void **state)
{
	static const char *const bad[] = {
		"",         " ",
		"B",        "K",
		"G1",       "-1",
		"+1",       "1 ",
		" 1",       "1 K",
		"1.",       ".5K",
		"1.5",      "1..5K",
		"1.5.5K",   "1.K",
		"1,5K",     "1_000",
		"0x10",     "1e3",
		"1KK",      "1Kib1",
		"1KiBB",    "1iB",
		"1Bi",      "1BB",
		"1Z",       "1Y",
		"1b/s",     "1K/s",
		"inf",      "nan",
		"\xd9\xa1", "99999999999999999999999999999x",
		"1K\n",
	};
	(void)state;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_no_size(bad[i], -EINVAL);
}

static void test_sizes_out_of_range(void **state)
{
	static const char *const large[] = {
		"18446744073709551616",
		"16E",
		"16EiB",
		"19EB",
		"99999999999999999999999999999K",
		"18014398509481984K",
		"18.5EB",
		"100000000000000000000",
	};
	(void)state;

	for (size_t i = 0; i < COUNT(large); i++)
		assert_no_size(large[i], -ERANGE);
}

static void test_rates(void **state)
{
	uint64_t rate = 0;
	(void)state;

	assert_int_equal(units_parse_rate("10M/s", &rate), 0);
	assert_int_equal(rate, 10 * KI * KI);
	assert_int_equal(units_parse_rate("10M", &rate), 0);
	assert_int_equal(rate, 10 * KI * KI);
	assert_int_equal(units_parse_rate("1.5MB/s", &rate), 0);
	assert_int_equal(rate, 1500000);
	assert_int_equal(units_parse_rate("/s", &rate), -EINVAL);
	assert_int_equal(units_parse_rate("s", &rate), -EINVAL);
	assert_int_equal(units_parse_rate("10M/", &rate), -EINVAL);
	assert_int_equal(units_parse_rate("10M/s/s", &rate), -EINVAL);
	assert_int_equal(units_parse_rate("10M/h", &rate), -EINVAL);
	assert_int_equal(units_parse_rate("16E/s", &rate), -ERANGE);
	assert_int_equal(rate, 1500000);
}

static void test_format_bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{0, "0 B"},
		{1, "1 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1075, "1.0 KiB"},
		{1076, "1.1 KiB"},
		{1536, "1.5 KiB"},
		{102348, "99.9 KiB"},
		{102350, "100 KiB"},
		{1023 * KI, "1023 KiB"},
		{1023 * KI + 511, "1023 KiB"},
		{1023 * KI + 512, "1.0 MiB"},
		{KI * KI - 1, "1.0 MiB"},
		{142 * KI * KI, "142 MiB"},
		{1503238554, "1.4 GiB"},
		{(KI * KI * KI - 1) * KI, "1.0 TiB"},
		{KI * KI * KI * KI * KI * KI, "1.0 EiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char buf[UNITS_TEXT_BYTES];
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(units_format_bytes(cases[i].bytes, buf), cases[i].want);
	assert_string_equal(units_format_rate(1288490189, buf), "1.2 GiB/s");
	assert_string_equal(units_format_rate(0, buf), "0 B/s");
}

static void test_format_duration(void **state)
{
	static const struct {
		uint64_t ms;
		const char *want;
	} cases[] = {
		{0, "0ms"},          {999, "999ms"},       {1000, "1.0s"},     {9999, "9.9s"},
		{10000, "10s"},      {59999, "59s"},       {60000, "1m00s"},   {65000, "1m05s"},
		{3599999, "59m59s"}, {3600000, "1h00m"},   {7380000, "2h03m"}, {86399999, "23h59m"},
		{86400000, "1d00h"}, {273600000, "3d04h"},
	};
	char buf[UNITS_TEXT_BYTES];
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(units_format_duration(cases[i].ms * 1000000, buf),
				    cases[i].want);
	assert_string_equal(units_format_duration(UINT64_MAX, buf), "213503d23h");
}

static void test_format_count(void **state)
{
	char buf[UNITS_TEXT_BYTES];
	(void)state;

	assert_string_equal(units_format_count(0, buf), "0");
	assert_string_equal(units_format_count(999, buf), "999");
	assert_string_equal(units_format_count(1000, buf), "1,000");
	assert_string_equal(units_format_count(1234567, buf), "1,234,567");
	assert_string_equal(units_format_count(UINT64_MAX, buf), "18,446,744,073,709,551,615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),           cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_no_sizes),        cmocka_unit_test(test_sizes_out_of_range),
		cmocka_unit_test(test_rates),           cmocka_unit_test(test_format_bytes),
		cmocka_unit_test(test_format_duration), cmocka_unit_test(test_format_count),
	};
	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
