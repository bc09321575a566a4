/* SPDX-License-Identifier: Apache-2.0 */
/* Test: what a test program in C needs, and no more.  Prints TAP (Test Anything Protocol).
 *
 *	static void a_volume_is_created_once(void)
 *	{
 *		OK(create("v1"), "creating v1");
 *		FAILS(get("v2"), FL_NOT_FOUND);
 *	}
 *	static const struct test tests[] = {
 *		{ "a volume is created once", a_volume_is_created_once },
 *	};
 *	int main(int argc, char **argv) { return test_run(tests, FL_COUNT(tests), argc, argv); }
 *
 * An argument runs only the tests whose names contain it.  SKIP ends the test with a reason. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct test {
	const char *name;
	void (*run)(void);
};

static int test_failures;
static const char *test_skip_reason;
/* The error that tests hand to the functions under test. */
static struct fl_error test_error __attribute__((unused));

#define OK(condition, ...)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			test_failures++;                                                           \
			printf("# %s:%d: not true: %s:", __FILE__, __LINE__, #condition);          \
			printf(" " __VA_ARGS__);                                                   \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

/* The call (it fills test_error) succeeds. */
#define WORKS(call)                                                                                \
	do {                                                                                       \
		memset(&test_error, 0, sizeof(test_error));                                        \
		if ((call) != 0) {                                                                 \
			test_failures++;                                                           \
			printf("# %s:%d: %s failed: %s: %s\n", __FILE__, __LINE__, #call,          \
			       fl_error_name(test_error.code), test_error.text);                   \
		}                                                                                  \
	} while (0)

/* The call fails with this code and has filled test_error. */
#define FAILS(call, wanted)                                                                        \
	do {                                                                                       \
		memset(&test_error, 0, sizeof(test_error));                                        \
		if ((call) == 0) {                                                                 \
			test_failures++;                                                           \
			printf("# %s:%d: %s succeeded, wanted %s\n", __FILE__, __LINE__, #call,    \
			       #wanted);                                                           \
		} else if (test_error.code != (wanted)) {                                          \
			test_failures++;                                                           \
			printf("# %s:%d: %s gave %s (%s), wanted %s\n", __FILE__, __LINE__, #call, \
			       fl_error_name(test_error.code), test_error.text, #wanted);          \
		}                                                                                  \
	} while (0)

#define EQUAL(got, wanted)                                                                         \
	do {                                                                                       \
		long long test_got = (long long)(got), test_wanted = (long long)(wanted);          \
		if (test_got != test_wanted) {                                                     \
			test_failures++;                                                           \
			printf("# %s:%d: %s is %lld, wanted %lld\n", __FILE__, __LINE__, #got,     \
			       test_got, test_wanted);                                             \
		}                                                                                  \
	} while (0)

#define SAME(got, wanted)                                                                          \
	do {                                                                                       \
		const char *test_got = (got), *test_wanted = (wanted);                             \
		if (!test_got || strcmp(test_got, test_wanted) != 0) {                             \
			test_failures++;                                                           \
			printf("# %s:%d: %s is \"%s\", wanted \"%s\"\n", __FILE__, __LINE__, #got, \
			       test_got ? test_got : "(null)", test_wanted);                       \
		}                                                                                  \
	} while (0)

#define SKIP(reason)                                                                               \
	do {                                                                                       \
		test_skip_reason = (reason);                                                       \
		return;                                                                            \
	} while (0)

static int __attribute__((unused))
test_run(const struct test *tests, size_t n_tests, int argc, char **argv)
{
	int failed = 0;
	size_t number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n_tests; i++) {
		if (argc > 1 && !strstr(tests[i].name, argv[1]))
			continue;
		test_failures = 0;
		test_skip_reason = NULL;
		tests[i].run();
		number++;
		if (test_failures) {
			failed++;
			printf("not ok %zu - %s\n", number, tests[i].name);
		} else if (test_skip_reason) {
			printf("ok %zu - %s # SKIP %s\n", number, tests[i].name, test_skip_reason);
		} else {
			printf("ok %zu - %s\n", number, tests[i].name);
		}
	}
	printf("1..%zu\n", number);
	return failed || number == 0 ? 1 : 0;
}
