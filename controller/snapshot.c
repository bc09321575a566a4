/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <string.h>

#include "copy.h"
#include "group.h"
#include "live.h"
#include "parameters.h"
#include "place.h"
#include "verbs.h"

struct snapshot_making {
	struct controller *c;
	struct fl_op op;
	struct object volume;
	struct topology_requirement required;
	struct fl_snapshot_spec spec;
};

Csi__V1__Snapshot *snapshot_reply(const struct controller *c, const struct fl_op *op,
				  struct fl_pool *pool, const struct fl_snapshot *snapshot)
{
	const struct reply_snapshot reply = {
		.id = fl_object_id_format(op->arena, c->pools, pool, snapshot->handle),
		.volume_id =
			fl_object_id_format(op->arena, c->pools, pool, snapshot->volume_handle),
		.size_bytes = snapshot->size_bytes,
		.created_ns = snapshot->created_ns,
		.ready = snapshot->ready,
		.topology = place_of(c, op->arena, pool),
		.group_id = snapshot->group ? fl_object_id_format(op->arena, c->pools, pool,
								  snapshot->group)
					    : NULL,
	};

	return reply_snapshot(op->arena, &reply);
}

int snapshot_refuse(const struct fl_snapshot *snapshot, const char *volume_id, struct fl_error *err)
{
	return fl_error_set(err, FL_INTERNAL,
			    "snapshot \"%s\" of volume %s is of no use: %s; delete it and make "
			    "another",
			    snapshot->name, volume_id, snapshot->failure);
}

static int snapshot_read(struct snapshot_making *making,
			 const Csi__V1__CreateSnapshotRequest *request, struct fl_error *err)
{
	struct fl_arena *arena = making->op.arena;
	struct fl_pair *pairs;
	size_t n;

	if (convert_name("snapshot", request->name, err) < 0 ||
	    convert_required("source_volume_id", request->source_volume_id, err) < 0 ||
	    convert_pairs(arena, "parameters", request->parameters, request->n_parameters, &pairs,
			  &n, err) < 0 ||
	    topology_read_requirement(arena, request->accessibility_requirements, &making->required,
				      err) < 0 ||
	    object_find(making->c, &making->op, "volume", request->source_volume_id,
			&making->volume, err) < 0)
		return -1;
	making->spec.name = request->name;
	making->spec.volume_handle = making->volume.handle;
	return parameters_read_snapshot(arena, making->volume.pool, pairs, n,
					&making->spec.parameters, err);
}

/* As of volumes: one that is there already, and not where it is required, is another one. */
static int snapshot_check_place(const struct snapshot_making *making, struct fl_error *err)
{
	const struct fl_op *op = &making->op;
	struct fl_pool *pool = making->volume.pool;
	const char *handle = fl_text_handle(op->arena, making->spec.name, FL_HANDLE_BYTES);
	struct fl_snapshot snapshot;
	struct fl_error why, not_there;

	if (place_check(making->c, pool, &making->required, &why) == 0)
		return 0;
	*err = why;
	if (pool->backend->snapshots &&
	    fl_snapshot_get(pool, op, handle, &snapshot, &not_there) == 0 &&
	    strcmp(snapshot.name, making->spec.name) == 0)
		return fl_error_set(err, FL_EXISTS, "snapshot \"%s\" exists, and %s",
				    making->spec.name, why.text);
	return -1;
}

/* In a pool that can only copy. */
static int snapshot_copy(struct snapshot_making *making, struct fl_snapshot *ret,
			 struct fl_error *err)
{
	const struct copy_task task = {
		.c = making->c,
		.op = &making->op,
		.source = &making->volume,
		.target = { .snapshot = &making->spec },
		.purpose =
			fl_arena_printf(making->op.arena, "CreateSnapshot %s", making->spec.name),
	};
	struct fl_copy copy;

	if (copy_run(&task, &copy, err) < 0)
		return -1;
	if (fl_snapshot_get(making->volume.pool, &making->op, copy.handle, ret, err) < 0)
		return copy_explain_absent(making->spec.name, err);
	return 0;
}

static int snapshot_make(struct snapshot_making *making, struct fl_snapshot *ret,
			 struct fl_error *err)
{
	struct fl_pool *pool = making->volume.pool;

	if (!pool->backend->snapshots)
		return fl_error_set(err, FL_UNSUPPORTED, "pool %s has no snapshots", pool->name);
	if (pool->flags & FL_BACKEND_COPIES)
		return snapshot_copy(making, ret, err);
	return fl_snapshot_create(pool, &making->op, &making->spec, ret, err);
}

/* A copy that QEMU is making of it must not go on for nobody. */
static int snapshot_stop_copy(const struct controller *c, struct fl_op *op,
			      const struct object *snapshot, struct fl_error *err)
{
	struct fl_snapshot state;
	struct object volume;
	struct fl_error why;

	if (!(snapshot->pool->flags & FL_BACKEND_COPIES))
		return 0;
	if (fl_snapshot_get(snapshot->pool, op, snapshot->handle, &state, &why) < 0) {
		/* Of a damaged one nobody can say any more what it was copied from. */
		if (why.code == FL_NOT_FOUND || why.code == FL_INTERNAL)
			return 0;
		*err = why;
		return -1;
	}
	if (state.ready || state.failure)
		return 0;
	volume = object_of(c, op, snapshot->pool, state.volume_handle);
	return live_cancel(c, op, snapshot, &volume, err);
}

int snapshot_remove(const struct controller *c, struct fl_op *op, const struct object *snapshot,
		    struct fl_error *err)
{
	if (snapshot_stop_copy(c, op, snapshot, err) < 0)
		return -1;
	return fl_snapshot_delete(snapshot->pool, op, snapshot->handle, err);
}

/* A group is deleted as a whole. */
static int snapshot_check_alone(const struct fl_op *op, const struct controller *c,
				const struct object *snapshot, struct fl_error *err)
{
	enum group_standing standing;
	struct fl_snapshot state;
	struct fl_error why;

	if (!group_is_offered(snapshot->pool->backend))
		return 0;
	/* What cannot be read is left to the backend to remove. */
	if (fl_snapshot_get(snapshot->pool, op, snapshot->handle, &state, &why) < 0)
		return 0;
	if (group_settle(op, snapshot->pool, &state, &standing, err) < 0)
		return err->code == FL_NOT_FOUND ? 0 : -1;
	if (!state.group)
		return 0;
	return fl_error_set(err, FL_IN_USE,
			    "snapshot %s is a part of group snapshot %s: delete that", snapshot->id,
			    object_of(c, op, snapshot->pool, state.group).id);
}

int create_snapshot(struct rpc_call *call, const void *request, void *response,
		    struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark name = { 0 };
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	struct snapshot_making making = { .c = rpc_call_cookie(call), .op = rpc_call_op(call) };
	Csi__V1__CreateSnapshotResponse *answer = response;
	struct fl_snapshot snapshot;

	if (snapshot_read(&making, request, err) < 0 ||
	    object_mark_name(making.c, &making.op, making.volume.pool, making.spec.name, &name,
			     err) < 0 ||
	    object_mark_volume(making.c, &making.op, &making.volume, "CreateSnapshot", &mark, err) <
		    0)
		return -1;
	/* Who repeats this call meets the mark of the name, so that one shows how far it is. */
	making.op.progress = &name.progress;
	if (snapshot_check_place(&making, err) < 0 || snapshot_make(&making, &snapshot, err) < 0)
		return -1;
	if (snapshot.failure)
		return snapshot_refuse(&snapshot, making.volume.id, err);
	answer->snapshot = snapshot_reply(making.c, &making.op, making.volume.pool, &snapshot);
	return 0;
}

int delete_snapshot(struct rpc_call *call, const void *request, void *response,
		    struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	const Csi__V1__DeleteSnapshotRequest *asked = request;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct object snapshot;
	struct fl_error why;

	(void)response;
	if (object_find(c, &op, "snapshot", asked->snapshot_id, &snapshot, &why) < 0) {
		*err = why;
		return why.code == FL_NOT_FOUND
			       ? object_check_gone(c, &op, "snapshot", asked->snapshot_id, err)
			       : -1;
	}
	if (!snapshot.pool->backend->snapshots)
		return 0;
	if (object_mark_snapshot(c, &op, &snapshot, "DeleteSnapshot", &mark, err) < 0 ||
	    snapshot_check_alone(&op, c, &snapshot, err) < 0)
		return -1;
	return snapshot_remove(c, &op, &snapshot, err);
}
