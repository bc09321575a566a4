/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's own records: DIR/records/KEY. */
#include "base/clock.h"
#include "reserve.h"
#include "volume.h"

static int pool_records_get(struct fl_pool *pool, const struct fl_op *op, const char *key,
			    struct fl_record *ret, struct fl_error *err)
{
	return fl_record_get(op->arena, file_pool_of(pool)->records_fd, key, ret, err);
}

/* A record begins with the time as its version: it was removed before then, if ever, and changed
 * less than once in a nanosecond. */
static int pool_records_write(const struct file_pool *file, const struct fl_op *op, const char *key,
			      uint64_t expected, const char *value, uint64_t *ret_version,
			      struct fl_error *err)
{
	if (expected != 0)
		return fl_record_compare_and_set(op->arena, file->records_fd, key, expected, value,
						 ret_version, err);
	*ret_version = (uint64_t)fl_clock_wall_ns();
	return fl_record_make(op->arena, file->records_fd, key, *ret_version, value, err);
}

static int pool_records_compare_and_set(struct fl_pool *pool, const struct fl_op *op,
					const char *key, uint64_t expected, const char *value,
					uint64_t *ret_version, struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);

	while (pool_records_write(file, op, key, expected, value, ret_version, err) < 0)
		if (err->code != FL_NO_SPACE || !file_reserve_spend(file))
			return -1;
	return 0;
}

static int pool_records_remove(struct fl_pool *pool, const struct fl_op *op, const char *key,
			       uint64_t expected, struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);

	while (fl_record_remove(op->arena, file->records_fd, key, expected, err) < 0)
		if (err->code != FL_NO_SPACE || !file_reserve_spend(file))
			return -1;
	return 0;
}

const struct fl_pool_record_ops file_pool_record_ops = {
	.get = pool_records_get,
	.compare_and_set = pool_records_compare_and_set,
	.remove = pool_records_remove,
};
