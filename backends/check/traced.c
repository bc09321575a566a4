/* SPDX-License-Identifier: Apache-2.0 */
/* A function for each member of struct fl_backend, in the order of the struct.  Longer than most
 * files because all of them are here, and say nothing but their arguments. */
#include "traced.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

/* Whoever gives backends a new member also lets it be traced here: a member that is only copied
 * would be called with the wrong pool. */
_Static_assert(offsetof(struct fl_backend, changes) + sizeof(void *) == sizeof(struct fl_backend),
	       "a member of struct fl_backend is not traced");

struct traced_pool {
	struct fl_pool pool;
	struct fl_pool *inner;
};

static const struct fl_backend *inner;
static struct fl_backend outer;

static struct fl_pool *inner_of(struct fl_pool *pool)
{
	return ((struct traced_pool *)pool)->inner;
}

static const char *or_none(const char *text)
{
	return text ? text : "NULL";
}

static int traced_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
		       const void *options, struct fl_error *err)
{
	struct traced_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return fl_error_sys(err, ENOMEM, "opening a pool");
	uint64_t call = trace_enter("open", "%s", name);
	if (trace_leave(call, err, inner->open(&pool->inner, op, name, options, err)) < 0 ||
	    !pool->inner) {
		free(pool);
		return -1;
	}
	/* What the core sets, for a backend that looks at it. */
	pool->inner->backend = inner;
	pool->inner->name = name;
	pool->inner->flags = inner->flags & ~pool->inner->without;
	pool->pool.without = pool->inner->without;
	*ret = &pool->pool;
	return 0;
}

static void traced_close(struct fl_pool *pool)
{
	if (!pool)
		return;
	uint64_t call = trace_enter("close", "%s", pool->name ? pool->name : "");
	inner->close(inner_of(pool));
	(void)trace_leave(call, NULL, 0);
	free(pool);
}

static const char *content_words(const struct fl_op *op, const struct fl_content *content)
{
	static const char *const kinds[] = { "blank", "snapshot", "volume" };

	return content->kind == FL_CONTENT_BLANK
		       ? kinds[0]
		       : fl_arena_printf(op->arena, "%s %s", kinds[content->kind],
					 or_none(content->handle));
}

static int traced_volume_create(struct fl_pool *pool, const struct fl_op *op,
				const struct fl_volume_spec *spec, struct fl_volume *ret,
				struct fl_error *err)
{
	uint64_t call = trace_enter("volume_create",
				    "name=%s, min_bytes=%" PRIu64 ", max_bytes=%" PRIu64
				    ", thin=%d, content=%s",
				    spec->name, spec->min_bytes, spec->max_bytes, spec->thin,
				    content_words(op, &spec->content));
	int result = inner->volume_create(inner_of(pool), op, spec, ret, err);

	if (result == 0)
		trace_tell(call, "; handle %s, %" PRIu64 " bytes", or_none(ret->handle),
			   ret->size_bytes);
	return trace_leave(call, err, result);
}

static int traced_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				struct fl_error *err)
{
	uint64_t call = trace_enter("volume_delete", "handle=%s", handle);

	return trace_leave(call, err, inner->volume_delete(inner_of(pool), op, handle, err));
}

static int traced_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     struct fl_volume *ret, struct fl_error *err)
{
	uint64_t call = trace_enter("volume_get", "handle=%s", handle);
	int result = inner->volume_get(inner_of(pool), op, handle, ret, err);

	if (result == 0)
		trace_tell(call, "; %" PRIu64 " bytes", ret->size_bytes);
	return trace_leave(call, err, result);
}

static int traced_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			      fl_volume_see *see, void *cookie, struct fl_error *err)
{
	uint64_t call = trace_enter("volume_list", "after=%s", or_none(after));

	return trace_leave(call, err,
			   inner->volume_list(inner_of(pool), op, after, see, cookie, err));
}

static int traced_publish(struct fl_pool *pool, const struct fl_op *op,
			  const struct fl_publish_spec *spec, struct fl_source *ret,
			  struct fl_error *err)
{
	uint64_t call = trace_enter("publish", "handle=%s, node=%s, read_only=%d", spec->handle,
				    spec->node, spec->read_only);
	int result = inner->publish(inner_of(pool), op, spec, ret, err);

	if (result == 0)
		trace_tell(call, "; %" PRIu64 " bytes", ret->size_bytes);
	return trace_leave(call, err, result);
}

static int traced_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
			 struct fl_error *err)
{
	uint64_t call =
		trace_enter("resize", "handle=%s, min_bytes=%" PRIu64 ", max_bytes=%" PRIu64,
			    handle, min_bytes, max_bytes);
	int result =
		inner->resize(inner_of(pool), op, handle, min_bytes, max_bytes, ret_bytes, err);

	if (result == 0)
		trace_tell(call, "; %" PRIu64 " bytes", *ret_bytes);
	return trace_leave(call, err, result);
}

static int traced_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
			   struct fl_capacity *ret, struct fl_error *err)
{
	uint64_t call = trace_enter("capacity", "thin=%d", thin);

	return trace_leave(call, err, inner->capacity(inner_of(pool), op, thin, ret, err));
}

static int traced_snapshot_create(struct fl_pool *pool, const struct fl_op *op,
				  const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
				  struct fl_error *err)
{
	uint64_t call = trace_enter("snapshots->create", "name=%s, volume_handle=%s, group=%s",
				    spec->name, spec->volume_handle, or_none(spec->group));

	return trace_leave(call, err, inner->snapshots->create(inner_of(pool), op, spec, ret, err));
}

static int traced_snapshot_remove(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				  struct fl_error *err)
{
	uint64_t call = trace_enter("snapshots->remove", "handle=%s", handle);

	return trace_leave(call, err, inner->snapshots->remove(inner_of(pool), op, handle, err));
}

static int traced_snapshot_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			       struct fl_snapshot *ret, struct fl_error *err)
{
	uint64_t call = trace_enter("snapshots->get", "handle=%s", handle);

	return trace_leave(call, err, inner->snapshots->get(inner_of(pool), op, handle, ret, err));
}

static int traced_snapshot_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
				fl_snapshot_see *see, void *cookie, struct fl_error *err)
{
	uint64_t call = trace_enter("snapshots->list", "after=%s", or_none(after));

	return trace_leave(call, err,
			   inner->snapshots->list(inner_of(pool), op, after, see, cookie, err));
}

static int traced_record_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     const char *key, struct fl_record *ret, struct fl_error *err)
{
	uint64_t call = trace_enter("records->get", "handle=%s, key=%s", handle, key);
	int result = inner->records->get(inner_of(pool), op, handle, key, ret, err);

	if (result == 0)
		trace_tell(call, "; version %" PRIu64, ret->version);
	return trace_leave(call, err, result);
}

static int traced_record_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     const char *key, uint64_t expected, const char *value,
			     uint64_t *ret_version, struct fl_error *err)
{
	uint64_t call = trace_enter("records->compare_and_set",
				    "handle=%s, key=%s, expected=%" PRIu64 ", value of %zu bytes",
				    handle, key, expected, strlen(value));

	return trace_leave(call, err,
			   inner->records->compare_and_set(inner_of(pool), op, handle, key,
							   expected, value, ret_version, err));
}

static int traced_pool_record_get(struct fl_pool *pool, const struct fl_op *op, const char *key,
				  struct fl_record *ret, struct fl_error *err)
{
	uint64_t call = trace_enter("pool_records->get", "key=%s", key);
	int result = inner->pool_records->get(inner_of(pool), op, key, ret, err);

	if (result == 0)
		trace_tell(call, "; version %" PRIu64, ret->version);
	return trace_leave(call, err, result);
}

static int traced_pool_record_set(struct fl_pool *pool, const struct fl_op *op, const char *key,
				  uint64_t expected, const char *value, uint64_t *ret_version,
				  struct fl_error *err)
{
	uint64_t call = trace_enter("pool_records->compare_and_set",
				    "key=%s, expected=%" PRIu64 ", value of %zu bytes", key,
				    expected, strlen(value));

	return trace_leave(call, err,
			   inner->pool_records->compare_and_set(inner_of(pool), op, key, expected,
								value, ret_version, err));
}

static int traced_pool_record_remove(struct fl_pool *pool, const struct fl_op *op, const char *key,
				     uint64_t expected, struct fl_error *err)
{
	uint64_t call =
		trace_enter("pool_records->remove", "key=%s, expected=%" PRIu64, key, expected);

	return trace_leave(call, err,
			   inner->pool_records->remove(inner_of(pool), op, key, expected, err));
}

static int traced_health_pool(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
			      struct fl_error *err)
{
	uint64_t call = trace_enter("health->pool", "%s", "");

	return trace_leave(call, err, inner->health->pool(inner_of(pool), op, ret, err));
}

static int traced_health_volume(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				struct fl_health *ret, struct fl_error *err)
{
	uint64_t call = trace_enter("health->volume", "handle=%s", handle);

	return trace_leave(call, err, inner->health->volume(inner_of(pool), op, handle, ret, err));
}

static int traced_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			      fl_health_see *see, void *cookie, struct fl_error *err)
{
	uint64_t call = trace_enter("health->list", "after=%s", or_none(after));

	return trace_leave(call, err,
			   inner->health->list(inner_of(pool), op, after, see, cookie, err));
}

static int traced_allocated(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			    uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
{
	uint64_t call =
		trace_enter("changes->allocated", "snapshot=%s, from=%" PRIu64, snapshot, from);

	return trace_leave(
		call, err,
		inner->changes->allocated(inner_of(pool), op, snapshot, from, see, cookie, err));
}

static int traced_delta(struct fl_pool *pool, const struct fl_op *op, const char *base,
			const char *target, uint64_t from, fl_extent_see *see, void *cookie,
			struct fl_error *err)
{
	uint64_t call = trace_enter("changes->delta", "base=%s, target=%s, from=%" PRIu64, base,
				    target, from);

	return trace_leave(
		call, err,
		inner->changes->delta(inner_of(pool), op, base, target, from, see, cookie, err));
}

static const char *target_words(const struct fl_op *op, const struct fl_copy_target *target)
{
	return target->snapshot
		       ? fl_arena_printf(op->arena, "snapshot %s of %s", target->snapshot->name,
					 target->snapshot->volume_handle)
		       : fl_arena_printf(op->arena, "volume %s, %s", target->volume->name,
					 content_words(op, &target->volume->content));
}

static int traced_copy_begin(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_copy_target *target, struct fl_copy *ret,
			     struct fl_error *err)
{
	uint64_t call = trace_enter("copies->begin", "%s", target_words(op, target));

	return trace_leave(call, err, inner->copies->begin(inner_of(pool), op, target, ret, err));
}

static int traced_copy_started(struct fl_pool *pool, const struct fl_op *op,
			       const struct fl_copy_target *target, const struct fl_copy *copy,
			       struct fl_error *err)
{
	uint64_t call = trace_enter("copies->started", "%s, path=%s", target_words(op, target),
				    or_none(copy->path));

	return trace_leave(call, err,
			   inner->copies->started(inner_of(pool), op, target, copy, err));
}

static int traced_copy_failed(struct fl_pool *pool, const struct fl_op *op,
			      const struct fl_copy_target *target, const char *failure,
			      struct fl_error *err)
{
	uint64_t call =
		trace_enter("copies->failed", "%s, failure=%s", target_words(op, target), failure);

	return trace_leave(call, err,
			   inner->copies->failed(inner_of(pool), op, target, failure, err));
}

static int traced_copy_commit(struct fl_pool *pool, const struct fl_op *op,
			      const struct fl_copy_target *target, const struct fl_copy *copy,
			      struct fl_error *err)
{
	uint64_t call = trace_enter("copies->commit", "%s, path=%s", target_words(op, target),
				    or_none(copy->path));

	return trace_leave(call, err, inner->copies->commit(inner_of(pool), op, target, copy, err));
}

static int traced_copy_abort(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_copy_target *target, const struct fl_copy *copy,
			     struct fl_error *err)
{
	uint64_t call = trace_enter("copies->abort", "%s, path=%s", target_words(op, target),
				    or_none(copy->path));

	return trace_leave(call, err, inner->copies->abort(inner_of(pool), op, target, copy, err));
}

static const struct fl_snapshot_ops traced_snapshots = {
	.create = traced_snapshot_create,
	.remove = traced_snapshot_remove,
	.get = traced_snapshot_get,
	.list = traced_snapshot_list,
};
static const struct fl_record_ops traced_records = {
	.get = traced_record_get,
	.compare_and_set = traced_record_set,
};
static const struct fl_copy_ops traced_copies = {
	.begin = traced_copy_begin,
	.started = traced_copy_started,
	.failed = traced_copy_failed,
	.commit = traced_copy_commit,
	.abort = traced_copy_abort,
};
static const struct fl_pool_record_ops traced_pool_records = {
	.get = traced_pool_record_get,
	.compare_and_set = traced_pool_record_set,
	.remove = traced_pool_record_remove,
};
static const struct fl_health_ops traced_health = {
	.pool = traced_health_pool,
	.volume = traced_health_volume,
	.list = traced_health_list,
};
static const struct fl_change_ops traced_changes = {
	.allocated = traced_allocated,
	.delta = traced_delta,
};

const struct fl_backend *traced_wrap(const struct fl_backend *backend)
{
	inner = backend;
	outer = *backend;
	outer.open = traced_open;
	outer.close = traced_close;
	outer.volume_create = traced_volume_create;
	outer.volume_delete = traced_volume_delete;
	outer.volume_get = traced_volume_get;
	outer.volume_list = traced_volume_list;
	outer.publish = traced_publish;
	outer.resize = backend->resize ? traced_resize : NULL;
	outer.capacity = backend->capacity ? traced_capacity : NULL;
	outer.snapshots = backend->snapshots ? &traced_snapshots : NULL;
	outer.records = backend->records ? &traced_records : NULL;
	outer.copies = backend->copies ? &traced_copies : NULL;
	outer.pool_records = backend->pool_records ? &traced_pool_records : NULL;
	outer.health = backend->health ? &traced_health : NULL;
	outer.changes = backend->changes ? &traced_changes : NULL;
	return &outer;
}
