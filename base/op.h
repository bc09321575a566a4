/* SPDX-License-Identifier: Apache-2.0 */
/* Op: one operation: who asks, until when, which memory, how far it is.
 *
 * It goes first through every blocking call, as a context does in other languages.  `deadline` is
 * always finite and bounds each wait for something outside (a tool, an array, a peer).  Work that
 * makes progress by itself, such as copying, is not cut by it: the orchestrator asks again, and
 * finished work answers it.  One operation is run by one thread. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"

/* How far a long operation is, read by other threads while it runs.  `step` points to a string
 * literal ("copying"); total is 0 when nothing is counted.  Numbers are bytes. */
struct fl_progress {
	_Atomic(const char *) step;
	_Atomic uint64_t done;
	_Atomic uint64_t total;
};

struct fl_op {
	const char *id; /* for the log; never NULL */
	struct timespec deadline;
	struct fl_arena *arena;
	struct fl_progress *progress; /* NULL when nobody looks */
};

/* Tells the onlookers: `step` must be a string literal.  Cheap; NULL progress is fine. */
void fl_op_step(const struct fl_op *op, const char *step, uint64_t done, uint64_t total);
