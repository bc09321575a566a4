/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metric.h"

/* The limits of the CSI names and of what we hand out as handles. */
#define NAME_MAX_BYTES 128

struct fl_pool_lock {
	pthread_mutex_t mutex;
};

static struct fl_metric call_seconds = {
	.name = "fairlead_backend_seconds",
	.help = "Time that calls of a backend took.",
	.kind = FL_METRIC_HISTOGRAM,
	.labels = { "backend", "call" },
};

int fl_pool_lock_new(struct fl_pool_lock **ret, struct fl_error *err)
{
	struct fl_pool_lock *lock = calloc(1, sizeof(*lock));

	if (!lock)
		return fl_error_sys(err, ENOMEM, "opening a pool");
	pthread_mutex_init(&lock->mutex, NULL);
	fl_metric_register(&call_seconds);
	*ret = lock;
	return 0;
}

void fl_pool_lock_free(struct fl_pool_lock *lock)
{
	if (!lock)
		return;
	pthread_mutex_destroy(&lock->mutex);
	free(lock);
}

int fl_call_begin(struct fl_call *call, struct fl_pool *pool, const struct fl_op *op,
		  const char *name, bool offered, struct fl_error *err)
{
	if (!offered)
		return fl_error_set(err, FL_UNSUPPORTED, "pool %s (backend %s) has no %s",
				    pool->name, pool->backend->name, name);
	if (pool->flags & FL_BACKEND_SERIAL) {
		if (pthread_mutex_clocklock(&pool->lock->mutex, CLOCK_MONOTONIC, &op->deadline))
			return fl_error_set(err, FL_BUSY,
					    "pool %s works on something else; ask again",
					    pool->name);
		call->locked = true;
	}
	call->pool = pool;
	call->name = name;
	call->started_us = fl_clock_us();
	return 0;
}

void fl_call_end(struct fl_call *call)
{
	if (!call->pool)
		return;
	if (call->locked)
		pthread_mutex_unlock(&call->pool->lock->mutex);
	fl_metric_observe(&call_seconds, call->pool->backend->name, call->name,
			  (double)(fl_clock_us() - call->started_us) / 1e6);
}

int fl_call_result(const struct fl_call *call, int result, struct fl_error *err)
{
	if (result == 0)
		return 0;
	if (call->error.code == FL_OK)
		return fl_call_broken(call, err, "it failed and did not say why");
	*err = call->error;
	return -1;
}

int fl_call_broken(const struct fl_call *call, struct fl_error *err, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return fl_error_set(err, FL_INTERNAL, "backend %s broke its contract in %s: %s",
			    call->pool->backend->name, call->name, text);
}

int fl_check_handle(const char *what, const char *handle, struct fl_error *err)
{
	if (!handle || !fl_text_is_safe_name(handle, NAME_MAX_BYTES))
		return fl_error_set(err, FL_INVALID, "%s handle is missing or not a safe name",
				    what);
	return 0;
}

int fl_check_name(const char *what, const char *name, struct fl_error *err)
{
	size_t length = name ? strlen(name) : 0;

	if (length == 0 || length > NAME_MAX_BYTES)
		return fl_error_set(err, FL_INVALID, "%s name has %zu bytes, not 1 to %d", what,
				    length, NAME_MAX_BYTES);
	if (!fl_text_is_name(name, length))
		return fl_error_set(err, FL_INVALID,
				    "%s name has control characters or is no UTF-8", what);
	return 0;
}

int fl_check_size(uint64_t min_bytes, uint64_t max_bytes, struct fl_error *err)
{
	if (min_bytes == 0 || min_bytes % 512 != 0 || max_bytes % 512 != 0)
		return fl_error_set(err, FL_INVALID,
				    "a size is a whole multiple of 512 bytes above 0");
	if (max_bytes != 0 && max_bytes < min_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "the limit of %llu bytes is below the size of %llu bytes",
				    (unsigned long long)max_bytes, (unsigned long long)min_bytes);
	if (min_bytes > INT64_MAX || max_bytes > INT64_MAX)
		return fl_error_set(err, FL_OUT_OF_RANGE, "a size of %llu bytes does not exist",
				    (unsigned long long)min_bytes);
	return 0;
}

static int check_content(struct fl_pool *pool, const struct fl_content *content,
			 struct fl_error *err)
{
	switch (content->kind) {
	case FL_CONTENT_BLANK:
		return 0;
	case FL_CONTENT_SNAPSHOT:
		if (!pool->backend->snapshots)
			return fl_error_set(err, FL_UNSUPPORTED, "pool %s has no snapshots",
					    pool->name);
		return fl_check_handle("snapshot", content->handle, err);
	case FL_CONTENT_VOLUME:
		if (!(pool->flags & FL_BACKEND_CLONES))
			return fl_error_set(err, FL_UNSUPPORTED, "pool %s does not clone volumes",
					    pool->name);
		return fl_check_handle("volume", content->handle, err);
	}
	return fl_error_set(err, FL_INVALID, "a volume cannot come from content kind %d",
			    (int)content->kind);
}

int fl_check_record(const char *key, const char *value, struct fl_error *err)
{
	if (fl_check_handle("record", key, err) < 0)
		return -1;
	if (!value || strlen(value) > FL_RECORD_MAX)
		return fl_error_set(err, FL_INVALID, "record %s takes 0 to %d bytes", key,
				    FL_RECORD_MAX);
	return 0;
}

static int check_records(const struct fl_pool *pool, const struct fl_volume_spec *spec,
			 struct fl_error *err)
{
	if (spec->n_records && !pool->backend->records)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "pool %s keeps no records beside its volumes", pool->name);
	for (size_t i = 0; i < spec->n_records; i++)
		if (fl_check_record(spec->records[i].key, spec->records[i].value, err) < 0)
			return -1;
	return 0;
}

int fl_check_volume_spec(struct fl_pool *pool, const struct fl_volume_spec *spec,
			 struct fl_error *err)
{
	if (fl_check_name("volume", spec->name, err) < 0)
		return -1;
	if (fl_check_size(spec->min_bytes, spec->max_bytes, err) < 0)
		return -1;
	if (check_records(pool, spec, err) < 0)
		return -1;
	return check_content(pool, &spec->content, err);
}

int fl_check_snapshot_spec(const struct fl_snapshot_spec *spec, struct fl_error *err)
{
	if (fl_check_name("snapshot", spec->name, err) < 0 ||
	    (spec->group && fl_check_handle("group", spec->group, err) < 0))
		return -1;
	return fl_check_handle("volume", spec->volume_handle, err);
}
