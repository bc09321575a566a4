/* SPDX-License-Identifier: Apache-2.0 */
#include "group.h"

#include <string.h>

#include "live.h"
#include "snapshot.h"

bool group_is_offered(const struct fl_backend *backend)
{
	return backend->snapshots && backend->pool_records;
}

int group_settle(const struct fl_op *op, struct fl_pool *pool, struct fl_snapshot *snapshot,
		 enum group_standing *ret, struct fl_error *err)
{
	struct fl_snapshot still_there;
	struct group group = { 0 };

	*ret = GROUP_STANDS;
	if (!snapshot->group)
		return 0;
	if (group_is_offered(pool->backend) &&
	    group_read(op, pool, snapshot->group, &group, err) < 0)
		return -1;
	if (!group_member_of(&group, snapshot->handle))
		*ret = GROUP_STRANGER;
	else if (group.state != GROUP_DONE)
		*ret = GROUP_UNFINISHED;
	/* Of a group that has just been deleted, the snapshots went before the record. */
	if (*ret == GROUP_STRANGER &&
	    fl_snapshot_get(pool, op, snapshot->handle, &still_there, err) < 0)
		return -1;
	if (*ret == GROUP_STRANGER) {
		snapshot->group = NULL;
		snapshot->failure = "the group snapshot that it was made for was given up";
	}
	if (*ret != GROUP_STANDS)
		snapshot->ready = false;
	return 0;
}

/* The index of the member that has the id and is not `seen` yet; n_members: there is none. */
static size_t group_find_id(const struct controller *c, const struct fl_op *op,
			    const struct object *object, const struct group *group, const char *id,
			    const bool *seen)
{
	size_t m = 0;

	while (m < group->n_members &&
	       (seen[m] ||
		strcmp(object_of(c, op, object->pool, group->members[m].snapshot).id, id) != 0))
		m++;
	return m;
}

/* Whoever has the ids from the list of snapshots does not know of those that are gone or damaged,
 * nor of any of a group that is half deleted. */
static bool group_may_lack(const struct fl_op *op, const struct object *object,
			   const struct group *group, size_t m)
{
	struct fl_snapshot snapshot;
	struct fl_error why;

	if (group->state == GROUP_DELETING)
		return true;
	return fl_snapshot_get(object->pool, op, group->members[m].snapshot, &snapshot, &why) < 0 &&
	       (why.code == FL_NOT_FOUND || why.code == FL_INTERNAL);
}

int group_check_ids(const struct controller *c, const struct fl_op *op, const struct object *object,
		    const struct group *group, char *const *ids, size_t n, struct fl_error *err)
{
	bool seen[GROUP_MEMBERS_MAX + 1] = { false };

	for (size_t i = 0; i < n; i++) {
		size_t m = group_find_id(c, op, object, group, ids[i], seen);

		if (m == group->n_members)
			return fl_error_set(err, FL_INVALID,
					    "snapshot_ids do not match: \"%.140s\" is not a "
					    "snapshot of group snapshot %s, or is named twice",
					    fl_text_is_printable(ids[i], strlen(ids[i]))
						    ? ids[i]
						    : "(not printable)",
					    object->id);
		seen[m] = true;
	}
	for (size_t m = 0; m < group->n_members; m++)
		if (!seen[m] && !group_may_lack(op, object, group, m))
			return fl_error_set(err, FL_INVALID,
					    "snapshot_ids do not match: group snapshot %s has %zu "
					    "snapshots, and %zu are named",
					    object->id, group->n_members, n);
	return 0;
}

int group_reply(struct controller *c, struct fl_op *op, const struct object *object,
		const struct group *group, const char *purpose, Csi__V1__VolumeGroupSnapshot **ret,
		struct fl_error *err)
{
	Csi__V1__VolumeGroupSnapshot *message =
		reply_new(op->arena, &csi__v1__volume_group_snapshot__descriptor);

	message->group_snapshot_id = (char *)object->id;
	message->creation_time = reply_time(op->arena, group->created_ns);
	message->ready_to_use = true;
	message->snapshots =
		fl_arena_array(op->arena, group->n_members, sizeof(*message->snapshots));
	for (size_t i = 0; i < group->n_members; i++) {
		const struct object member =
			object_of(c, op, object->pool, group->members[i].snapshot);
		struct fl_snapshot state;

		if (snapshot_look(c, op, &member, purpose, &state, err) < 0) {
			/* To our caller that word means "no such group". */
			if (err->code == FL_NOT_FOUND)
				return fl_error_set(err, FL_INTERNAL,
						    "group snapshot %s is of no use: its snapshot "
						    "%s is gone; delete the group and make another",
						    object->id, member.id);
			return fl_error_prefix(err, "group snapshot %s", object->id);
		}
		if (state.failure)
			return fl_error_set(err, FL_INTERNAL,
					    "group snapshot %s is of no use: the copy of volume %s "
					    "failed: %s; delete the group and make another",
					    object->id, state.volume_handle, state.failure);
		message->ready_to_use = message->ready_to_use && state.ready;
		message->snapshots[message->n_snapshots++] =
			snapshot_reply(c, op, object->pool, &state);
	}
	*ret = message;
	return 0;
}

int group_remove_member(const struct controller *c, struct fl_op *op, struct fl_pool *pool,
			const struct group_member *member, struct fl_error *err)
{
	const struct object snapshot = object_of(c, op, pool, member->snapshot);
	const struct object volume = object_of(c, op, pool, member->volume);

	/* QEMU may be at a copy that nobody noted. */
	if ((pool->flags & FL_BACKEND_COPIES) && live_cancel(c, op, &snapshot, &volume, err) < 0)
		return -1;
	return snapshot_remove(c, op, &snapshot, err);
}

int group_discard(const struct controller *c, struct fl_op *op, const struct object *object,
		  struct group *group, struct fl_error *err)
{
	/* First of all nobody who is still making it may finish it. */
	if (group->state != GROUP_DELETING) {
		group->state = GROUP_DELETING;
		if (group_write(op, object->pool, object->handle, group, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < group->n_members; i++)
		if (group_remove_member(c, op, object->pool, &group->members[i], err) < 0)
			return fl_error_prefix(err, "group snapshot %s", object->id);
	return group_remove(op, object->pool, object->handle, group, err);
}
