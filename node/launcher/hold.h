/* SPDX-License-Identifier: Apache-2.0 */
/* Hold: stops the guest for a moment, so that what all its disks hold is one point in time.
 *
 * QEMU's `stop` returns when no processor runs and every request of the guest is done and flushed.
 * Who asks for it gives a time; a thread of ours lets the guest go on after it, whatever has become
 * of who asked.  What is intended is on disk (hold.json) before the guest stops, so a new
 * launcher lets it go on as well, and at once: it cannot know that the hold stood.  A guest that
 * was not running when it was held is never started by the end of a hold. */
#pragma once

#include "vm.h"

#define HOLD_MS_MAX 10000 /* no guest stands still for longer */
#define HOLD_ID_MAX 64

/* Starts the thread; vm->hold is set.  Ends a hold that an earlier launcher has left. */
int hold_start(struct vm *vm, struct fl_error *err) fl_must_check;

/* Holds the VM, which has `volume` plugged in, under the name `id` for at most `ms`.  Held by that
 * id already: success, and no more time.  FL_BUSY when it is held by another one, or in a state
 * such as its start, of which nobody knows what comes next. */
int hold_begin(const struct fl_op *op, struct vm *vm, const char *volume, const char *id,
	       uint64_t ms, struct fl_error *err) fl_must_check;

/* Lets the guest go on.  *ret_stood: the hold `id` stood without a gap since hold_begin; false for
 * one that is unknown, has come to its time, or was ended by something else. */
int hold_end(const struct fl_op *op, struct vm *vm, const char *id, bool *ret_stood,
	     struct fl_error *err) fl_must_check;

/* Ends any hold and waits for that until op->deadline: the guest has to hear something. */
void hold_break(const struct fl_op *op, struct vm *vm);
/* For the status. */
bool hold_is_on(struct vm *vm);
