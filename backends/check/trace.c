/* SPDX-License-Identifier: Apache-2.0 */
/* A function for each member of struct fl_backend.  Longer than most files because all of them are here,
 * in the order of the struct, and say nothing but their arguments. */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Whoever gives backends a new member also lets it be traced here: a member that is only copied would
 * be called with the wrong pool. */
_Static_assert(offsetof(struct fl_backend, changes) + sizeof(void *) == sizeof(struct fl_backend),
	       "a member of struct fl_backend is not traced");

struct trace_pool {
	struct fl_pool pool;
	struct fl_pool *inner;
};

static struct {
	pthread_mutex_t lock;
	struct trace trace;
	const struct fl_backend *inner;
	struct fl_backend backend;
} tracing = { .lock = PTHREAD_MUTEX_INITIALIZER };

void trace_begin(void)
{
	pthread_mutex_lock(&tracing.lock);
	memset(&tracing.trace, 0, sizeof(tracing.trace));
	pthread_mutex_unlock(&tracing.lock);
}

void trace_get(struct trace *ret)
{
	pthread_mutex_lock(&tracing.lock);
	*ret = tracing.trace;
	pthread_mutex_unlock(&tracing.lock);
}

/* One call that has ended; `text` are its arguments. */
static int trace_note(const char *member, int result, const struct fl_error *err, const char *text)
{
	struct trace *trace = &tracing.trace;
	struct trace_line *line;

	pthread_mutex_lock(&tracing.lock);
	if (trace->n == TRACE_LINES)
		memmove(&trace->lines[0], &trace->lines[1],
			(TRACE_LINES - 1) * sizeof(trace->lines[0]));
	else
		trace->n++;
	line = &trace->lines[trace->n - 1];
	snprintf(line->member, sizeof(line->member), "%s", member);
	snprintf(line->text, sizeof(line->text), "%s(%.180s): %s%s%.200s", member, text,
		 fl_error_name(result == 0 ? FL_OK : err->code), result == 0 ? "" : ", ",
		 result == 0 ? "" : err->text);
	pthread_mutex_unlock(&tracing.lock);
	return result;
}

#define TRACED(member, call, ...)                                                                  \
	do {                                                                                       \
		int traced = (call);                                                               \
                                                                                                   \
		return trace_note(member, traced, err, fl_arena_printf(op->arena, __VA_ARGS__));   \
	} while (0)

static struct fl_pool *inner_of(struct fl_pool *pool)
{
	return ((struct trace_pool *)pool)->inner;
}

static const char *or_none(const char *text)
{
	return text ? text : "NULL";
}

static int trace_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
		      const void *options, struct fl_error *err)
{
	struct trace_pool *outer = calloc(1, sizeof(*outer));

	if (!outer)
		return fl_error_sys(err, ENOMEM, "opening a pool");
	if (trace_note("open", tracing.inner->open(&outer->inner, op, name, options, err), err,
		       name) < 0 ||
	    !outer->inner) {
		free(outer);
		return -1;
	}
	/* What the core sets, for a backend that looks at it. */
	outer->inner->backend = tracing.inner;
	outer->inner->name = name;
	outer->inner->flags = tracing.inner->flags & ~outer->inner->without;
	outer->pool.without = outer->inner->without;
	*ret = &outer->pool;
	return 0;
}

static void trace_close(struct fl_pool *pool)
{
	if (!pool)
		return;
	tracing.inner->close(inner_of(pool));
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

static int trace_volume_create(struct fl_pool *pool, const struct fl_op *op,
			       const struct fl_volume_spec *spec, struct fl_volume *ret,
			       struct fl_error *err)
{
	int result = tracing.inner->volume_create(inner_of(pool), op, spec, ret, err);

	TRACED("volume_create", result,
	       "name=%s, min_bytes=%" PRIu64 ", max_bytes=%" PRIu64 ", thin=%d, content=%s%s",
	       spec->name, spec->min_bytes, spec->max_bytes, spec->thin,
	       content_words(op, &spec->content),
	       result == 0 ? fl_arena_printf(op->arena, "; handle %s, %" PRIu64 " bytes",
					     or_none(ret->handle), ret->size_bytes)
			   : "");
}

static int trace_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			       struct fl_error *err)
{
	TRACED("volume_delete", tracing.inner->volume_delete(inner_of(pool), op, handle, err),
	       "handle=%s", handle);
}

static int trace_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			    struct fl_volume *ret, struct fl_error *err)
{
	int result = tracing.inner->volume_get(inner_of(pool), op, handle, ret, err);

	TRACED("volume_get", result, "handle=%s%s", handle,
	       result == 0 ? fl_arena_printf(op->arena, "; %" PRIu64 " bytes", ret->size_bytes)
			   : "");
}

static int trace_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			     fl_volume_see *see, void *cookie, struct fl_error *err)
{
	TRACED("volume_list",
	       tracing.inner->volume_list(inner_of(pool), op, after, see, cookie, err), "after=%s",
	       or_none(after));
}

static int trace_publish(struct fl_pool *pool, const struct fl_op *op,
			 const struct fl_publish_spec *spec, struct fl_source *ret,
			 struct fl_error *err)
{
	TRACED("publish", tracing.inner->publish(inner_of(pool), op, spec, ret, err),
	       "handle=%s, node=%s, read_only=%d", spec->handle, spec->node, spec->read_only);
}

static int trace_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
			struct fl_error *err)
{
	TRACED("resize",
	       tracing.inner->resize(inner_of(pool), op, handle, min_bytes, max_bytes, ret_bytes,
				     err),
	       "handle=%s, min_bytes=%" PRIu64 ", max_bytes=%" PRIu64, handle, min_bytes,
	       max_bytes);
}

static int trace_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
			  struct fl_capacity *ret, struct fl_error *err)
{
	TRACED("capacity", tracing.inner->capacity(inner_of(pool), op, thin, ret, err), "thin=%d",
	       thin);
}

static int trace_snapshot_create(struct fl_pool *pool, const struct fl_op *op,
				 const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
				 struct fl_error *err)
{
	TRACED("snapshots->create",
	       tracing.inner->snapshots->create(inner_of(pool), op, spec, ret, err),
	       "name=%s, volume_handle=%s, group=%s", spec->name, spec->volume_handle,
	       or_none(spec->group));
}

static int trace_snapshot_remove(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				 struct fl_error *err)
{
	TRACED("snapshots->remove",
	       tracing.inner->snapshots->remove(inner_of(pool), op, handle, err), "handle=%s",
	       handle);
}

static int trace_snapshot_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			      struct fl_snapshot *ret, struct fl_error *err)
{
	TRACED("snapshots->get",
	       tracing.inner->snapshots->get(inner_of(pool), op, handle, ret, err), "handle=%s",
	       handle);
}

static int trace_snapshot_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			       fl_snapshot_see *see, void *cookie, struct fl_error *err)
{
	TRACED("snapshots->list",
	       tracing.inner->snapshots->list(inner_of(pool), op, after, see, cookie, err),
	       "after=%s", or_none(after));
}

static int trace_record_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			    const char *key, struct fl_record *ret, struct fl_error *err)
{
	int result = tracing.inner->records->get(inner_of(pool), op, handle, key, ret, err);

	TRACED("records->get", result, "handle=%s, key=%s%s", handle, key,
	       result == 0 ? fl_arena_printf(op->arena, "; version %" PRIu64, ret->version) : "");
}

static int trace_record_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			    const char *key, uint64_t expected, const char *value,
			    uint64_t *ret_version, struct fl_error *err)
{
	TRACED("records->compare_and_set",
	       tracing.inner->records->compare_and_set(inner_of(pool), op, handle, key, expected,
						       value, ret_version, err),
	       "handle=%s, key=%s, expected=%" PRIu64 ", value of %zu bytes", handle, key, expected,
	       strlen(value));
}

static int trace_pool_record_get(struct fl_pool *pool, const struct fl_op *op, const char *key,
				 struct fl_record *ret, struct fl_error *err)
{
	int result = tracing.inner->pool_records->get(inner_of(pool), op, key, ret, err);

	TRACED("pool_records->get", result, "key=%s%s", key,
	       result == 0 ? fl_arena_printf(op->arena, "; version %" PRIu64, ret->version) : "");
}

static int trace_pool_record_set(struct fl_pool *pool, const struct fl_op *op, const char *key,
				 uint64_t expected, const char *value, uint64_t *ret_version,
				 struct fl_error *err)
{
	TRACED("pool_records->compare_and_set",
	       tracing.inner->pool_records->compare_and_set(inner_of(pool), op, key, expected,
							    value, ret_version, err),
	       "key=%s, expected=%" PRIu64 ", value of %zu bytes", key, expected, strlen(value));
}

static int trace_pool_record_remove(struct fl_pool *pool, const struct fl_op *op, const char *key,
				    uint64_t expected, struct fl_error *err)
{
	TRACED("pool_records->remove",
	       tracing.inner->pool_records->remove(inner_of(pool), op, key, expected, err),
	       "key=%s, expected=%" PRIu64, key, expected);
}

static int trace_health_pool(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
			     struct fl_error *err)
{
	TRACED("health->pool", tracing.inner->health->pool(inner_of(pool), op, ret, err), "%s", "");
}

static int trace_health_volume(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			       struct fl_health *ret, struct fl_error *err)
{
	TRACED("health->volume",
	       tracing.inner->health->volume(inner_of(pool), op, handle, ret, err), "handle=%s",
	       handle);
}

static int trace_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			     fl_health_see *see, void *cookie, struct fl_error *err)
{
	TRACED("health->list",
	       tracing.inner->health->list(inner_of(pool), op, after, see, cookie, err), "after=%s",
	       or_none(after));
}

static int trace_allocated(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			   uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
{
	TRACED("changes->allocated",
	       tracing.inner->changes->allocated(inner_of(pool), op, snapshot, from, see, cookie,
						 err),
	       "snapshot=%s, from=%" PRIu64, snapshot, from);
}

static int trace_delta(struct fl_pool *pool, const struct fl_op *op, const char *base,
		       const char *target, uint64_t from, fl_extent_see *see, void *cookie,
		       struct fl_error *err)
{
	TRACED("changes->delta",
	       tracing.inner->changes->delta(inner_of(pool), op, base, target, from, see, cookie,
					     err),
	       "base=%s, target=%s, from=%" PRIu64, base, target, from);
}

static const char *target_words(const struct fl_op *op, const struct fl_copy_target *target)
{
	return target->snapshot
		       ? fl_arena_printf(op->arena, "snapshot %s of %s", target->snapshot->name,
					 target->snapshot->volume_handle)
		       : fl_arena_printf(op->arena, "volume %s, %s", target->volume->name,
					 content_words(op, &target->volume->content));
}

static int trace_copy_begin(struct fl_pool *pool, const struct fl_op *op,
			    const struct fl_copy_target *target, struct fl_copy *ret,
			    struct fl_error *err)
{
	TRACED("copies->begin", tracing.inner->copies->begin(inner_of(pool), op, target, ret, err),
	       "%s", target_words(op, target));
}

static int trace_copy_started(struct fl_pool *pool, const struct fl_op *op,
			      const struct fl_copy_target *target, const struct fl_copy *copy,
			      struct fl_error *err)
{
	TRACED("copies->started",
	       tracing.inner->copies->started(inner_of(pool), op, target, copy, err), "%s, path=%s",
	       target_words(op, target), or_none(copy->path));
}

static int trace_copy_failed(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_copy_target *target, const char *failure,
			     struct fl_error *err)
{
	TRACED("copies->failed",
	       tracing.inner->copies->failed(inner_of(pool), op, target, failure, err),
	       "%s, failure=%s", target_words(op, target), failure);
}

static int trace_copy_commit(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_copy_target *target, const struct fl_copy *copy,
			     struct fl_error *err)
{
	TRACED("copies->commit",
	       tracing.inner->copies->commit(inner_of(pool), op, target, copy, err), "%s, path=%s",
	       target_words(op, target), or_none(copy->path));
}

static int trace_copy_abort(struct fl_pool *pool, const struct fl_op *op,
			    const struct fl_copy_target *target, const struct fl_copy *copy,
			    struct fl_error *err)
{
	TRACED("copies->abort", tracing.inner->copies->abort(inner_of(pool), op, target, copy, err),
	       "%s, path=%s", target_words(op, target), or_none(copy->path));
}

static const struct fl_snapshot_ops trace_snapshots = {
	.create = trace_snapshot_create,
	.remove = trace_snapshot_remove,
	.get = trace_snapshot_get,
	.list = trace_snapshot_list,
};
static const struct fl_record_ops trace_records = {
	.get = trace_record_get,
	.compare_and_set = trace_record_set,
};
static const struct fl_copy_ops trace_copies = {
	.begin = trace_copy_begin,
	.started = trace_copy_started,
	.failed = trace_copy_failed,
	.commit = trace_copy_commit,
	.abort = trace_copy_abort,
};
static const struct fl_pool_record_ops trace_pool_records = {
	.get = trace_pool_record_get,
	.compare_and_set = trace_pool_record_set,
	.remove = trace_pool_record_remove,
};
static const struct fl_health_ops trace_health = {
	.pool = trace_health_pool,
	.volume = trace_health_volume,
	.list = trace_health_list,
};
static const struct fl_change_ops trace_changes = {
	.allocated = trace_allocated,
	.delta = trace_delta,
};

const struct fl_backend *trace_wrap(const struct fl_backend *inner)
{
	struct fl_backend *outer = &tracing.backend;

	tracing.inner = inner;
	*outer = *inner;
	outer->open = trace_open;
	outer->close = trace_close;
	outer->volume_create = trace_volume_create;
	outer->volume_delete = trace_volume_delete;
	outer->volume_get = trace_volume_get;
	outer->volume_list = trace_volume_list;
	outer->publish = trace_publish;
	outer->resize = inner->resize ? trace_resize : NULL;
	outer->capacity = inner->capacity ? trace_capacity : NULL;
	outer->snapshots = inner->snapshots ? &trace_snapshots : NULL;
	outer->records = inner->records ? &trace_records : NULL;
	outer->copies = inner->copies ? &trace_copies : NULL;
	outer->pool_records = inner->pool_records ? &trace_pool_records : NULL;
	outer->health = inner->health ? &trace_health : NULL;
	outer->changes = inner->changes ? &trace_changes : NULL;
	return outer;
}
