/* SPDX-License-Identifier: Apache-2.0 */
/* Copy: snapshots and clones of pools that cannot cut (FL_BACKEND_COPIES), as points in time.
 *
 * An idle volume is held by its owner record while it is copied here, and what was copied becomes
 * visible only after two proofs: the kernel's that nobody opened it for writing (still.h), and the
 * record's that the hold stood.  A volume that a launcher has plugged in is
 * copied by that launcher's QEMU (live.h).  Everything else is refused: a torn copy is never called
 * a snapshot. */
#pragma once

#include "object.h"

struct copy_task {
	struct controller *c;
	struct fl_op *op;            /* gets a new deadline when a copy has outlived its own */
	const struct object *source; /* the volume, marked busy by the caller */
	struct fl_copy_target target;
	const char *purpose; /* "CreateSnapshot snap-1": whoever is refused meanwhile reads it */
};

/* Makes or continues the copy.  After success ret->done says whether the snapshot or volume
 * ret->handle is finished; if not, QEMU is at it: call again.  A snapshot whose copy broke after
 * its cut has ret->failure set.  FL_IN_USE and FL_BUSY name who is in the way. */
int copy_run(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err) fl_must_check;

/* Goes on with a copy that was started, and starts none; otherwise as copy_run. */
int copy_continue(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err)
	fl_must_check;

/* For a source that is gone or out of reach, which *err says already: 0 when what would be made is
 * there (or has failed for good), made earlier; -1 with *err as it was when it is not, or with the
 * reason why that cannot be told (FL_BUSY: another call is at it) or is of no use (FL_EXISTS). */
int copy_find_made(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err)
	fl_must_check;

/* What was made could not be read: *err says why, and when it is FL_NOT_FOUND, which is said of
 * sources only, that somebody has deleted it (FL_BUSY). */
int copy_explain_absent(const char *name, struct fl_error *err) fl_must_check;

/* The steps of a copy made here, for who keeps several volumes still at once: */

/* A place among the few that copy at a time (FL_BUSY); given back by copy_leave, for fl_cleanup:
 * NULL is fine. */
int copy_enter(struct controller *c, struct controller **ret, struct fl_error *err) fl_must_check;
void copy_leave(struct controller **place);
/* FL_IN_USE when the node still has a volume staged that, by its record, nobody has. */
int copy_check_absent(const struct copy_task *task, struct fl_error *err) fl_must_check;
/* Copies the source, which is kept still, to the target's `path`. */
int copy_write(const struct copy_task *task, const char *path, struct fl_error *err) fl_must_check;
/* The copy is complete: makes it visible and sets copy->done. */
int copy_commit(const struct copy_task *task, struct fl_copy *copy, struct fl_error *err)
	fl_must_check;
/* Removes the target.  What it cannot remove now, the next begin or the delete of that object
 * does. */
void copy_give_up(const struct copy_task *task, const struct fl_copy *copy);
