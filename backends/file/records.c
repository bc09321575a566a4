/* SPDX-License-Identifier: Apache-2.0 */
/* Records: kept in the volume's folder, beside the image. */
#include <string.h>

#include "entry.h"
#include "reserve.h"
#include "volume.h"

static int records_check_key(const char *key, struct fl_error *err)
{
	static const char *const ours[] = { "image", "cut", FILE_META };

	for (size_t i = 0; i < FL_COUNT(ours); i++)
		if (strcmp(key, ours[i]) == 0)
			return fl_error_set(err, FL_INVALID, "record \"%s\" is the backend's own",
					    key);
	return 0;
}

int file_records_begin(const struct fl_op *op, int dir_fd, const struct fl_volume_spec *spec,
		       struct fl_error *err)
{
	for (size_t i = 0; i < spec->n_records; i++) {
		const struct fl_pair *record = &spec->records[i];
		uint64_t version;

		if (records_check_key(record->key, err) < 0 ||
		    fl_record_compare_and_set(op->arena, dir_fd, record->key, 0, record->value,
					      &version, err) < 0)
			return -1;
	}
	return 0;
}

static int records_open(struct fl_pool *pool, const char *handle, const char *key, int *ret_fd,
			struct fl_error *err)
{
	if (records_check_key(key, err) < 0)
		return -1;
	return file_entry_open(file_pool_of(pool), FILE_VOLUME, handle, ret_fd, err);
}

static int records_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       const char *key, struct fl_record *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int dir_fd = -1;

	if (records_open(pool, handle, key, &dir_fd, err) < 0)
		return -1;
	if (fl_record_get(op->arena, dir_fd, key, ret, err) < 0)
		return fl_error_prefix(err, "volume %s", handle);
	return 0;
}

static int records_compare_and_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
				   const char *key, uint64_t expected, const char *value,
				   uint64_t *ret_version, struct fl_error *err)
{
	fl_cleanup(fl_close) int dir_fd = -1;

	if (records_open(pool, handle, key, &dir_fd, err) < 0)
		return -1;
	while (fl_record_compare_and_set(op->arena, dir_fd, key, expected, value, ret_version,
					 err) < 0)
		if (err->code != FL_NO_SPACE || !file_reserve_spend(file_pool_of(pool)))
			return fl_error_prefix(err, "volume %s", handle);
	return 0;
}

const struct fl_record_ops file_record_ops = {
	.get = records_get,
	.compare_and_set = records_compare_and_set,
};
