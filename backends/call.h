/* SPDX-License-Identifier: Apache-2.0 */
/* Call: what every checked call of a backend has in common: the instance's lock, the metric, and
 * a result that is trusted only after a look. */
#pragma once

#include "backend.h"

struct fl_call {
	struct fl_pool *pool;
	const char *name;
	uint64_t started_us;
	bool locked;
	struct fl_error error; /* what the backend fills: a success leaves the caller's alone */
};

int fl_pool_lock_new(struct fl_pool_lock **ret, struct fl_error *err) fl_must_check;
void fl_pool_lock_free(struct fl_pool_lock *lock);

/* Begins the call `name` (a literal: it labels the metric).  FL_UNSUPPORTED unless `offered`;
 * FL_BUSY when the lock of an FL_BACKEND_SERIAL instance is not free before op->deadline. */
int fl_call_begin(struct fl_call *call, struct fl_pool *pool, const struct fl_op *op,
		  const char *name, bool offered, struct fl_error *err) fl_must_check;
/* Measures and unlocks; a zeroed call is fine.  For fl_cleanup. */
void fl_call_end(struct fl_call *call);
/* The backend's result, with its error in *err; a failure without an error is FL_INTERNAL. */
int fl_call_result(const struct fl_call *call, int result, struct fl_error *err) fl_must_check;
/* FL_INTERNAL: the backend broke its contract by what the text says. */
int fl_call_broken(const struct fl_call *call, struct fl_error *err, const char *format, ...)
	fl_printf_like(3, 4);

/* FL_INVALID unless the thing that `what` names is usable. */
int fl_check_handle(const char *what, const char *handle, struct fl_error *err) fl_must_check;
int fl_check_name(const char *what, const char *name, struct fl_error *err) fl_must_check;
int fl_check_record(const char *key, const char *value, struct fl_error *err) fl_must_check;
int fl_check_size(uint64_t min_bytes, uint64_t max_bytes, struct fl_error *err) fl_must_check;
int fl_check_volume_spec(struct fl_pool *pool, const struct fl_volume_spec *spec,
			 struct fl_error *err) fl_must_check;
int fl_check_snapshot_spec(const struct fl_snapshot_spec *spec, struct fl_error *err) fl_must_check;
/* FL_INTERNAL unless the health that the backend gave of `what` is as backend.h wants it. */
int fl_check_health(const struct fl_call *call, const char *what, const struct fl_health *health,
		    struct fl_error *err) fl_must_check;
