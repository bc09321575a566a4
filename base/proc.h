/* SPDX-License-Identifier: Apache-2.0 */
/* Proc: runs tools (mkfs, lvs, qemu-img) and waits for them with a deadline.
 *
 * No shell.  posix_spawn with argv as it is; PATH is /usr/sbin:/usr/bin:/sbin:/bin, LC_ALL=C, no
 * other variable; stdin is /dev/null or the given text; standard output and error are captured,
 * each capped; it inherits no descriptor that it is not given; the signal mask is empty; the child is the leader
 * of a process group of its own.  When op->deadline passes, the group gets SIGKILL and is reaped (a
 * child stuck in the kernel is left to a reaper thread), and the call fails with FL_TIMEOUT.
 * Arguments are seen by everybody on the machine: secrets go through `input`. */
#pragma once

#include <stddef.h>

#include "error.h"
#include "op.h"

struct fl_proc_result {
	int exit_status;    /* 0–255, or 128 + signal number */
	const char *output; /* standard output, NUL-terminated, in op->arena, at most 16 MiB */
	size_t output_size;
	const char *errors; /* standard error, its first 64 KiB, in op->arena */
};

/* Runs argv[0] with argv (ends with NULL) and waits.  Returns 0 when it was run and ended by
 * itself, whatever its exit status; -1 with FL_UNSUPPORTED when the program is not installed
 * ("mkfs.xfs is not installed"), FL_TIMEOUT at the deadline (nothing is started when it has passed
 * already), FL_INTERNAL when it prints more than 16 MiB (half a list is no list: it is killed).  A
 * process that the tool leaves behind is not waited for, even if it holds the output open. */
int fl_proc_run(const struct fl_op *op, const char *const argv[], struct fl_proc_result *ret,
		struct fl_error *err) fl_must_check;

/* The same with `input` of input_size bytes on standard input. */
int fl_proc_run_input(const struct fl_op *op, const char *const argv[], const void *input,
		      size_t input_size, struct fl_proc_result *ret, struct fl_error *err)
	fl_must_check;

/* fl_proc_run, and the program inherits `fd` as its descriptor 3: what that keeps (a lock, a device
 * that must not become another one) is kept from before it starts until it has ended. */
int fl_proc_run_with(const struct fl_op *op, const char *const argv[], int fd,
		     struct fl_proc_result *ret, struct fl_error *err) fl_must_check;

/* fl_proc_run, and an exit status other than 0 is FL_INTERNAL with the first line of standard
 * error in the text.  `ret` may be NULL. */
int fl_proc_check(const struct fl_op *op, const char *const argv[], struct fl_proc_result *ret,
		  struct fl_error *err) fl_must_check;
