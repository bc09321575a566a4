/* SPDX-License-Identifier: Apache-2.0 */
/* Life: one disk's whole life in steps, each of which may fail and be made again: what the tests
 * that break things run over a pool. */
#pragma once

#include "backends/backend.h"

struct life_step {
	const char *name;
	int (*run)(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err);
};

/* The steps that make a volume, a snapshot, a clone, a copy and their records … */
extern const struct life_step life_making[];
extern const size_t life_n_making;
/* … and those that remove all of it. */
extern const struct life_step life_removing[];
extern const size_t life_n_removing;

/* Makes the step until it works; -1 when it fails with a code that is not to be asked again. */
int life_insist(const struct life_step *step, struct fl_pool *pool, struct fl_error *err);

/* 0 when the pool holds exactly what life_making made, each with its content. */
int life_check(struct fl_pool *pool, struct fl_error *err);

/* An op with an arena of its own; life_op_release, for fl_cleanup, ends it. */
struct fl_op life_op(void);
void life_op_release(struct fl_op *op);

/* Opens a pool of `backend` with option `directory`. */
int life_open(const struct fl_backend *backend, const char *directory, struct fl_pool **ret,
	      struct fl_error *err);
