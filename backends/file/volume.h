/* SPDX-License-Identifier: Apache-2.0 */
/* Volume, snapshot, records, pool records, copy, changes: the calls of the interface, one file
 * each; contracts as in backends/backend.h. */
#pragma once

#include "meta.h"
#include "pool.h"

int file_volume_create(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_volume_spec *spec, struct fl_volume *ret,
		       struct fl_error *err);
int file_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_error *err);
int file_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		    struct fl_volume *ret, struct fl_error *err);
int file_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		     fl_volume_see *see, void *cookie, struct fl_error *err);
int file_volume_publish(struct fl_pool *pool, const struct fl_op *op,
			const struct fl_publish_spec *spec, struct fl_source *ret,
			struct fl_error *err);
int file_volume_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
		       struct fl_error *err);

/* 0 when the volume fits the spec, else FL_EXISTS and what differs. */
int file_volume_check_fits(const struct fl_volume *volume, const struct fl_volume_spec *spec,
			   struct fl_error *err) fl_must_check;
/* FL_EXISTS when the snapshot is another name's, or of another volume or group. */
int file_snapshot_check_same(const struct fl_snapshot *snapshot,
			     const struct fl_snapshot_spec *spec, struct fl_error *err)
	fl_must_check;
/* The records of a new volume, into its folder, which nobody else sees yet. */
int file_records_begin(const struct fl_op *op, int dir_fd, const struct fl_volume_spec *spec,
		       struct fl_error *err) fl_must_check;
/* The handle that follows from a CSI name. */
const char *file_handle(const struct fl_op *op, const char *name);

extern const struct fl_snapshot_ops file_snapshot_ops;
extern const struct fl_record_ops file_record_ops;
extern const struct fl_pool_record_ops file_pool_record_ops;
extern const struct fl_copy_ops file_copy_ops;
extern const struct fl_change_ops file_change_ops;
