/* SPDX-License-Identifier: Apache-2.0 */
/* Format: whether a file system may be made on a volume.
 *
 * The record `format` (backends/backend.h) knows what was ever done with the volume.  mkfs runs
 * only when the record says that nobody has written to it, libblkid finds nothing, and the first
 * and last MiB are zeros; or when the record says that our own mkfs was cut off.  A probe that
 * fails, data that nobody knows, or a record that is missing never lead to mkfs. */
#pragma once

#include "backends/backend.h"
#include "node/filesystem.h"

struct format_target {
	struct fl_pool *pool;
	const char *handle;
	const char *volume_id; /* for errors */
	const struct filesystem *type;
	const char *const *mkfs_words; /* of csi/mkfs.h; NULL: record `mkfs` has them */
	bool read_only;                /* nothing may be written: neither mkfs nor the record */
};

/* Makes sure that the device holds a file system of the wanted type, and that the record says,
 * before anybody mounts it, that mkfs must not run again.  FL_IN_USE names what is there
 * instead. */
int format_prepare(const struct fl_op *op, const struct format_target *target,
		   const struct connection *connection, struct fl_error *err) fl_must_check;

/* Whether the volume is, for all that is known, a block device: nobody has asked for a file
 * system. */
int format_is_raw(const struct fl_op *op, struct fl_pool *pool, const char *handle, bool *ret,
		  struct fl_error *err) fl_must_check;

/* Sets the record to "raw", unless it says already that mkfs must not run: before the volume is
 * handed out for writing as a block device.  FL_IN_USE when it must not be now (uuid.h). */
int format_mark_raw(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		    struct fl_error *err) fl_must_check;
