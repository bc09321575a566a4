/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of the pool's own records. */
#include <string.h>

#include "call.h"

int fl_pool_record_get(struct fl_pool *pool, const struct fl_op *op, const char *key,
		       struct fl_record *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_pool_record_ops *ops = pool->backend->pool_records;
	struct fl_record record = { 0 };

	if (fl_check_handle("record", key, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "pool_record_get", ops, err) < 0)
		return -1;
	if (fl_call_result(&call, ops->get(pool, op, key, &record, &call.error), err) < 0)
		return -1;
	if (!record.value)
		return fl_call_broken(&call, err, "record %s of the pool has no value", key);
	*ret = record;
	return 0;
}

int fl_pool_record_set(struct fl_pool *pool, const struct fl_op *op, const char *key,
		       uint64_t expected, const char *value, uint64_t *ret_version,
		       struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_pool_record_ops *ops = pool->backend->pool_records;
	uint64_t version = 0;

	if (fl_check_handle("record", key, err) < 0)
		return -1;
	if (!value || strlen(value) > FL_RECORD_MAX)
		return fl_error_set(err, FL_INVALID, "record %s takes 0 to %d bytes", key,
				    FL_RECORD_MAX);
	if (fl_call_begin(&call, pool, op, "pool_record_set", ops, err) < 0)
		return -1;
	if (fl_call_result(
		    &call,
		    ops->compare_and_set(pool, op, key, expected, value, &version, &call.error),
		    err) < 0)
		return -1;
	if (version <= expected)
		return fl_call_broken(&call, err, "the version of record %s did not grow", key);
	*ret_version = version;
	return 0;
}

int fl_pool_record_remove(struct fl_pool *pool, const struct fl_op *op, const char *key,
			  uint64_t expected, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_pool_record_ops *ops = pool->backend->pool_records;

	if (fl_check_handle("record", key, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "pool_record_remove", ops, err) < 0)
		return -1;
	return fl_call_result(&call, ops->remove(pool, op, key, expected, &call.error), err);
}
