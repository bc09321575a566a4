/* SPDX-License-Identifier: Apache-2.0 */
/* GetSnapshot, and ListSnapshots of one id: who asks for one snapshot waits for it. */
#include "base/log.h"
#include "copy.h"
#include "group.h"
#include "parameters.h"
#include "snapshot.h"
#include "verbs.h"

/* If QEMU has finished its copy, the snapshot becomes ready now.  When that cannot be found out,
 * what was read is the answer. */
static void get_snapshot_advance(struct controller *c, struct fl_op *op,
				 const struct object *snapshot, const char *purpose,
				 struct fl_snapshot *state)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	struct object volume = object_of(c, op, snapshot->pool, state->volume_handle);
	struct fl_snapshot_spec spec = { .name = state->name,
					 .volume_handle = state->volume_handle,
					 .group = state->group };
	const struct copy_task task = { .c = c,
					.op = op,
					.source = &volume,
					.target = { .snapshot = &spec },
					.purpose = purpose };
	struct fl_snapshot now;
	struct fl_error why;
	struct fl_copy copy;

	if (object_mark_volume(c, op, &volume, purpose, &mark, &why) < 0 ||
	    parameters_read_snapshot(op->arena, snapshot->pool, NULL, 0, &spec.parameters, &why) <
		    0 ||
	    copy_continue(&task, &copy, &why) < 0 ||
	    fl_snapshot_get(snapshot->pool, op, snapshot->handle, &now, &why) < 0) {
		fl_log(FL_LOG_DEBUG, "copy", "snapshot %s: %s", snapshot->id, why.text);
		return;
	}
	*state = now;
}

int snapshot_look(struct controller *c, struct fl_op *op, const struct object *snapshot,
		  const char *purpose, struct fl_snapshot *ret, struct fl_error *err)
{
	enum group_standing standing;
	struct fl_snapshot state;

	if (!snapshot->pool->backend->snapshots)
		return fl_error_set(err, FL_NOT_FOUND, "there is no snapshot %s: pool %s has none",
				    snapshot->id, snapshot->pool->name);
	if (fl_snapshot_get(snapshot->pool, op, snapshot->handle, &state, err) < 0)
		return -1;
	if (!state.ready && !state.failure && (snapshot->pool->flags & FL_BACKEND_COPIES))
		get_snapshot_advance(c, op, snapshot, purpose, &state);
	if (group_settle(op, snapshot->pool, &state, &standing, err) < 0)
		return -1;
	*ret = state;
	return 0;
}

int get_snapshot(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	const Csi__V1__GetSnapshotRequest *asked = request;
	Csi__V1__GetSnapshotResponse *answer = response;
	struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct fl_snapshot state;
	struct object snapshot;

	if (object_find(c, &op, "snapshot", asked->snapshot_id, &snapshot, err) < 0 ||
	    snapshot_look(c, &op, &snapshot, "GetSnapshot", &state, err) < 0)
		return -1;
	if (state.failure)
		return snapshot_refuse(&state, state.volume_handle, err);
	answer->snapshot = snapshot_reply(c, &op, snapshot.pool, &state);
	return 0;
}
