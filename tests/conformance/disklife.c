/* SPDX-License-Identifier: Apache-2.0 */
/* disklife BACKEND DIRECTORY STEPS: makes ("make"), checks ("check") or removes ("remove") what a
 * disk's life leaves; each step once, so that whoever runs this can break it. */
#include <stdio.h>
#include <string.h>

#include "backends/pools.h"
#include "leftovers.h"
#include "life.h"

static int run_steps(struct fl_pool *pool, const struct life_step *steps, size_t n,
		     struct fl_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (life_insist(&steps[i], pool, err) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const struct fl_backend *backend;
	struct fl_error err;
	struct fl_pool *pool;
	int result = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: disklife BACKEND DIRECTORY make|check|remove\n");
		return 2;
	}
	if (fl_backend_load(argv[1], &backend, &err) < 0 ||
	    life_open(backend, argv[2], &pool, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (strcmp(argv[3], "make") == 0)
		result = run_steps(pool, life_making, life_n_making, &err);
	else if (strcmp(argv[3], "check") == 0)
		result = life_check(pool, &err);
	else
		result = run_steps(pool, life_removing, life_n_removing, &err);
	fl_pool_close(pool);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", fl_error_name(err.code), err.text);
	if (strcmp(argv[3], "remove") == 0 && result == 0)
		result = leftovers_print(argv[2]) ? -1 : 0;
	return result < 0 ? 1 : 0;
}
