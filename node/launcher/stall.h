/* SPDX-License-Identifier: Apache-2.0 */
/* Stall: the guest stands still because QEMU could not read or write a disk (werror=stop,
 * rerror=stop).
 *
 * QEMU keeps the requests that failed and makes them again when the guest goes on, which sees no
 * error.  It marks the disk, and the mark stays until the disk is plugged out: so of disks that
 * failed one after the other all are named, and none while the guest runs. */
#pragma once

#include "vm.h"

/* QEMU's disks, for stall_of, when the guest stands still for this reason in `state`
 * (machine_state); else NULL.  The caller's (fl_json_release). */
int stall_look(const struct fl_op *op, struct vm *vm, const char *state, json_t **ret,
	       struct fl_error *err) fl_must_check;
/* "full": its storage had no space left; "failed": any other error; NULL: it is not this disk.  A
 * constant. */
const char *stall_of(const json_t *devices, const struct disk *disk);

/* The state, and stall_of, of the disk that is called so.  FL_NOT_FOUND when there is none. */
int stall_read(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
	       const char **ret_state, const char **ret_stall, struct fl_error *err) fl_must_check;

/* Lets a guest go on that stands still for this reason, or that somebody has stopped; one that runs
 * is success.  FL_NO_SPACE or FL_INTERNAL, with the disks, when it stands still again at once;
 * FL_BUSY while it is held for a snapshot (hold.h); FL_IN_USE in a state that nothing leads out
 * of. */
int stall_end(const struct fl_op *op, struct vm *vm, struct fl_error *err) fl_must_check;
