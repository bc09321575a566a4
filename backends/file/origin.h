/* SPDX-License-Identifier: Apache-2.0 */
/* Origin: the volume or snapshot that a new one takes its content from, held while it is read: it
 * can be written meanwhile, but not deleted or grown. */
#pragma once

#include "lock.h"
#include "meta.h"

struct file_origin {
	struct file_lock lock;
	int dir_fd;
	int image_fd;
	uint64_t size;
	struct file_meta meta;
};

#define FILE_ORIGIN_NONE                                                                           \
	((struct file_origin){ .lock = FILE_LOCK_NONE, .dir_fd = -1, .image_fd = -1 })

/* FL_NOT_FOUND when it is not there; FL_BUSY for a snapshot that is not ready, FL_IN_USE for one
 * that never will be. */
int file_origin_open(const struct file_pool *file, const struct fl_op *op,
		     const struct fl_content *content, struct file_origin *ret,
		     struct fl_error *err) fl_must_check;
/* For fl_cleanup. */
void file_origin_release(struct file_origin *origin);
