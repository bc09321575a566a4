/* SPDX-License-Identifier: Apache-2.0 */
/* Faulty: a backend around any other that fails, or delays, the call that it is told to.
 *
 * One at a time in a process: the plan and the count of calls are global. */
#pragma once

#include "backends/backend.h"

enum faulty_when {
	FAULTY_NEVER,
	FAULTY_BEFORE, /* the call fails and nothing was done */
	FAULTY_AFTER,  /* everything was done, and the answer is lost */
	FAULTY_LATE,   /* the call works, after delay_ms */
};

struct faulty_plan {
	enum faulty_when when;
	unsigned call; /* which call since faulty_set, counted from 1; 0: every call */
	uint64_t delay_ms;
};

/* The decorated backend: flags and capabilities of `inner`, with `flags` added. */
const struct fl_backend *faulty_wrap(const struct fl_backend *inner, unsigned flags);
/* The plan from now on; the count of calls begins anew. */
void faulty_set(struct faulty_plan plan);
/* Calls since faulty_set. */
unsigned faulty_calls(void);
