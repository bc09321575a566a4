/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>

#include "base/text.h"
#include "tests/test.h"

static void setting_fills_everything_and_returns_minus_one(void)
{
	struct fl_error err = { .sys = 5 };

	EQUAL(fl_error_set(&err, FL_EXISTS, "volume %s has %d bytes", "a", 7), -1);
	EQUAL(err.code, FL_EXISTS);
	EQUAL(err.sys, 0);
	SAME(err.text, "volume a has 7 bytes");
}

static void a_code_follows_from_errno(void)
{
	static const struct {
		int sys;
		enum fl_error_code code;
	} pairs[] = {
		{ ENOENT, FL_NOT_FOUND },   { ENOSPC, FL_NO_SPACE },    { EDQUOT, FL_NO_SPACE },
		{ EBUSY, FL_IN_USE },       { EACCES, FL_DENIED },      { EPERM, FL_DENIED },
		{ EROFS, FL_UNAVAILABLE },  { ETIMEDOUT, FL_TIMEOUT },  { EMFILE, FL_UNAVAILABLE },
		{ ENFILE, FL_UNAVAILABLE }, { ENOMEM, FL_UNAVAILABLE }, { EAGAIN, FL_UNAVAILABLE },
		{ EIO, FL_INTERNAL },       { ENOTEMPTY, FL_INTERNAL }, { 0, FL_INTERNAL },
	};

	for (size_t i = 0; i < FL_COUNT(pairs); i++) {
		struct fl_error err;

		EQUAL(fl_error_sys(&err, pairs[i].sys, "opening"), -1);
		EQUAL(err.code, pairs[i].code);
		EQUAL(err.sys, pairs[i].sys);
	}
}

static void the_system_s_words_are_added(void)
{
	struct fl_error err;

	fl_error_sys(&err, ENOENT, "opening %s", "/x");
	SAME(err.text, "opening /x: No such file or directory");
}

static void a_prefix_keeps_code_and_errno(void)
{
	struct fl_error err;

	fl_error_sys(&err, ENOSPC, "writing");
	EQUAL(fl_error_prefix(&err, "creating volume %s", "a"), -1);
	EQUAL(err.code, FL_NO_SPACE);
	EQUAL(err.sys, ENOSPC);
	SAME(err.text, "creating volume a: writing: No space left on device");
}

static void an_error_may_be_built_from_its_own_text(void)
{
	struct fl_error err;

	fl_error_set(&err, FL_INVALID, "inner");
	fl_error_set(&err, FL_BUSY, "outer (%s)", err.text);
	SAME(err.text, "outer (inner)");
	fl_error_prefix(&err, "%s", err.text);
	SAME(err.text, "outer (inner): outer (inner)");
}

static void a_text_is_one_line_without_control_characters(void)
{
	struct fl_error err;

	fl_error_set(&err, FL_INTERNAL, "tool said: %s", "a\nb\tc\x1b[0m\n\n");
	SAME(err.text, "tool said: a b c [0m");
}

static void a_long_text_is_cut_at_a_whole_character(void)
{
	struct fl_error err;
	char text[1200];

	/* Every possible place of the cut inside a character of two, three and four bytes. */
	for (size_t shift = 0; shift < 5; shift++) {
		memset(text, 'x', shift);
		text[shift] = '\0';
		while (strlen(text) < 1100)
			strncat(text, "ä€😀", sizeof(text) - strlen(text) - 1);
		fl_error_set(&err, FL_INVALID, "%s", text);
		OK(strlen(err.text) >= sizeof(err.text) - 4, "%zu", strlen(err.text));
		OK(fl_text_is_printable(err.text, strlen(err.text)), "shift %zu", shift);
		fl_error_prefix(&err, "prefix");
		OK(strncmp(err.text, "prefix: ", 8) == 0);
		OK(fl_text_is_printable(err.text, strlen(err.text)), "shift %zu", shift);
	}
}

static void every_code_has_a_word_and_back(void)
{
	for (int code = FL_OK; code < FL_ERROR_COUNT; code++)
		EQUAL(fl_error_code_of(fl_error_name((enum fl_error_code)code)), code);
	SAME(fl_error_name(FL_NOT_FOUND), "NOT_FOUND");
	SAME(fl_error_name((enum fl_error_code)999), "INTERNAL");
	EQUAL(fl_error_code_of("NONSENSE"), FL_INTERNAL);
	EQUAL(fl_error_code_of(NULL), FL_INTERNAL);
}

static const struct test tests[] = {
	{ "setting fills everything and returns -1",
	  setting_fills_everything_and_returns_minus_one },
	{ "a code follows from errno", a_code_follows_from_errno },
	{ "the system's words are added", the_system_s_words_are_added },
	{ "a prefix keeps code and errno", a_prefix_keeps_code_and_errno },
	{ "an error may be built from its own text", an_error_may_be_built_from_its_own_text },
	{ "a text is one line without control characters",
	  a_text_is_one_line_without_control_characters },
	{ "a long text is cut at a whole character", a_long_text_is_cut_at_a_whole_character },
	{ "every code has a word and back", every_code_has_a_word_and_back },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
