/* SPDX-License-Identifier: Apache-2.0 */
/* An optional group of calls: records, in the folder of their volume.  They are what lets the core
 * publish a volume. */
#include "example.h"

int example_folder(struct fl_pool *pool, const struct fl_op *op, const char *name, int *ret_fd,
		   struct fl_error *err)
{
	const char *directory = ((struct example *)pool)->directory;

	*ret_fd = open(fl_arena_printf(op->arena, "%s/%s", directory, name), O_CLOEXEC);
	return *ret_fd < 0 ? fl_error_sys(err, errno, "volume %s", name) : 0;
}

int example_record_begin(const struct fl_op *op, int folder, const char *key, const char *value,
			 struct fl_error *err)
{
	uint64_t version;

	if (fl_record_compare_and_set(op->arena, folder, key, 0, value, &version, err) == 0)
		return 0;
	return err->code == FL_BUSY ? 0 : -1;
}

static int example_record_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			      const char *key, struct fl_record *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int folder = -1;

	if (example_folder(pool, op, handle, &folder, err) < 0)
		return -1;
	return fl_record_get(op->arena, folder, key, ret, err);
}

static int example_record_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			      const char *key, uint64_t expected, const char *value,
			      uint64_t *ret_version, struct fl_error *err)
{
	fl_cleanup(fl_close) int folder = -1;

	if (example_folder(pool, op, handle, &folder, err) < 0)
		return -1;
	return fl_record_compare_and_set(op->arena, folder, key, expected, value, ret_version, err);
}

const struct fl_record_ops example_records = {
	.get = example_record_get,
	.compare_and_set = example_record_set,
};
