/* SPDX-License-Identifier: Apache-2.0 */
/* GetVolumeGroupSnapshot, DeleteVolumeGroupSnapshot and GroupControllerGetCapabilities. */
#include "capabilities.h"
#include "csi/offer.h"
#include "group.h"
#include "verbs.h"

static int group_find(const struct controller *c, const struct fl_op *op, const char *id,
		      struct object *ret, struct fl_error *err)
{
	if (object_find(c, op, "group snapshot", id, ret, err) < 0)
		return -1;
	if (!group_is_offered(ret->pool->backend))
		return fl_error_set(err, FL_NOT_FOUND,
				    "there is no group snapshot %s: pool %s has none", id,
				    ret->pool->name);
	return 0;
}

int get_group_snapshot(struct rpc_call *call, const void *request, void *response,
		       struct fl_error *err)
{
	const Csi__V1__GetVolumeGroupSnapshotRequest *asked = request;
	Csi__V1__GetVolumeGroupSnapshotResponse *answer = response;
	struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct object object;
	struct group group;

	if (group_find(c, &op, asked->group_snapshot_id, &object, err) < 0 ||
	    group_read(&op, object.pool, object.handle, &group, err) < 0)
		return -1;
	/* Nobody has been told of one that is being made. */
	if (group.version == 0 || group.state == GROUP_CUTTING)
		return fl_error_set(err, FL_NOT_FOUND, "there is no group snapshot %s", object.id);
	if (group.state == GROUP_DELETING)
		return fl_error_set(err, FL_BUSY,
				    "group snapshot %s is half deleted: delete it again",
				    object.id);
	if (group_check_ids(c, &op, &object, &group, asked->snapshot_ids, asked->n_snapshot_ids,
			    err) < 0)
		return -1;
	return group_reply(c, &op, &object, &group, "GetVolumeGroupSnapshot",
			   &answer->group_snapshot, err);
}

int delete_group_snapshot(struct rpc_call *call, const void *request, void *response,
			  struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	const Csi__V1__DeleteVolumeGroupSnapshotRequest *asked = request;
	struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct object object;
	struct group group;
	struct fl_error why;

	(void)response;
	if (group_find(c, &op, asked->group_snapshot_id, &object, &why) < 0) {
		*err = why;
		return why.code == FL_NOT_FOUND ? object_check_gone(c, &op, "group snapshot",
								    asked->group_snapshot_id, err)
						: -1;
	}
	if (object_mark_group(c, &op, &object, "DeleteVolumeGroupSnapshot", &mark, err) < 0 ||
	    group_read(&op, object.pool, object.handle, &group, err) < 0)
		return -1;
	/* What a controller left that was killed while it wrote the record goes, too. */
	if (group.version == 0)
		return group_remove(&op, object.pool, object.handle, &group, err);
	/* The ids of one that is being made are known to nobody. */
	if (group.state != GROUP_CUTTING &&
	    group_check_ids(c, &op, &object, &group, asked->snapshot_ids, asked->n_snapshot_ids,
			    err) < 0)
		return -1;
	return group_discard(c, &op, &object, &group, err);
}

int get_group_capabilities(struct rpc_call *call, const void *request, void *response,
			   struct fl_error *err)
{
	const struct controller *c = rpc_call_cookie(call);
	Csi__V1__GroupControllerGetCapabilitiesResponse *answer = response;

	(void)request;
	(void)err;
	answer->n_capabilities = capability_is_offered(c->pools, pool_has_groups);
	if (answer->n_capabilities)
		answer->capabilities = offer_groups(rpc_call_arena(call));
	return 0;
}
