/* SPDX-License-Identifier: Apache-2.0 */
/* Object: the volume or snapshot that a request names by its id. */
#pragma once

#include "base/busy.h"
#include "controller.h"

struct object {
	struct fl_pool *pool;
	const char *handle;
	const char *id;
};

/* Reads an id; asks no storage.  `what` is "volume" or "snapshot".  FL_INVALID when it is empty,
 * FL_NOT_FOUND when it cannot be one of ours, FL_UNAVAILABLE when it lives on a node-local pool of
 * another node, which this controller does not reach. */
int object_find(const struct controller *c, const struct fl_op *op, const char *what,
		const char *id, struct object *ret, struct fl_error *err) fl_must_check;
/* For who is going to say that what was not found is gone: as fl_object_id_check_gone. */
int object_check_gone(const struct controller *c, const struct fl_op *op, const char *what,
		      const char *id, struct fl_error *err) fl_must_check;
/* The same as object_find for what a pool told us; `handle` is borrowed. */
struct object object_of(const struct controller *c, const struct fl_op *op, struct fl_pool *pool,
			const char *handle);

/* Marks the volume busy; op's progress becomes visible through the mark. */
int object_mark_volume(const struct controller *c, struct fl_op *op, const struct object *volume,
		       const char *method, struct fl_busy_mark *ret, struct fl_error *err)
	fl_must_check;
/* The same for a snapshot. */
int object_mark_snapshot(const struct controller *c, struct fl_op *op,
			 const struct object *snapshot, const char *method,
			 struct fl_busy_mark *ret, struct fl_error *err) fl_must_check;
/* The same for a group snapshot, there or not. */
int object_mark_group(const struct controller *c, struct fl_op *op, const struct object *group,
		      const char *method, struct fl_busy_mark *ret, struct fl_error *err)
	fl_must_check;
/* The same for what is about to be made: its handle is not known yet. */
int object_mark_name(const struct controller *c, struct fl_op *op, const struct fl_pool *pool,
		     const char *name, struct fl_busy_mark *ret, struct fl_error *err)
	fl_must_check;
