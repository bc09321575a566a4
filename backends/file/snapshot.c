/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "entry.h"
#include "image.h"
#include "listing.h"
#include "lock.h"
#include "origin.h"
#include "volume.h"

static struct fl_snapshot snapshot_of(const char *handle, const struct file_meta *meta,
				      uint64_t size_bytes)
{
	return (struct fl_snapshot){
		.handle = handle,
		.name = meta->name,
		.volume_handle = meta->content.handle,
		.group = meta->group,
		.size_bytes = size_bytes,
		.created_ns = meta->cut_ns,
		.ready = meta->ready,
		.failure = meta->failure,
	};
}

static int snapshot_read(const struct file_pool *file, struct fl_arena *arena, const char *handle,
			 struct fl_snapshot *ret, struct fl_error *err)
{
	struct file_meta meta;
	uint64_t size;

	if (file_entry_get(file, arena, FILE_SNAPSHOT, handle, &meta, &size, err) < 0)
		return -1;
	*ret = snapshot_of(fl_arena_strdup(arena, handle), &meta, size);
	return 0;
}

int file_snapshot_check_same(const struct fl_snapshot *snapshot,
			     const struct fl_snapshot_spec *spec, struct fl_error *err)
{
	if (strcmp(snapshot->name, spec->name) != 0)
		return fl_error_set(err, FL_EXISTS, "handle %s belongs to snapshot \"%s\"",
				    snapshot->handle, snapshot->name);
	if (strcmp(snapshot->volume_handle, spec->volume_handle) != 0)
		return fl_error_set(err, FL_EXISTS, "snapshot %s exists, of volume %s", spec->name,
				    snapshot->volume_handle);
	if (strcmp(snapshot->group ? snapshot->group : "", spec->group ? spec->group : "") != 0)
		return fl_error_set(err, FL_EXISTS, "snapshot %s exists, %s%s", spec->name,
				    snapshot->group ? "in group " : "alone",
				    snapshot->group ? snapshot->group : "");
	return 0;
}

static int snapshot_make(const struct file_pool *file, const struct fl_op *op,
			 const struct fl_snapshot_spec *spec, const char *handle,
			 struct fl_error *err)
{
	struct file_meta meta = {
		.name = spec->name,
		.content = { FL_CONTENT_VOLUME, spec->volume_handle },
		.group = spec->group,
		.thin = true,
		.ready = true,
	};
	fl_cleanup(file_origin_release) struct file_origin origin = FILE_ORIGIN_NONE;
	fl_cleanup(fl_close) int dir_fd = -1;

	if (file_origin_open(file, op, &meta.content, &origin, err) < 0 ||
	    file_entry_begin(file, op, FILE_SNAPSHOT, handle, &dir_fd, err) < 0)
		return -1;
	meta.cut_ns = fl_clock_wall_ns();
	meta.size_bytes = origin.size;
	if (file_image_make_from(file, op, origin.image_fd, dir_fd, 0, true, err) < 0 ||
	    file_meta_inherit_format(op->arena, origin.dir_fd, dir_fd, err) < 0 ||
	    file_meta_write(op->arena, dir_fd, &meta, err) < 0)
		return -1;
	return file_entry_commit(file, op, FILE_SNAPSHOT, handle, dir_fd, err);
}

static int snapshot_create(struct fl_pool *pool, const struct fl_op *op,
			   const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
			   struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	fl_cleanup(file_lock_release) struct file_lock lock = FILE_LOCK_NONE;
	const char *handle = file_handle(op, spec->name);
	struct fl_snapshot snapshot;
	struct fl_error ignored;

	if (file_lock_take(file, op, FILE_SNAPSHOT, handle, FILE_LOCK_WRITE, &lock, err) < 0)
		return -1;
	if (snapshot_read(file, op->arena, handle, &snapshot, err) == 0) {
		if (file_snapshot_check_same(&snapshot, spec, err) < 0)
			return -1;
		*ret = snapshot;
		return 0;
	}
	if (err->code != FL_NOT_FOUND)
		return -1;
	if (snapshot_make(file, op, spec, handle, err) < 0) {
		/* What cannot be removed now, the next call removes. */
		(void)!file_entry_discard(file, op, FILE_SNAPSHOT, handle, &ignored);
		return fl_error_prefix(err, "creating snapshot %s", spec->name);
	}
	return snapshot_read(file, op->arena, handle, ret, err);
}

static int snapshot_remove(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			   struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	fl_cleanup(file_lock_release) struct file_lock lock = FILE_LOCK_NONE;

	if (file_lock_take(file, op, FILE_SNAPSHOT, handle, FILE_LOCK_WRITE, &lock, err) < 0)
		return -1;
	return file_entry_remove(file, op, FILE_SNAPSHOT, handle, err);
}

static int snapshot_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			struct fl_snapshot *ret, struct fl_error *err)
{
	return snapshot_read(file_pool_of(pool), op->arena, handle, ret, err);
}

struct snapshot_listing {
	fl_snapshot_see *see;
	void *cookie;
};

static int snapshot_listed(void *cookie, const struct file_listed *listed, struct fl_error *err)
{
	const struct snapshot_listing *listing = cookie;
	struct fl_snapshot snapshot;

	(void)err;
	if (!listed->meta) {
		fl_log(FL_LOG_WARNING, "list", "passed over: %s", listed->damage);
		return 0;
	}
	snapshot = snapshot_of(listed->handle, listed->meta, listed->size_bytes);
	return listing->see(listing->cookie, &snapshot) != 0;
}

static int snapshot_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			 fl_snapshot_see *see, void *cookie, struct fl_error *err)
{
	struct snapshot_listing listing = { see, cookie };

	(void)op;
	return file_listing_run(file_pool_of(pool), FILE_SNAPSHOT, after, snapshot_listed, &listing,
				err);
}

const struct fl_snapshot_ops file_snapshot_ops = {
	.create = snapshot_create,
	.remove = snapshot_remove,
	.get = snapshot_get,
	.list = snapshot_list,
};
