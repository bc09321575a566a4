/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of snapshots. */
#include <string.h>

#include "call.h"

static int check_snapshot(const struct fl_call *call, const struct fl_snapshot *snapshot,
			  struct fl_error *err)
{
	struct fl_error ignored;

	if (fl_check_handle("snapshot", snapshot->handle, &ignored) < 0)
		return fl_call_broken(call, err, "the snapshot has no usable handle");
	if (fl_check_name("snapshot", snapshot->name, &ignored) < 0)
		return fl_call_broken(call, err, "snapshot %s has no usable name",
				      snapshot->handle);
	if (fl_check_handle("volume", snapshot->volume_handle, &ignored) < 0)
		return fl_call_broken(call, err, "snapshot %s has no usable source",
				      snapshot->handle);
	if (fl_check_size(snapshot->size_bytes, 0, &ignored) < 0)
		return fl_call_broken(call, err, "snapshot %s has a size of %llu bytes",
				      snapshot->handle, (unsigned long long)snapshot->size_bytes);
	if (snapshot->group && fl_check_handle("group", snapshot->group, &ignored) < 0)
		return fl_call_broken(call, err, "snapshot %s has no usable group",
				      snapshot->handle);
	if (snapshot->ready && snapshot->failure)
		return fl_call_broken(call, err, "snapshot %s is ready and failed",
				      snapshot->handle);
	return 0;
}

int fl_snapshot_create(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
		       struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_snapshot_ops *ops = pool->backend->snapshots;
	struct fl_snapshot snapshot = { 0 };

	if (fl_check_snapshot_spec(spec, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "snapshot_create", ops, err) < 0)
		return -1;
	if (fl_call_result(&call, ops->create(pool, op, spec, &snapshot, &call.error), err) < 0)
		return -1;
	if (check_snapshot(&call, &snapshot, err) < 0)
		return -1;
	if (strcmp(snapshot.name, spec->name) != 0 ||
	    strcmp(snapshot.volume_handle, spec->volume_handle) != 0 ||
	    strcmp(snapshot.group ? snapshot.group : "", spec->group ? spec->group : "") != 0)
		return fl_call_broken(&call, err, "snapshot %s is not the one that was asked for",
				      snapshot.handle);
	if (spec->group && strcmp(snapshot.handle, spec->name) != 0)
		return fl_call_broken(&call, err, "snapshot %s of a group is not called %s",
				      snapshot.handle, spec->name);
	*ret = snapshot;
	return 0;
}

int fl_snapshot_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_snapshot_ops *ops = pool->backend->snapshots;

	if (fl_check_handle("snapshot", handle, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "snapshot_delete", ops, err) < 0)
		return -1;
	return fl_call_result(&call, ops->remove(pool, op, handle, &call.error), err);
}

int fl_snapshot_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		    struct fl_snapshot *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_snapshot_ops *ops = pool->backend->snapshots;
	struct fl_snapshot snapshot = { 0 };

	if (fl_check_handle("snapshot", handle, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "snapshot_get", ops, err) < 0)
		return -1;
	if (fl_call_result(&call, ops->get(pool, op, handle, &snapshot, &call.error), err) < 0)
		return -1;
	if (check_snapshot(&call, &snapshot, err) < 0)
		return -1;
	if (strcmp(snapshot.handle, handle) != 0)
		return fl_call_broken(&call, err, "it gave snapshot %s for %s", snapshot.handle,
				      handle);
	*ret = snapshot;
	return 0;
}

int fl_snapshot_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		     fl_snapshot_see *see, void *cookie, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_snapshot_ops *ops = pool->backend->snapshots;

	if (fl_call_begin(&call, pool, op, "snapshot_list", ops, err) < 0)
		return -1;
	return fl_call_result(&call, ops->list(pool, op, after, see, cookie, &call.error), err);
}
