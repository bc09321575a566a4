/* SPDX-License-Identifier: Apache-2.0 */
/* Stub: the frame of the programs that hold the checked calls against a backend of their own, which
 * answers what the test wants. */
#pragma once

#include <stdlib.h>

#include "backends/backend.h"
#include "base/clock.h"
#include "tests/test.h"

static struct fl_arena *arena;
static struct fl_op stub_op;
static struct fl_pool *pool;

static int stub_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
		     const void *options, struct fl_error *err)
{
	(void)op, (void)name, (void)options, (void)err;
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -1;
}

static void stub_close(struct fl_pool *closed)
{
	free(closed);
}

/* The members that each such backend begins with. */
#define STUB_HEAD                                                                                  \
	.abi = FL_BACKEND_ABI, .size = sizeof(struct fl_backend), .name = "stub",                  \
	.open = stub_open, .close = stub_close

/* The tests, with `pool` opened. */
static int stub_run(const struct fl_backend *backend, const struct test *tests, size_t n, int argc,
		    char **argv)
{
	int status;

	arena = fl_arena_new(0);
	stub_op = (struct fl_op){ "test", fl_clock_after_ms(60000), arena, NULL };
	if (fl_pool_open(backend, &stub_op, "stub", NULL, &pool, &test_error) < 0)
		return 1;
	status = test_run(tests, n, argc, argv);
	fl_pool_close(pool);
	fl_arena_free(arena);
	return status;
}
