/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <fcntl.h>

#include "entry.h"
#include "image.h"

static int origin_check_ready(const struct file_origin *origin, const char *handle,
			      struct fl_error *err)
{
	if (origin->meta.failure)
		return fl_error_set(err, FL_IN_USE, "snapshot %s is not usable: %s", handle,
				    origin->meta.failure);
	if (!origin->meta.ready)
		return fl_error_set(err, FL_BUSY, "snapshot %s is still being copied; ask again",
				    handle);
	return 0;
}

int file_origin_open(const struct file_pool *file, const struct fl_op *op,
		     const struct fl_content *content, struct file_origin *ret,
		     struct fl_error *err)
{
	enum file_kind kind = content->kind == FL_CONTENT_VOLUME ? FILE_VOLUME : FILE_SNAPSHOT;
	fl_cleanup(file_origin_release) struct file_origin origin = FILE_ORIGIN_NONE;
	const char *handle = content->handle;

	if (file_lock_take(file, op, kind, handle, FILE_LOCK_READ, &origin.lock, err) < 0 ||
	    file_entry_get(file, op->arena, kind, handle, &origin.meta, &origin.size, err) < 0 ||
	    origin_check_ready(&origin, handle, err) < 0 ||
	    file_entry_open(file, kind, handle, &origin.dir_fd, err) < 0)
		return -1;
	if (file_image_open(origin.dir_fd, FILE_IMAGE, O_RDONLY, &origin.image_fd, err) < 0)
		return fl_error_prefix(err, "%s %s", file_kind_name(kind), handle);
	*ret = origin;
	origin = FILE_ORIGIN_NONE;
	return 0;
}

void file_origin_release(struct file_origin *origin)
{
	fl_close(&origin->image_fd);
	fl_close(&origin->dir_fd);
	file_lock_release(&origin->lock);
}
