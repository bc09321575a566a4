/* SPDX-License-Identifier: Apache-2.0 */
/* conformance BACKEND DIRECTORY [KEY=VALUE…] [+FILTER]: the statements of backends/check over a
 * pool in DIRECTORY (option `directory`), as TAP; afterwards the directory holds no trace of
 * them. */
#include <stdio.h>
#include <string.h>

#include "backends/check/check.h"
#include "backends/pools.h"
#include "leftovers.h"

#define MAX_OPTIONS 16

struct tap {
	size_t n;
	size_t n_failed;
};

static void tap_report(void *cookie, const struct backend_check_result *result)
{
	const struct backend_check_failure *failure = result->failure;
	struct tap *tap = cookie;

	tap->n++;
	switch (result->outcome) {
	case BACKEND_CHECK_PASSED:
		printf("ok %zu - %s\n", tap->n, result->statement);
		return;
	case BACKEND_CHECK_SKIPPED:
		printf("ok %zu - %s # SKIP %s\n", tap->n, result->statement, result->skipped);
		return;
	case BACKEND_CHECK_FAILED:
		tap->n_failed++;
		printf("# %s: %s: wanted %s, got %s\nnot ok %zu - %s\n", failure->place,
		       failure->expression, failure->expected, failure->got, tap->n,
		       result->statement);
		return;
	}
}

static void tap_offer(void *cookie, const char *capability, bool offered)
{
	(void)cookie;
	printf("# %s: %s\n", capability, offered ? "offered" : "not offered");
}

static void tap_check_empty(struct tap *tap, const char *directory)
{
	size_t n_left = leftovers_print(directory);

	tap->n++;
	if (n_left)
		tap->n_failed++;
	printf("%sok %zu - nothing is left in the directory\n", n_left ? "not " : "", tap->n);
}

static int fill_options(struct fl_arena *arena, const struct fl_backend *backend, char **arguments,
			const char *directory, const void **ret, struct fl_error *err)
{
	struct fl_pair pairs[MAX_OPTIONS] = { { "directory", directory } };
	void *options = fl_arena_alloc(arena, backend->options_size);
	size_t n = 1;

	for (; *arguments && n < MAX_OPTIONS; arguments++) {
		char *equals = strchr(*arguments, '=');

		if (!equals)
			continue;
		*equals = '\0';
		pairs[n++] = (struct fl_pair){ *arguments, equals + 1 };
	}
	*ret = options;
	return fl_config_fill_pairs(arena, pairs, n, "the pool", backend->options,
				    backend->n_options, options, backend->options_size, err);
}

int main(int argc, char **argv)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	/* Leaks are looked for in the process that makes them. */
	struct backend_check_plan plan = { .report = tap_report,
					   .offer = tap_offer,
					   .in_process = true };
	struct tap tap = { 0 };
	struct fl_error err;
	size_t failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fprintf(stderr, "usage: conformance BACKEND DIRECTORY [KEY=VALUE…] [+FILTER]\n");
		return 2;
	}
	if (argv[argc - 1][0] == '+')
		plan.filter = argv[argc - 1] + 1;
	plan.cookie = &tap;
	if (fl_backend_load(argv[1], &plan.backend, &err) < 0 ||
	    fill_options(arena, plan.backend, argv + 3, argv[2], &plan.options, &err) < 0 ||
	    backend_check_run(&plan, &failed, &err) < 0) {
		printf("# %s\nnot ok 1 - backend %s\n1..1\n", err.text, argv[1]);
		return 1;
	}
	tap_check_empty(&tap, argv[2]);
	printf("1..%zu\n", tap.n);
	return tap.n_failed ? 1 : 0;
}
