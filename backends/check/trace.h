/* SPDX-License-Identifier: Apache-2.0 */
/* Trace: the last calls that were made of the backend, with their arguments and results, so that a
 * failed statement can say what led to it.
 *
 * One in a process; from any thread. */
#pragma once

#include <stddef.h>

#include "base/error.h"

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

/* Forgets all calls. */
void trace_begin(void);
/* A call that has ended: what it returned and, for -1, its error; the format's words are its
 * arguments.  Returns `result`. */
int trace_note(const struct fl_error *err, const char *member, int result, const char *format, ...)
	fl_printf_like(4, 5);
void trace_get(struct trace *ret);
