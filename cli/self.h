/* SPDX-License-Identifier: Apache-2.0 */
/* Self: runs this program again, as another process, with other words. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

/* Runs `fairlead WORDS…` (NULL at the end) and waits.  Its standard output, without the last
 * newline, is *ret_output; its standard error is ours.  *ret_status is its exit code. */
int self_run(struct fl_arena *arena, const char *const *words, int *ret_status,
	     const char **ret_output, struct fl_error *err) fl_must_check;

/* Starts it in a session of its own, with its output going to the file `log` (made anew).  The
 * caller reaps *ret_pid or ends. */
int self_detach(struct fl_arena *arena, const char *const *words, const char *log, pid_t *ret_pid,
		struct fl_error *err) fl_must_check;
