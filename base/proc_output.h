/* SPDX-License-Identifier: Apache-2.0 */
/* Proc output: what a tool writes to one of its descriptors, kept up to a limit.  For proc.c. */
#pragma once

#include <stdbool.h>

#include "arena.h"
#include "error.h"

struct fl_proc_output {
	int fd; /* our end of the pipe; -1: its end has come, or it is not open */
	char *data;
	size_t size; /* bytes kept */
	size_t room;
	size_t max;      /* bytes to keep; set by the caller */
	bool overflowed; /* there were more, which are lost */
};

/* Makes the pipe; *ret_child is the tool's end. */
int fl_proc_output_open(struct fl_proc_output *output, int *ret_child, struct fl_error *err)
	fl_must_check;
/* Reads what is there, without waiting. */
int fl_proc_output_read(struct fl_proc_output *output, struct fl_error *err) fl_must_check;
/* What was kept, NUL-terminated, in the arena. */
const char *fl_proc_output_text(struct fl_arena *arena, const struct fl_proc_output *output);
void fl_proc_output_release(struct fl_proc_output *output);
