/* SPDX-License-Identifier: Apache-2.0 */
/* Supervisor: holds QEMU and the launcher as children, and nothing else.
 *
 * It allocates nothing and opens no connection: there is little in it that could die.  When it dies
 * all the same, the kernel kills both children (PR_SET_PDEATHSIG). */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct supervisor_input {
	const char *name;        /* of the VM, for the log */
	const char *const *qemu; /* argument vectors */
	const char *const *launcher;
	int dir_fd;  /* the runtime directory */
	int lock_fd; /* inherited by QEMU, so that the lock outlives us if it does */
	uint64_t stop_timeout_ms;
};

struct supervisor_end {
	int qemu_status;   /* as of waitpid */
	int launcher_exit; /* enum launcher_exit */
};

/* Runs both until QEMU has ended and the launcher has finished.  The process has one thread;
 * SIGTERM, SIGINT, SIGCHLD and SIGUSR1 are blocked from here on. */
int supervisor_run(const struct supervisor_input *input, struct supervisor_end *ret,
		   struct fl_error *err) fl_must_check;
