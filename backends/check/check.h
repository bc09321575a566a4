/* SPDX-License-Identifier: Apache-2.0 */
/* Check: the statements that every backend has to make true, run against a real pool.
 *
 * For `fairlead backend check` and for our own tests.  Volumes and snapshots made here have names
 * that begin with "fairlead-check-"; what else the pool holds is not touched, and theirs are
 * removed before and after each statement.  A statement about a call or flag that the pool does not
 * offer is skipped, with the reason. */
#pragma once

#include "backends/backend.h"

enum backend_check_outcome { BACKEND_CHECK_PASSED, BACKEND_CHECK_FAILED, BACKEND_CHECK_SKIPPED };

/* What the author of the backend needs to find the fault; each a phrase or "". */
struct backend_check_failure {
	char expected[600];
	char got[600];
	char place[80];       /* "volumes.c:45": the line of the statement's function */
	char expression[300]; /* what stands there */
	char member[40];      /* the last call that was made of the backend: "volume_delete" … */
	char calls[3000]; /* … and what led to it: lines "call(arguments): result", oldest first */
};

struct backend_check_result {
	const char *statement;  /* "a volume is created once" */
	const char *capability; /* what it is about: "volumes", "resize" … */
	enum backend_check_outcome outcome;
	const char *skipped;                         /* why */
	const struct backend_check_failure *failure; /* NULL unless it failed */
	const char *contract; /* of failure->member, in the words of backend.h */
};

struct backend_check_plan {
	const struct fl_backend *backend;
	const void *options; /* of the pool, as fl_backend.open takes them */
	const char *filter;  /* only the statements that contain it; NULL: all */
	uint64_t timeout_ms; /* for the calls of a statement; 0: two minutes */
	/* In this process, for a debugger or a checker of leaks: a backend that crashes or hangs
	 * takes the report with it. */
	bool in_process;
	/* Called after each statement. */
	void (*report)(void *cookie, const struct backend_check_result *result);
	/* Called before all statements, for each capability; the first, "volumes", is required. */
	void (*offer)(void *cookie, const char *capability, bool offered);
	void *cookie;
};

/* Opens the pool in child processes; so the caller has one thread.  A call that crashes or does not
 * return fails its statement, and the next one is run in a new process; where that comes too often,
 * the rest is skipped.  *ret_failed is the number of failed statements.  -1 when the pool cannot be
 * opened, a first volume not made, or the filter matches nothing. */
int backend_check_run(const struct backend_check_plan *plan, size_t *ret_failed,
		      struct fl_error *err) fl_must_check;
