/* SPDX-License-Identifier: Apache-2.0 */
/* Suite: the statements in their order, and running them in one process. */
#pragma once

#include "statement.h"

#define SUITE_NOT_CLEAN "what an earlier statement made cannot be removed: "

/* What one process writes and another one reads: how far it is, and what came of a statement. */
struct suite_board {
	bool is_open; /* the pool was opened once, and tried with a first volume */
	unsigned offered;
	size_t at;                            /* the statement */
	bool is_cleaning;                     /* before it */
	struct backend_check_failure failure; /* its place "": none */
	char skipped[CHECK_SKIPPED];          /* why; "": it is not */
	struct fl_error error;                /* of suite_run in another process */
	struct fl_progress progress;
};

struct suite {
	const struct backend_check_plan *plan; /* of a traced backend */
	struct suite_board *board;             /* in shared memory */
	const struct statement **statements;
	size_t n;
};

/* Those that the plan's filter lets through. */
void suite_collect(struct suite *suite, struct fl_arena *arena);

enum suite_event {
	SUITE_OPENED, /* what is offered is known */
	SUITE_RAN,    /* the statement board->at */
	SUITE_ENDED,  /* and the pool is closed */
};
typedef void suite_step(void *cookie, enum suite_event event);

/* Opens the pool, runs the statements from `first` on, closes the pool.  -1 when it cannot be
 * opened. */
int suite_run(struct suite *suite, size_t first, suite_step *step, void *cookie,
	      struct fl_error *err) fl_must_check;
/* The same in child processes: one more after each call that did not return. */
int suite_supervise(struct suite *suite, suite_step *step, void *cookie, struct fl_error *err)
	fl_must_check;

/* Nothing has come of statement `at` yet. */
void suite_clear(struct suite_board *board, size_t at);
