/* SPDX-License-Identifier: Apache-2.0 */
/* Trace: the last calls that were made of the backend, with their arguments and results, so that a
 * failed statement can say what led to it.
 *
 * It is in memory that child processes share, one room for each, and a call is noted before it is
 * made: what a process was at that crashed or hangs is read by another one.  From any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define TRACE_LINES 6
#define TRACE_LINE_BYTES 480
#define TRACE_ROOMS 9

struct trace_line {
	char member[40]; /* "snapshots->create" */
	char text[TRACE_LINE_BYTES];
};

/* The calls of a statement, oldest first but for those that have not returned, which come last;
 * those before the last TRACE_LINES are forgotten. */
struct trace {
	struct trace_line lines[TRACE_LINES];
	size_t n;
	bool waits; /* the last one has not returned */
};

/* Makes the rooms, for this process and its children to come.  Again is fine. */
int trace_share(struct fl_error *err) fl_must_check;
/* From now on the calls of this process are noted in `room`; a parent is in room 0. */
void trace_enter_room(unsigned room);
/* Forgets all calls of this process's room. */
void trace_begin(void);

/* A call is about to be made; the format's words are its arguments. */
uint64_t trace_enter(const char *member, const char *format, ...) fl_printf_like(2, 3);
/* More words, known after the call. */
void trace_tell(uint64_t call, const char *format, ...) fl_printf_like(2, 3);
/* It has returned; `err` is looked at when `result` is -1.  Returns `result`. */
int trace_leave(uint64_t call, const struct fl_error *err, int result);

/* This process's. */
unsigned trace_room(void);
void trace_get(unsigned room, struct trace *ret);
/* The room of a process that waits for a call, else this process's own. */
unsigned trace_waiting_room(void);
/* Grows with each call that begins or ends, in any room. */
uint64_t trace_moves(void);
