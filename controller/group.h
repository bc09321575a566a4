/* SPDX-License-Identifier: Apache-2.0 */
/* Group: snapshots of several volumes of one pool, cut at one moment.
 *
 * Its snapshots are ordinary ones that name it (fl_snapshot.group).  What they are worth is decided
 * by its record (group_record.h): until that says "done" and names them they are of no use to
 * anybody. */
#pragma once

#include "csi/reply.h"
#include "group_record.h"
#include "object.h"

/* What a snapshot's group says of it. */
enum group_standing {
	GROUP_STANDS,     /* a member of a whole group; or it was made alone */
	GROUP_UNFINISHED, /* a member of one that is being made or deleted */
	GROUP_STRANGER, /* left by an attempt that was given up: no group knows it, it can be deleted */
};

/* Clears snapshot->ready unless it stands; a stranger has no group and has failed for good.
 * FL_NOT_FOUND when the snapshot was deleted with its group since it was read. */
int group_settle(const struct fl_op *op, struct fl_pool *pool, struct fl_snapshot *snapshot,
		 enum group_standing *ret, struct fl_error *err) fl_must_check;

/* FL_INVALID unless the n ids are those of the group's snapshots, in any order; those that are
 * gone, damaged or being deleted may be missing. */
int group_check_ids(const struct controller *c, const struct fl_op *op, const struct object *object,
		    const struct group *group, char *const *ids, size_t n, struct fl_error *err)
	fl_must_check;

/* As CSI's message, as it is now: copies of QEMU's that have come to their end are completed.
 * `purpose` as for snapshot_look.  FL_INTERNAL names a snapshot that has failed for good. */
int group_reply(struct controller *c, struct fl_op *op, const struct object *object,
		const struct group *group, const char *purpose, Csi__V1__VolumeGroupSnapshot **ret,
		struct fl_error *err) fl_must_check;

/* Removes one snapshot of a group, whole or not, and ends what QEMU does for it. */
int group_remove_member(const struct controller *c, struct fl_op *op, struct fl_pool *pool,
			const struct group_member *member, struct fl_error *err) fl_must_check;
/* Removes the group, whatever its state, with its snapshots, and what an interrupted attempt left.
 * Interrupted itself, it is completed by the next one.  FL_IN_USE when a snapshot is in use. */
int group_discard(const struct controller *c, struct fl_op *op, const struct object *object,
		  struct group *group, struct fl_error *err) fl_must_check;

/* Whether the pool can have groups. */
bool group_is_offered(const struct fl_backend *backend);
