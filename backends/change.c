/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of changed blocks. */
#include <stdio.h>
#include <string.h>

#include "call.h"

#define CHANGE_UNIT 512

/* Looks at each extent that a backend tells before it is passed on. */
struct change_watch {
	uint64_t at; /* what comes may not lie before it */
	uint64_t size;
	fl_extent_see *see;
	void *cookie;
	bool ended; /* by who asked */
	char broken[120];
};

static int change_break(struct change_watch *watch, const struct fl_extent *extent,
			const char *what)
{
	if (!watch->broken[0])
		snprintf(watch->broken, sizeof(watch->broken),
			 "the extent of %llu bytes at %llu %s", (unsigned long long)extent->bytes,
			 (unsigned long long)extent->offset, what);
	return 1;
}

static int change_see(void *cookie, const struct fl_extent *extent)
{
	struct change_watch *watch = cookie;

	if (watch->ended)
		return change_break(watch, extent, "comes after the end of the listing");
	if (extent->offset % CHANGE_UNIT != 0 || extent->bytes % CHANGE_UNIT != 0)
		return change_break(watch, extent, "is no multiple of 512");
	if (extent->offset < watch->at)
		return change_break(watch, extent, "lies before what was asked or told");
	if (extent->offset > watch->size || extent->bytes > watch->size - extent->offset)
		return change_break(watch, extent, "reaches behind the end of the snapshot");
	watch->at = extent->offset + extent->bytes;
	watch->ended = watch->see(watch->cookie, extent) != 0;
	return watch->ended;
}

static int change_check_ready(const struct fl_snapshot *snapshot, struct fl_error *err)
{
	if (snapshot->failure)
		return fl_error_set(err, FL_IN_USE, "snapshot %s is not usable: %s",
				    snapshot->handle, snapshot->failure);
	if (!snapshot->ready)
		return fl_error_set(err, FL_BUSY, "snapshot %s is still being copied; ask again",
				    snapshot->handle);
	return 0;
}

static int change_check_from(const struct fl_snapshot *snapshot, uint64_t from,
			     struct fl_error *err)
{
	if (from % CHANGE_UNIT != 0)
		return fl_error_set(err, FL_INVALID, "offset %llu is no multiple of 512",
				    (unsigned long long)from);
	if (from > snapshot->size_bytes)
		return fl_error_set(
			err, FL_OUT_OF_RANGE,
			"offset %llu lies behind the end of snapshot %s, which has %llu "
			"bytes",
			(unsigned long long)from, snapshot->handle,
			(unsigned long long)snapshot->size_bytes);
	return 0;
}

static int change_check_pair(const struct fl_snapshot *base, const struct fl_snapshot *target,
			     struct fl_error *err)
{
	if (strcmp(base->volume_handle, target->volume_handle) != 0)
		return fl_error_set(
			err, FL_INVALID,
			"snapshot %s is of volume %s and snapshot %s of volume %s: only "
			"snapshots of one volume are compared",
			base->handle, base->volume_handle, target->handle, target->volume_handle);
	if (base->size_bytes > target->size_bytes)
		return fl_error_set(
			err, FL_INVALID,
			"the base %s is larger than the target %s, so it is the later of "
			"the two: swap them",
			base->handle, target->handle);
	return 0;
}

/* What the backend's call gave, unless it told what it may not. */
static int change_result(const struct fl_call *call, const struct change_watch *watch, int result,
			 struct fl_error *err)
{
	if (watch->broken[0])
		return fl_call_broken(call, err, "%s", watch->broken);
	return fl_call_result(call, result, err);
}

int fl_snapshot_allocated(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			  uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_change_ops *ops = pool->backend->changes;
	struct change_watch watch = { .at = from, .see = see, .cookie = cookie };
	struct fl_snapshot of = { 0 };

	if (fl_snapshot_get(pool, op, snapshot, &of, err) < 0 || change_check_ready(&of, err) < 0 ||
	    change_check_from(&of, from, err) < 0 ||
	    fl_call_begin(&call, pool, op, "snapshot_allocated", ops, err) < 0)
		return -1;
	watch.size = of.size_bytes;
	return change_result(
		&call, &watch,
		ops->allocated(pool, op, snapshot, from, change_see, &watch, &call.error), err);
}

int fl_snapshot_delta(struct fl_pool *pool, const struct fl_op *op, const char *base,
		      const char *target, uint64_t from, fl_extent_see *see, void *cookie,
		      struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_change_ops *ops = pool->backend->changes;
	struct change_watch watch = { .at = from, .see = see, .cookie = cookie };
	struct fl_snapshot older = { 0 }, newer = { 0 };

	if (fl_snapshot_get(pool, op, base, &older, err) < 0 ||
	    fl_snapshot_get(pool, op, target, &newer, err) < 0 ||
	    change_check_pair(&older, &newer, err) < 0 || change_check_ready(&older, err) < 0 ||
	    change_check_ready(&newer, err) < 0 || change_check_from(&newer, from, err) < 0 ||
	    fl_call_begin(&call, pool, op, "snapshot_delta", ops, err) < 0)
		return -1;
	watch.size = newer.size_bytes;
	return change_result(
		&call, &watch,
		ops->delta(pool, op, base, target, from, change_see, &watch, &call.error), err);
}
