/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot: what making, getting and listing snapshots have in common. */
#pragma once

#include "csi/reply.h"
#include "object.h"

/* As CSI's message. */
Csi__V1__Snapshot *snapshot_reply(const struct controller *c, const struct fl_op *op,
				  struct fl_pool *pool, const struct fl_snapshot *snapshot);

/* FL_INTERNAL: the snapshot has failed for good; names the way out. */
int snapshot_refuse(const struct fl_snapshot *snapshot, const char *volume_id, struct fl_error *err)
	fl_must_check;

/* Removes it, whatever it is a part of, and ends a copy that QEMU is making of it.  Absent is
 * success. */
int snapshot_remove(const struct controller *c, struct fl_op *op, const struct object *snapshot,
		    struct fl_error *err) fl_must_check;

/* The snapshot as it is now, of use only if its group stands (group.h).  One that QEMU copies in
 * the background is made ready if that copy has come to its end; `purpose` (a literal) names the
 * caller to who meets its mark.  FL_NOT_FOUND. */
int snapshot_look(struct controller *c, struct fl_op *op, const struct object *snapshot,
		  const char *purpose, struct fl_snapshot *ret, struct fl_error *err) fl_must_check;
