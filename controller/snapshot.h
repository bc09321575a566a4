/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot: what making and listing snapshots have in common. */
#pragma once

#include "csi/reply.h"
#include "object.h"

/* As CSI's message. */
Csi__V1__Snapshot *snapshot_reply(const struct controller *c, const struct fl_op *op,
				  struct fl_pool *pool, const struct fl_snapshot *snapshot);

/* FL_INTERNAL: the snapshot has failed for good; names the way out. */
int snapshot_refuse(const struct fl_snapshot *snapshot, const char *volume_id, struct fl_error *err)
	fl_must_check;
