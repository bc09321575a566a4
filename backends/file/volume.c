/* SPDX-License-Identifier: Apache-2.0 */
#include "volume.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "entry.h"
#include "health.h"
#include "image.h"
#include "listing.h"
#include "lock.h"
#include "origin.h"
#include "reserve.h"

const char *file_handle(const struct fl_op *op, const char *name)
{
	return fl_text_handle(op->arena, name, FL_HANDLE_BYTES);
}

static struct fl_volume volume_of(const char *handle, const struct file_meta *meta,
				  uint64_t size_bytes)
{
	return (struct fl_volume){
		.handle = handle,
		.name = meta->name,
		.size_bytes = size_bytes,
		.content = meta->content,
		.thin = meta->thin,
	};
}

static int volume_read(const struct file_pool *file, struct fl_arena *arena, const char *handle,
		       struct fl_volume *ret, struct fl_error *err)
{
	struct file_meta meta;
	uint64_t size;

	if (file_entry_get(file, arena, FILE_VOLUME, handle, &meta, &size, err) < 0)
		return -1;
	*ret = volume_of(fl_arena_strdup(arena, handle), &meta, size);
	return 0;
}

static bool volume_content_is(const struct fl_content *a, const struct fl_content *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == FL_CONTENT_BLANK || strcmp(a->handle, b->handle) == 0;
}

int file_volume_check_fits(const struct fl_volume *volume, const struct fl_volume_spec *spec,
			   struct fl_error *err)
{
	if (strcmp(volume->name, spec->name) != 0)
		return fl_error_set(err, FL_EXISTS, "handle %s belongs to volume \"%s\"",
				    volume->handle, volume->name);
	if (volume->thin != spec->thin)
		return fl_error_set(err, FL_EXISTS, "volume %s exists, and is %s", spec->name,
				    volume->thin ? "thin" : "not thin");
	if (!volume_content_is(&volume->content, &spec->content))
		return fl_error_set(err, FL_EXISTS, "volume %s exists with other content",
				    spec->name);
	if (volume->size_bytes < spec->min_bytes ||
	    (spec->max_bytes != 0 && volume->size_bytes > spec->max_bytes))
		return fl_error_set(err, FL_EXISTS, "volume %s exists with %" PRIu64 " bytes",
				    spec->name, volume->size_bytes);
	return 0;
}

static int volume_fill_blank(const struct fl_op *op, const struct fl_volume_spec *spec,
			     uint64_t size, int dir_fd, struct fl_error *err)
{
	if (file_image_make(dir_fd, FILE_IMAGE, size, spec->thin, err) < 0)
		return -1;
	return file_meta_set_format(op->arena, dir_fd, FL_FORMAT_NEVER, err);
}

static int volume_fill_from(const struct file_pool *file, const struct fl_op *op,
			    const struct fl_volume_spec *spec, uint64_t size, int dir_fd,
			    struct fl_error *err)
{
	fl_cleanup(file_origin_release) struct file_origin origin = FILE_ORIGIN_NONE;

	if (file_origin_open(file, op, &spec->content, &origin, err) < 0)
		return -1;
	if (origin.size > size)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "its content has %" PRIu64 " bytes, more than %" PRIu64,
				    origin.size, size);
	if (file_image_make_from(file, op, origin.image_fd, dir_fd, size, spec->thin, err) < 0)
		return -1;
	return file_meta_inherit_format(op->arena, origin.dir_fd, dir_fd, err);
}

static int volume_make(const struct file_pool *file, const struct fl_op *op,
		       const struct fl_volume_spec *spec, const char *handle, struct fl_error *err)
{
	struct file_meta meta = {
		.name = spec->name, .content = spec->content, .thin = spec->thin, .ready = true
	};
	fl_cleanup(fl_close) int dir_fd = -1;
	uint64_t size;
	int filled;

	if (file_image_round(spec->min_bytes, spec->max_bytes, &size, err) < 0 ||
	    file_entry_begin(file, op, FILE_VOLUME, handle, &dir_fd, err) < 0)
		return -1;
	if (spec->content.kind == FL_CONTENT_BLANK)
		filled = volume_fill_blank(op, spec, size, dir_fd, err);
	else
		filled = volume_fill_from(file, op, spec, size, dir_fd, err);
	meta.size_bytes = size;
	if (filled < 0 || file_records_begin(op, dir_fd, spec, err) < 0 ||
	    file_meta_write(op->arena, dir_fd, &meta, err) < 0)
		return -1;
	return file_entry_commit(file, op, FILE_VOLUME, handle, dir_fd, err);
}

int file_volume_create(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_volume_spec *spec, struct fl_volume *ret,
		       struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	fl_cleanup(file_lock_release) struct file_lock lock = FILE_LOCK_NONE;
	const char *handle = file_handle(op, spec->name);
	struct fl_volume volume;
	struct fl_error ignored;

	if (file_lock_take(file, op, FILE_VOLUME, handle, FILE_LOCK_WRITE, &lock, err) < 0)
		return -1;
	if (volume_read(file, op->arena, handle, &volume, err) == 0) {
		if (file_volume_check_fits(&volume, spec, err) < 0)
			return -1;
		*ret = volume;
		return 0;
	}
	if (err->code != FL_NOT_FOUND)
		return -1;
	if (volume_make(file, op, spec, handle, err) < 0) {
		/* What cannot be removed now, the next call removes. */
		(void)!file_entry_discard(file, op, FILE_VOLUME, handle, &ignored);
		return fl_error_prefix(err, "creating volume %s", spec->name);
	}
	return volume_read(file, op->arena, handle, ret, err);
}

int file_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	fl_cleanup(file_lock_release) struct file_lock lock = FILE_LOCK_NONE;

	if (file_lock_take(file, op, FILE_VOLUME, handle, FILE_LOCK_WRITE, &lock, err) < 0)
		return -1;
	if (file_entry_remove(file, op, FILE_VOLUME, handle, err) < 0)
		return -1;
	file_reserve_fill(file);
	return 0;
}

int file_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		    struct fl_volume *ret, struct fl_error *err)
{
	return volume_read(file_pool_of(pool), op->arena, handle, ret, err);
}

struct volume_listing {
	const struct file_pool *file;
	struct file_health_view view;
	fl_volume_see *see;
	void *cookie;
};

static int volume_listed(void *cookie, const struct file_listed *listed, struct fl_error *err)
{
	const struct volume_listing *listing = cookie;
	struct fl_volume volume = { 0 };
	int is_volume = 1;

	if (listed->meta) {
		volume = volume_of(listed->handle, listed->meta, listed->size_bytes);
		volume.owner = listed->owner;
		file_health_of_read(listing->file, &listing->view, listed->arena, &volume);
	} else {
		is_volume = file_health_of_damaged(listing->file, &listing->view, listed->arena,
						   listed->handle, &volume, err);
	}
	return is_volume > 0 ? listing->see(listing->cookie, &volume) != 0 : is_volume;
}

int file_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		     fl_volume_see *see, void *cookie, struct fl_error *err)
{
	struct volume_listing listing = { file_pool_of(pool), .see = see, .cookie = cookie };

	(void)op;
	if (file_health_look(listing.file, &listing.view, err) < 0)
		return -1;
	return file_listing_run(listing.file, FILE_VOLUME, after, volume_listed, &listing, err);
}

int file_volume_publish(struct fl_pool *pool, const struct fl_op *op,
			const struct fl_publish_spec *spec, struct fl_source *ret,
			struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	struct fl_volume volume;

	if (volume_read(file, op->arena, spec->handle, &volume, err) < 0)
		return -1;
	*ret = (struct fl_source){
		.kind = FL_SOURCE_FILE,
		.size_bytes = volume.size_bytes,
		.read_only = spec->read_only,
		.file.path = fl_arena_printf(op->arena, "%s/volumes/%s/" FILE_IMAGE,
					     file->directory, spec->handle),
	};
	return 0;
}

/* From now on less than `size` is a truncated image. */
static int volume_note_size(const struct file_pool *file, const struct fl_op *op, int dir_fd,
			    struct file_meta *meta, uint64_t size, struct fl_error *err)
{
	meta->size_bytes = size;
	while (file_meta_write(op->arena, dir_fd, meta, err) < 0)
		if (err->code != FL_NO_SPACE || !file_reserve_spend(file))
			return -1;
	return 0;
}

/* The record is written last: while it tells less, a growth was cut off, and is made whole. */
static int volume_grow(const struct file_pool *file, const struct fl_op *op,
		       const struct fl_volume *volume, uint64_t size, struct fl_error *err)
{
	fl_cleanup(fl_close) int dir_fd = -1, image_fd = -1;
	struct file_meta meta;

	if (file_entry_open(file, FILE_VOLUME, volume->handle, &dir_fd, err) < 0 ||
	    file_meta_read(op->arena, dir_fd, &meta, err) < 0)
		return -1;
	if (meta.size_bytes >= size)
		return 0;
	if (file_image_open(dir_fd, FILE_IMAGE, O_RDWR, &image_fd, err) < 0 ||
	    file_image_grow(image_fd, size, volume->thin, err) < 0 ||
	    volume_note_size(file, op, dir_fd, &meta, size, err) < 0)
		return fl_error_prefix(err, "growing volume %s", volume->handle);
	return 0;
}

int file_volume_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
		       struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	fl_cleanup(file_lock_release) struct file_lock lock = FILE_LOCK_NONE;
	struct fl_volume volume;
	uint64_t size;

	if (file_lock_take(file, op, FILE_VOLUME, handle, FILE_LOCK_WRITE, &lock, err) < 0 ||
	    volume_read(file, op->arena, handle, &volume, err) < 0)
		return -1;
	size = volume.size_bytes;
	if (max_bytes != 0 && volume.size_bytes > max_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "volume %s has %" PRIu64
				    " bytes already and is never made smaller",
				    handle, volume.size_bytes);
	if (size < min_bytes && file_image_round(min_bytes, max_bytes, &size, err) < 0)
		return -1;
	if (volume_grow(file, op, &volume, size, err) < 0)
		return -1;
	*ret_bytes = size;
	return 0;
}
