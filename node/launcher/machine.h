/* SPDX-License-Identifier: Apache-2.0 */
/* Machine: QEMU as a whole: connecting, its state, its start and its end. */
#pragma once

#include "vm.h"

/* Connects vm->qmp, waiting for QEMU to listen, and reads what it can do.  FL_NOT_FOUND when QEMU
 * has ended (machine_has_ended). */
int machine_connect(const struct fl_op *op, struct vm *vm, struct fl_error *err) fl_must_check;

/* QEMU's word for its state: "prelaunch", "running", "paused", …; in op's arena. */
int machine_state(const struct fl_op *op, struct vm *vm, const char **ret, struct fl_error *err)
	fl_must_check;
/* Lets the machine run. */
int machine_start(const struct fl_op *op, struct vm *vm, struct fl_error *err) fl_must_check;

/* QEMU's process id as its supervisor wrote it, and when that was (CLOCK_REALTIME); -1 after the
 * supervisor has seen QEMU's end, because it then removes the file. */
pid_t machine_pid(const struct vm *vm, int64_t *ret_since_ns);
bool machine_has_ended(const struct vm *vm);

/* Ends QEMU: powers the guest down and waits timeout_ms for that, or not at all with `force`; then
 * tells QEMU to quit; then has it killed.  *ret_how: "guest", "quit" or "killed".  Returns when
 * QEMU has ended. */
int machine_stop(const struct fl_op *op, struct vm *vm, uint64_t timeout_ms, bool force,
		 const char **ret_how, struct fl_error *err) fl_must_check;
