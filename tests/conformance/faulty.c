/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"

struct faulty_pool {
	struct fl_pool pool;
	struct fl_pool *inner;
};

static struct fl_backend faulty_backend;
static const struct fl_backend *faulty_inner;
static struct faulty_plan faulty_now;
static atomic_uint faulty_count;

void faulty_set(struct faulty_plan plan)
{
	faulty_now = plan;
	faulty_count = 0;
}

unsigned faulty_calls(void)
{
	return faulty_count;
}

/* What happens to one call: counted when it begins. */
struct fault {
	enum faulty_when when;
};

static struct fault fault_begin(void)
{
	unsigned call = ++faulty_count;
	struct fault fault = { FAULTY_NEVER };

	if (faulty_now.call == 0 || call == faulty_now.call)
		fault.when = faulty_now.when;
	if (fault.when == FAULTY_LATE)
		fl_clock_sleep_ms(faulty_now.delay_ms);
	return fault;
}

static int fault_fail(struct fl_error *err)
{
	return fl_error_set(err, FL_UNAVAILABLE, "a fault was injected");
}

/* `inner` is evaluated when the call is to be made. */
#define FAULTY(err, inner)                                                                         \
	do {                                                                                       \
		struct fault fault = fault_begin();                                                \
		int result;                                                                        \
                                                                                                   \
		if (fault.when == FAULTY_BEFORE)                                                   \
			return fault_fail(err);                                                    \
		result = (inner);                                                                  \
		return fault.when == FAULTY_AFTER ? fault_fail(err) : result;                      \
	} while (0)

static struct fl_pool *inner_of(struct fl_pool *pool)
{
	return ((struct faulty_pool *)pool)->inner;
}

static int faulty_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
		       const void *options, struct fl_error *err)
{
	struct faulty_pool *faulty = calloc(1, sizeof(*faulty));

	if (!faulty)
		return fl_error_sys(err, ENOMEM, "opening a pool");
	if (faulty_inner->open(&faulty->inner, op, name, options, err) < 0) {
		free(faulty);
		return -1;
	}
	faulty->pool.without = faulty->inner->without;
	*ret = &faulty->pool;
	return 0;
}

static void faulty_close(struct fl_pool *pool)
{
	if (!pool)
		return;
	faulty_inner->close(inner_of(pool));
	free(pool);
}

static int faulty_volume_create(struct fl_pool *pool, const struct fl_op *op,
				const struct fl_volume_spec *spec, struct fl_volume *ret,
				struct fl_error *err)
{
	FAULTY(err, faulty_inner->volume_create(inner_of(pool), op, spec, ret, err));
}

static int faulty_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				struct fl_error *err)
{
	FAULTY(err, faulty_inner->volume_delete(inner_of(pool), op, handle, err));
}

static int faulty_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     struct fl_volume *ret, struct fl_error *err)
{
	FAULTY(err, faulty_inner->volume_get(inner_of(pool), op, handle, ret, err));
}

static int faulty_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			      fl_volume_see *see, void *cookie, struct fl_error *err)
{
	FAULTY(err, faulty_inner->volume_list(inner_of(pool), op, after, see, cookie, err));
}

static int faulty_publish(struct fl_pool *pool, const struct fl_op *op,
			  const struct fl_publish_spec *spec, struct fl_source *ret,
			  struct fl_error *err)
{
	FAULTY(err, faulty_inner->publish(inner_of(pool), op, spec, ret, err));
}

static int faulty_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
			 struct fl_error *err)
{
	FAULTY(err, faulty_inner->resize(inner_of(pool), op, handle, min_bytes, max_bytes,
					 ret_bytes, err));
}

static int faulty_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
			   struct fl_capacity *ret, struct fl_error *err)
{
	FAULTY(err, faulty_inner->capacity(inner_of(pool), op, thin, ret, err));
}

static int faulty_snapshot_create(struct fl_pool *pool, const struct fl_op *op,
				  const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
				  struct fl_error *err)
{
	FAULTY(err, faulty_inner->snapshots->create(inner_of(pool), op, spec, ret, err));
}

static int faulty_snapshot_remove(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				  struct fl_error *err)
{
	FAULTY(err, faulty_inner->snapshots->remove(inner_of(pool), op, handle, err));
}

static int faulty_snapshot_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			       struct fl_snapshot *ret, struct fl_error *err)
{
	FAULTY(err, faulty_inner->snapshots->get(inner_of(pool), op, handle, ret, err));
}

static int faulty_snapshot_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
				fl_snapshot_see *see, void *cookie, struct fl_error *err)
{
	FAULTY(err, faulty_inner->snapshots->list(inner_of(pool), op, after, see, cookie, err));
}

static int faulty_record_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     const char *key, struct fl_record *ret, struct fl_error *err)
{
	FAULTY(err, faulty_inner->records->get(inner_of(pool), op, handle, key, ret, err));
}

static int faulty_record_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     const char *key, uint64_t expected, const char *value,
			     uint64_t *ret_version, struct fl_error *err)
{
	FAULTY(err, faulty_inner->records->compare_and_set(inner_of(pool), op, handle, key,
							   expected, value, ret_version, err));
}

static int faulty_copy_begin(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_copy_target *target, struct fl_copy *ret,
			     struct fl_error *err)
{
	FAULTY(err, faulty_inner->copies->begin(inner_of(pool), op, target, ret, err));
}

static int faulty_copy_started(struct fl_pool *pool, const struct fl_op *op,
			       const struct fl_copy_target *target, const struct fl_copy *copy,
			       struct fl_error *err)
{
	FAULTY(err, faulty_inner->copies->started(inner_of(pool), op, target, copy, err));
}

static int faulty_copy_failed(struct fl_pool *pool, const struct fl_op *op,
			      const struct fl_copy_target *target, const char *failure,
			      struct fl_error *err)
{
	FAULTY(err, faulty_inner->copies->failed(inner_of(pool), op, target, failure, err));
}

static int faulty_copy_commit(struct fl_pool *pool, const struct fl_op *op,
			      const struct fl_copy_target *target, const struct fl_copy *copy,
			      struct fl_error *err)
{
	FAULTY(err, faulty_inner->copies->commit(inner_of(pool), op, target, copy, err));
}

static int faulty_copy_abort(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_copy_target *target, const struct fl_copy *copy,
			     struct fl_error *err)
{
	FAULTY(err, faulty_inner->copies->abort(inner_of(pool), op, target, copy, err));
}

static int faulty_pool_record_get(struct fl_pool *pool, const struct fl_op *op, const char *key,
				  struct fl_record *ret, struct fl_error *err)
{
	FAULTY(err, faulty_inner->pool_records->get(inner_of(pool), op, key, ret, err));
}

static int faulty_pool_record_set(struct fl_pool *pool, const struct fl_op *op, const char *key,
				  uint64_t expected, const char *value, uint64_t *ret_version,
				  struct fl_error *err)
{
	FAULTY(err, faulty_inner->pool_records->compare_and_set(inner_of(pool), op, key, expected,
								value, ret_version, err));
}

static int faulty_pool_record_remove(struct fl_pool *pool, const struct fl_op *op, const char *key,
				     uint64_t expected, struct fl_error *err)
{
	FAULTY(err, faulty_inner->pool_records->remove(inner_of(pool), op, key, expected, err));
}

static int faulty_allocated(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			    uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
{
	FAULTY(err, faulty_inner->changes->allocated(inner_of(pool), op, snapshot, from, see,
						     cookie, err));
}

static int faulty_delta(struct fl_pool *pool, const struct fl_op *op, const char *base,
			const char *target, uint64_t from, fl_extent_see *see, void *cookie,
			struct fl_error *err)
{
	FAULTY(err, faulty_inner->changes->delta(inner_of(pool), op, base, target, from, see,
						 cookie, err));
}

static int faulty_health_pool(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
			      struct fl_error *err)
{
	FAULTY(err, faulty_inner->health->pool(inner_of(pool), op, ret, err));
}

static int faulty_health_volume(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				struct fl_health *ret, struct fl_error *err)
{
	FAULTY(err, faulty_inner->health->volume(inner_of(pool), op, handle, ret, err));
}

static int faulty_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			      fl_health_see *see, void *cookie, struct fl_error *err)
{
	FAULTY(err, faulty_inner->health->list(inner_of(pool), op, after, see, cookie, err));
}

static const struct fl_snapshot_ops faulty_snapshots = {
	.create = faulty_snapshot_create,
	.remove = faulty_snapshot_remove,
	.get = faulty_snapshot_get,
	.list = faulty_snapshot_list,
};
static const struct fl_record_ops faulty_records = {
	.get = faulty_record_get,
	.compare_and_set = faulty_record_set,
};
static const struct fl_copy_ops faulty_copies = {
	.begin = faulty_copy_begin,
	.started = faulty_copy_started,
	.failed = faulty_copy_failed,
	.commit = faulty_copy_commit,
	.abort = faulty_copy_abort,
};
static const struct fl_pool_record_ops faulty_pool_records = {
	.get = faulty_pool_record_get,
	.compare_and_set = faulty_pool_record_set,
	.remove = faulty_pool_record_remove,
};
static const struct fl_change_ops faulty_changes = {
	.allocated = faulty_allocated,
	.delta = faulty_delta,
};
static const struct fl_health_ops faulty_health = {
	.pool = faulty_health_pool,
	.volume = faulty_health_volume,
	.list = faulty_health_list,
};

const struct fl_backend *faulty_wrap(const struct fl_backend *inner, unsigned flags)
{
	faulty_inner = inner;
	faulty_backend = *inner;
	faulty_backend.flags |= flags;
	faulty_backend.open = faulty_open;
	faulty_backend.close = faulty_close;
	faulty_backend.volume_create = faulty_volume_create;
	faulty_backend.volume_delete = faulty_volume_delete;
	faulty_backend.volume_get = faulty_volume_get;
	faulty_backend.volume_list = faulty_volume_list;
	faulty_backend.publish = faulty_publish;
	faulty_backend.resize = inner->resize ? faulty_resize : NULL;
	faulty_backend.capacity = inner->capacity ? faulty_capacity : NULL;
	faulty_backend.snapshots = inner->snapshots ? &faulty_snapshots : NULL;
	faulty_backend.records = inner->records ? &faulty_records : NULL;
	faulty_backend.copies = inner->copies ? &faulty_copies : NULL;
	faulty_backend.pool_records = inner->pool_records ? &faulty_pool_records : NULL;
	faulty_backend.changes = inner->changes ? &faulty_changes : NULL;
	faulty_backend.health = inner->health ? &faulty_health : NULL;
	return &faulty_backend;
}
