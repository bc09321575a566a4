/* SPDX-License-Identifier: Apache-2.0 */
/* The quantities of base/text.h. */
#include <stdint.h>

#include "base/text.h"
#include "tests/test.h"

#define KI (UINT64_C(1) << 10)
#define GI (UINT64_C(1) << 30)
#define EI (UINT64_C(1) << 60)

static void sizes_are_read(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "1K", 1000 },
		{ "1Ki", KI },
		{ "1KiB", KI },
		{ "1KB", 1000 },
		{ "10Gi", 10 * GI },
		{ "1.5Gi", GI + GI / 2 },
		{ "1.25Ki", 1280 },
		{ "0.001K", 1 },
		{ "2M", 2000000 },
		{ "3G", 3000000000 },
		{ "4T", 4000000000000 },
		{ "5P", 5000000000000000 },
		{ "6E", 6000000000000000000 },
		{ "7Mi", 7 * KI * KI },
		{ "1Ti", KI * GI },
		{ "1Pi", KI * KI * GI },
		{ "7Ei", 7 * EI },
		{ "007", 7 },
		{ "0.1Ki", 103 }, /* 102.4: never less than asked for */
		{ "9223372036854775807", INT64_MAX },
		{ "0.999999999999999999E", 999999999999999999 },
	};

	for (size_t i = 0; i < FL_COUNT(cases); i++) {
		uint64_t bytes = 1;

		WORKS(fl_text_parse_size(cases[i].text, &bytes, &test_error));
		OK(bytes == cases[i].bytes, "%s gave %ju", cases[i].text, (uintmax_t)bytes);
	}
}

static void what_is_no_size_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1 Gi",
		"Gi",
		"1.5",
		"1.",
		".5Gi",
		"1.Gi",
		"1k",
		"1gi",
		"1Gib",
		"1Gx",
		"1GiBB",
		"0x10",
		"1e3",
		"1,5Gi",
		"10Gi10",
		"8Ei",
		"9.3E",
		"9223372036854775808",
		"99999999999999999999",
		"9999999999999999E",
		"1.0000000000000000001Gi",
	};
	uint64_t bytes = 77;

	for (size_t i = 0; i < FL_COUNT(bad); i++) {
		FAILS(fl_text_parse_size(bad[i], &bytes, &test_error), FL_INVALID);
		OK(strstr(test_error.text, bad[i]) != NULL, "%s", test_error.text);
	}
	EQUAL(bytes, 77);
}

static void sizes_are_written_short(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 512, "512" },
		{ 1023, "1023" },
		{ KI, "1Ki" },
		{ KI + KI / 2, "1.5Ki" },
		{ KI + KI / 4, "1.25Ki" },
		{ 1000000, "976.56Ki" },
		{ 10 * GI, "10Gi" },
		{ GI + GI / 2, "1.5Gi" },
		{ GI + 1, "1.00Gi" },
		{ 1288490188, "1.19Gi" },
		{ 1288490189, "1.20Gi" },
		{ 16 * EI - 1, "15.99Ei" },
	};
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	for (size_t i = 0; i < FL_COUNT(cases); i++)
		SAME(fl_text_format_size(arena, cases[i].bytes), cases[i].text);
}

static void numbers_are_read(void)
{
	static const char *const bad[] = { "",    "-1",  "+1",  " 1", "1 ",
					   "1.0", "0x1", "1e3", "a",  "18446744073709551616" };
	uint64_t number = 5;

	WORKS(fl_text_parse_number("0", &number, &test_error));
	EQUAL(number, 0);
	WORKS(fl_text_parse_number("18446744073709551615", &number, &test_error));
	OK(number == UINT64_MAX);
	for (size_t i = 0; i < FL_COUNT(bad); i++)
		FAILS(fl_text_parse_number(bad[i], &number, &test_error), FL_INVALID);
	OK(number == UINT64_MAX);
}

static void durations_are_read(void)
{
	static const char *const bad[] = { "",
					   "30",
					   "s",
					   "-1s",
					   "1.5s",
					   "30 s",
					   "1d",
					   "30S",
					   "1hh",
					   "1h30m",
					   "9223372036854775807h" };
	uint64_t ms = 5;

	WORKS(fl_text_parse_duration("500ms", &ms, &test_error));
	EQUAL(ms, 500);
	WORKS(fl_text_parse_duration("30s", &ms, &test_error));
	EQUAL(ms, 30000);
	WORKS(fl_text_parse_duration("5m", &ms, &test_error));
	EQUAL(ms, 300000);
	WORKS(fl_text_parse_duration("1h", &ms, &test_error));
	EQUAL(ms, 3600000);
	for (size_t i = 0; i < FL_COUNT(bad); i++)
		FAILS(fl_text_parse_duration(bad[i], &ms, &test_error), FL_INVALID);
	EQUAL(ms, 3600000);
}

static void an_error_does_not_repeat_a_whole_book(void)
{
	char book[2000];
	uint64_t bytes;

	memset(book, '1', sizeof(book) - 1);
	book[sizeof(book) - 1] = '\0';
	FAILS(fl_text_parse_size(book, &bytes, &test_error), FL_INVALID);
	OK(strstr(test_error.text, "such as 10Gi") != NULL, "%s", test_error.text);
}

static const struct test tests[] = {
	{ "sizes are read", sizes_are_read },
	{ "what is no size is refused", what_is_no_size_is_refused },
	{ "sizes are written short", sizes_are_written_short },
	{ "numbers are read", numbers_are_read },
	{ "durations are read", durations_are_read },
	{ "an error does not repeat a whole book", an_error_does_not_repeat_a_whole_book },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
