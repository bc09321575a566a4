/* SPDX-License-Identifier: Apache-2.0 */
/* Trace: a backend around another one that remembers the last calls made of it, with their arguments
 * and results, so that a failed statement can say what led to it.
 *
 * One in a process at a time; calls may come from several threads. */
#pragma once

#include "backends/backend.h"

#define TRACE_LINES 6
#define TRACE_LINE_BYTES 480

struct trace_line {
	char member[40]; /* "snapshots->create" */
	char text[TRACE_LINE_BYTES];
};

/* The calls of a statement, oldest first; those before the last TRACE_LINES are forgotten. */
struct trace {
	struct trace_line lines[TRACE_LINES];
	size_t n;
};

/* `inner` with the same capabilities; valid until the next trace_wrap. */
const struct fl_backend *trace_wrap(const struct fl_backend *inner);
/* Forgets all calls. */
void trace_begin(void);
void trace_get(struct trace *ret);
