/* SPDX-License-Identifier: Apache-2.0 */
/* Health: what is wrong with the pool's storage and with its volumes.
 *
 * Everything is looked at anew in each call, so a status goes as soon as its cause does.  Reasons
 * of a pool: DirectoryGone, FileSystemReadOnly, FileSystemError, Full, NearlyFull, NoInodes.
 * Reasons of a volume: RecordMissing, RecordDamaged, ImageMissing, ImageTruncated, ImageUnusable,
 * PoolFull, PoolReadOnly. */
#pragma once

#include "pool.h"

/* What is true of all volumes at once; asked once per call. */
struct file_health_view {
	uint64_t total_bytes;
	uint64_t available_bytes;
	uint64_t free_inodes; /* UINT64_MAX where the file system does not count them */
	bool read_only;
};

/* FL_UNAVAILABLE when the directory is not there any more. */
int file_health_look(const struct file_pool *file, struct file_health_view *ret,
		     struct fl_error *err) fl_must_check;

/* Too little is left for records and directories. */
bool file_health_is_full(const struct file_health_view *view);

/* For a listing, which has read the volume: adds what `view` makes wrong with it.  Costs nothing
 * while the pool is well. */
void file_health_of_read(const struct file_pool *file, const struct file_health_view *view,
			 struct fl_arena *arena, struct fl_volume *volume);
/* For a listing, which could not read it: handle, health and what else is known.  1: it is damaged;
 * 0: it is no volume, is being removed, or is well by now; -1: FL_UNAVAILABLE. */
int file_health_of_damaged(const struct file_pool *file, const struct file_health_view *view,
			   struct fl_arena *arena, const char *handle, struct fl_volume *ret,
			   struct fl_error *err) fl_must_check;

/* As backends/backend.h. */
int file_health_pool(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
		     struct fl_error *err);

int file_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		     fl_health_see *see, void *cookie, struct fl_error *err);

extern const struct fl_health_ops file_health_ops;
