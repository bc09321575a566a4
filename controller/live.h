/* SPDX-License-Identifier: Apache-2.0 */
/* Live: copies of volumes that a guest is writing, made by its QEMU.
 *
 * The point in time is the start of QEMU's job: before the guest overwrites a block, QEMU copies
 * it.  The job's name follows from what is made, so a controller that was killed finds it again. */
#pragma once

#include "copy.h"
#include "owner.h"
#include "vmdisk.h"

/* For an owned volume: starts the copy or goes on with it, as copy_run. */
int live_run(const struct copy_task *task, const struct owner *owner, struct fl_copy *ret,
	     struct fl_error *err) fl_must_check;
/* Starts QEMU's copy to a target that has just been begun. */
int live_start(const struct copy_task *task, struct fl_copy *copy, struct fl_error *err)
	fl_must_check;
/* FL_IN_USE: the volume is attached, and no launcher that could copy it has it; the way out. */
int live_refuse(const struct copy_task *task, const struct vmdisk_place *place,
		struct fl_error *err) fl_must_check;
/* For a copy that was started: looks how far it is, and commits it when it is complete. */
int live_follow(const struct copy_task *task, struct fl_copy *copy, struct fl_error *err)
	fl_must_check;
/* Ends the copying of an unfinished snapshot that is going to be deleted; FL_UNAVAILABLE when the
 * node, which may be at it, does not answer. */
int live_cancel(const struct controller *c, const struct fl_op *op, const struct object *snapshot,
		const struct object *volume, struct fl_error *err) fl_must_check;
