/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of pools and volumes. */
#include "backend.h"

#include <string.h>

#include "base/clock.h"
#include "call.h"

int fl_pool_open(const struct fl_backend *backend, const struct fl_op *op, const char *name,
		 const void *options, struct fl_pool **ret, struct fl_error *err)
{
	struct fl_error error = { 0 };
	struct fl_pool_lock *lock;
	struct fl_pool *pool = NULL;

	if (fl_pool_lock_new(&lock, err) < 0)
		return -1;
	if (backend->open(&pool, op, name, options, &error) < 0 || !pool) {
		fl_pool_lock_free(lock);
		if (error.code == FL_OK)
			return fl_error_set(err, FL_INTERNAL,
					    "backend %s did not open pool %s and did not say why",
					    backend->name, name);
		*err = error;
		return fl_error_prefix(err, "pool %s", name);
	}
	pool->backend = backend;
	pool->name = name;
	pool->flags = backend->flags & ~pool->without;
	pool->lock = lock;
	*ret = pool;
	return 0;
}

void fl_pool_close(struct fl_pool *pool)
{
	if (!pool)
		return;
	struct fl_pool_lock *lock = pool->lock;

	pool->backend->close(pool);
	fl_pool_lock_free(lock);
}

static int check_volume(const struct fl_call *call, const struct fl_volume *volume,
			struct fl_error *err)
{
	struct fl_error ignored;

	if (fl_check_handle("volume", volume->handle, &ignored) < 0)
		return fl_call_broken(call, err, "the volume has no usable handle");
	if (fl_check_name("volume", volume->name, &ignored) < 0)
		return fl_call_broken(call, err, "volume %s has no usable name", volume->handle);
	if (fl_check_size(volume->size_bytes, 0, &ignored) < 0)
		return fl_call_broken(call, err, "volume %s has a size of %llu bytes",
				      volume->handle, (unsigned long long)volume->size_bytes);
	return 0;
}

int fl_volume_create(struct fl_pool *pool, const struct fl_op *op,
		     const struct fl_volume_spec *spec, struct fl_volume *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	struct fl_volume volume = { 0 };

	if (fl_check_volume_spec(pool, spec, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "volume_create", true, err) < 0)
		return -1;
	if (fl_call_result(&call,
			   pool->backend->volume_create(pool, op, spec, &volume, &call.error),
			   err) < 0)
		return -1;
	if (check_volume(&call, &volume, err) < 0)
		return -1;
	if (strcmp(volume.name, spec->name) != 0)
		return fl_call_broken(&call, err, "volume %s has the name of another volume",
				      volume.handle);
	if (volume.size_bytes < spec->min_bytes ||
	    (spec->max_bytes != 0 && volume.size_bytes > spec->max_bytes))
		return fl_call_broken(&call, err, "volume %s has %llu bytes, not what was asked",
				      volume.handle, (unsigned long long)volume.size_bytes);
	*ret = volume;
	return 0;
}

int fl_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		     struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };

	if (fl_check_handle("volume", handle, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "volume_delete", true, err) < 0)
		return -1;
	return fl_call_result(&call, pool->backend->volume_delete(pool, op, handle, &call.error),
			      err);
}

int fl_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		  struct fl_volume *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	struct fl_volume volume = { 0 };

	if (fl_check_handle("volume", handle, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "volume_get", true, err) < 0)
		return -1;
	if (fl_call_result(&call, pool->backend->volume_get(pool, op, handle, &volume, &call.error),
			   err) < 0)
		return -1;
	if (check_volume(&call, &volume, err) < 0)
		return -1;
	if (strcmp(volume.handle, handle) != 0)
		return fl_call_broken(&call, err, "it gave volume %s for %s", volume.handle,
				      handle);
	*ret = volume;
	return 0;
}

/* What stands between the backend and who looks at its list. */
struct volume_sight {
	const struct fl_call *call;
	fl_volume_see *see;
	void *cookie;
	bool broken;
	struct fl_error *err;
};

static int volume_seen(void *cookie, const struct fl_volume *volume)
{
	struct volume_sight *sight = cookie;

	if (volume->health.n)
		sight->broken = fl_check_health(sight->call, volume->handle, &volume->health,
						sight->err) < 0;
	return sight->broken ? -1 : sight->see(sight->cookie, volume);
}

int fl_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		   fl_volume_see *see, void *cookie, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	struct volume_sight sight = { .call = &call, .see = see, .cookie = cookie, .err = err };

	if (fl_call_begin(&call, pool, op, "volume_list", true, err) < 0)
		return -1;
	if (fl_call_result(
		    &call,
		    pool->backend->volume_list(pool, op, after, volume_seen, &sight, &call.error),
		    err) < 0)
		return -1;
	return sight.broken ? -1 : 0;
}

int fl_volume_publish(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_publish_spec *spec, struct fl_source *ret,
		      struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	struct fl_source source = { 0 };
	struct fl_error error;

	if (fl_check_handle("volume", spec->handle, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "publish", true, err) < 0)
		return -1;
	if (fl_call_result(&call, pool->backend->publish(pool, op, spec, &source, &call.error),
			   err) < 0)
		return -1;
	if (fl_source_check(&source, &error) < 0)
		return fl_call_broken(&call, err, "%s", error.text);
	if (source.read_only != spec->read_only)
		return fl_call_broken(&call, err, "asked for read_only=%d it gave %d",
				      spec->read_only, source.read_only);
	*ret = source;
	return 0;
}

int fl_volume_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		     uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
		     struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_backend *backend = pool->backend;
	uint64_t bytes = 0;

	if (fl_check_handle("volume", handle, err) < 0 ||
	    fl_check_size(min_bytes, max_bytes, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "resize", backend->resize, err) < 0)
		return -1;
	if (fl_call_result(
		    &call,
		    backend->resize(pool, op, handle, min_bytes, max_bytes, &bytes, &call.error),
		    err) < 0)
		return -1;
	if (bytes < min_bytes || (max_bytes != 0 && bytes > max_bytes))
		return fl_call_broken(&call, err, "volume %s has %llu bytes, not what was asked",
				      handle, (unsigned long long)bytes);
	*ret_bytes = bytes;
	return 0;
}

int fl_pool_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
		     struct fl_capacity *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_backend *backend = pool->backend;
	struct fl_capacity capacity = { 0 };

	if (fl_call_begin(&call, pool, op, "capacity", backend->capacity, err) < 0)
		return -1;
	if (fl_call_result(&call, backend->capacity(pool, op, thin, &capacity, &call.error), err) <
	    0)
		return -1;
	*ret = capacity;
	return 0;
}

int fl_volume_record_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 const char *key, struct fl_record *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_record_ops *records = pool->backend->records;
	struct fl_record record = { 0 };

	if (fl_check_handle("volume", handle, err) < 0 || fl_check_handle("record", key, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "record_get", records, err) < 0)
		return -1;
	if (fl_call_result(&call, records->get(pool, op, handle, key, &record, &call.error), err) <
	    0)
		return -1;
	if (!record.value)
		return fl_call_broken(&call, err, "record %s of volume %s has no value", key,
				      handle);
	*ret = record;
	return 0;
}

int fl_volume_record_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 const char *key, uint64_t expected, const char *value,
			 uint64_t *ret_version, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_record_ops *records = pool->backend->records;
	uint64_t version = 0;

	if (fl_check_handle("volume", handle, err) < 0 || fl_check_record(key, value, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "record_set", records, err) < 0)
		return -1;
	if (fl_call_result(&call,
			   records->compare_and_set(pool, op, handle, key, expected, value,
						    &version, &call.error),
			   err) < 0)
		return -1;
	if (version <= expected)
		return fl_call_broken(&call, err, "the version of record %s did not grow", key);
	*ret_version = version;
	return 0;
}
