/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "tests/test.h"

static void the_last_of_equal_keys_counts(void)
{
	static const struct fl_pair pairs[] = { { "a", "1" }, { "b", "2" }, { "a", "3" } };

	SAME(fl_pair_get(pairs, 3, "a"), "3");
	SAME(fl_pair_get(pairs, 2, "a"), "1");
	SAME(fl_pair_get(pairs, 3, "b"), "2");
	OK(fl_pair_get(pairs, 3, "c") == NULL);
	OK(fl_pair_get(NULL, 0, "c") == NULL);
}

static void starts_and_ends_are_compared(void)
{
	OK(fl_text_starts_with("volume", "vol"));
	OK(fl_text_starts_with("volume", ""));
	OK(!fl_text_starts_with("vol", "volume"));
	OK(fl_text_ends_with("a.raw", ".raw"));
	OK(fl_text_ends_with("a.raw", ""));
	OK(!fl_text_ends_with("raw", ".raw"));
	OK(!fl_text_ends_with("a.raw", "raW"));
}

static void printable_means_utf8_without_control_characters(void)
{
	static const struct {
		const char *text;
		size_t length;
		bool printable;
	} cases[] = {
		{ "", 0, true },
		{ "hello ~", 7, true },
		{ "a\0b", 3, false },
		{ "a\nb", 3, false },
		{ "\x7f", 1, false },
		{ "\xc2\x80", 2, false }, /* a control character of Latin-1 */
		{ "\xc2\xa0", 2, true },
		{ "ä€😀", 9, true },
		{ "ä", 1, false }, /* cut */
		{ "€", 2, false },
		{ "😀", 3, false },
		{ "\xc0\x80", 2, false }, /* overlong */
		{ "\xc1\xbf", 2, false },
		{ "\xe0\x9f\xbf", 3, false },
		{ "\xf0\x8f\xbf\xbf", 4, false },
		{ "\xed\xa0\x80", 3, false }, /* a surrogate */
		{ "\xed\x9f\xbf", 3, true },
		{ "\xee\x80\x80", 3, true },
		{ "\xf4\x8f\xbf\xbf", 4, true },
		{ "\xf4\x90\x80\x80", 4, false }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 4, false },
		{ "\x80", 1, false },
		{ "\xe2\x82\x41", 3, false },
		{ "\xff", 1, false },
	};

	for (size_t i = 0; i < FL_COUNT(cases); i++)
		OK(fl_text_is_printable(cases[i].text, cases[i].length) == cases[i].printable,
		   "case %zu", i);
}

static void names_may_have_tabs_and_line_ends(void)
{
	OK(fl_text_is_name("a\tb\r\n", 5));
	OK(fl_text_is_name("", 0) && fl_text_is_name("ä", 2));
	OK(!fl_text_is_name("a\0b", 3) && !fl_text_is_name("\x0b", 1));
	OK(!fl_text_is_name("\x0c", 1) && !fl_text_is_name("\x1b", 1));
	OK(!fl_text_is_name("\x7f", 1) && !fl_text_is_name("\xc2\x85", 2));
	OK(!fl_text_is_name("a\n\xff", 3));
}

static void safe_names_are_safe(void)
{
	static const char *const safe[] = { "a", "A9", "pvc-1.x_Y", "0a" };
	static const char *const unsafe[] = { "",    ".",    "..", "-rf",   "_a",  "a/b", "a b",
					      "a:b", "a\nb", "ä",  "a\x01", "a@b", "a%b" };

	for (size_t i = 0; i < FL_COUNT(safe); i++)
		OK(fl_text_is_safe_name(safe[i], 20), "%s", safe[i]);
	for (size_t i = 0; i < FL_COUNT(unsafe); i++)
		OK(!fl_text_is_safe_name(unsafe[i], 20), "%s", unsafe[i]);
	OK(fl_text_is_safe_name("abc", 3));
	OK(!fl_text_is_safe_name("abcd", 3));
	OK(!fl_text_is_safe_name("a", 0));
}

static void a_handle_follows_from_the_name(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *hashed = fl_text_handle(arena, "my disk/1", 64);

	SAME(fl_text_handle(arena, "pvc-1", 64), "pvc-1");
	/* The first half of the SHA-256 of "my disk/1", as sha256sum computes it. */
	SAME(hashed, "fl-97b720c214efdc2c92cdf5bf59655587");
	EQUAL(strlen(hashed), 35);
	SAME(fl_text_handle(arena, "my disk/1", 64), hashed);
	OK(strcmp(fl_text_handle(arena, "my disk/2", 64), hashed) != 0);
	/* A name that looks like one of our hashes could clash with one. */
	EQUAL(strlen(fl_text_handle(arena, "fl-x", 64)), 35);
	OK(strcmp(fl_text_handle(arena, hashed, 64), hashed) != 0);
	SAME(fl_text_handle(arena, "abcd", 4), "abcd");
	EQUAL(strlen(fl_text_handle(arena, "abcde", 4)), 35);
	EQUAL(strlen(fl_text_handle(arena, "", 4)), 35);
}

static void sha256_is_that_of_the_standard(void)
{
	char hash[65];

	fl_text_sha256("", 0, hash);
	SAME(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	fl_text_sha256("abc", 3, hash);
	SAME(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void the_nearest_word_is_found(void)
{
	static const char *const words[] = { "directory", "backend", "name",
					     "id",        "agent",   "multi_attach" };
	static const struct {
		const char *word;
		const char *nearest;
	} cases[] = {
		{ "directry", "directory" },
		{ "dierctory", "directory" },
		{ "Directory", "directory" },
		{ "nmae", "name" },
		{ "names", "name" },
		{ "bakend", "backend" },
		{ "multi-attach", "multi_attach" },
		{ "multiattach", "multi_attach" },
		{ "agnet", "agent" },
		{ "ip", NULL },
		{ "zone", NULL },
		{ "", NULL },
		{ "entirely-different", NULL },
	};
	char longest[200];

	for (size_t i = 0; i < FL_COUNT(cases); i++) {
		const char *found = fl_text_nearest(cases[i].word, words, FL_COUNT(words));

		OK(cases[i].nearest ? found && strcmp(found, cases[i].nearest) == 0 : !found,
		   "\"%s\" gave %s", cases[i].word, found ? found : "nothing");
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	OK(fl_text_nearest(longest, words, FL_COUNT(words)) == NULL);
	OK(fl_text_nearest("name", (const char *const[]){ longest }, 1) == NULL);
	OK(fl_text_nearest("name", NULL, 0) == NULL);
}

static const struct test tests[] = {
	{ "the last of equal keys counts", the_last_of_equal_keys_counts },
	{ "starts and ends are compared", starts_and_ends_are_compared },
	{ "printable means UTF-8 without control characters",
	  printable_means_utf8_without_control_characters },
	{ "names may have tabs and line ends", names_may_have_tabs_and_line_ends },
	{ "safe names are safe", safe_names_are_safe },
	{ "a handle follows from the name", a_handle_follows_from_the_name },
	{ "SHA-256 is that of the standard", sha256_is_that_of_the_standard },
	{ "the nearest word is found", the_nearest_word_is_found },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
