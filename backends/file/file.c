/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes as raw images in a directory: the embedded default.  Snapshots and clones are cuts where
 * the file system has reflinks (XFS, btrfs), else copies that keep holes (ext4). */
#include "health.h"
#include "volume.h"

const struct fl_backend fl_backend = {
	.abi = FL_BACKEND_ABI,
	.size = sizeof(struct fl_backend),
	.name = "file",
	.summary = "raw images in a directory",
	.flags = FL_BACKEND_NODE_LOCAL | FL_BACKEND_SHARED | FL_BACKEND_COPIES | FL_BACKEND_CLONES,
	.options = file_pool_options,
	.n_options = FILE_POOL_N_OPTIONS,
	.options_size = sizeof(struct file_options),
	.open = file_pool_open,
	.close = file_pool_close,
	.volume_create = file_volume_create,
	.volume_delete = file_volume_delete,
	.volume_get = file_volume_get,
	.volume_list = file_volume_list,
	.publish = file_volume_publish,
	.resize = file_volume_resize,
	.capacity = file_pool_capacity,
	.snapshots = &file_snapshot_ops,
	.records = &file_record_ops,
	.copies = &file_copy_ops,
	.health = &file_health_ops,
	.pool_records = &file_pool_record_ops,
	.changes = &file_change_ops,
};
