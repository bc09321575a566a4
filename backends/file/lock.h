/* SPDX-License-Identifier: Apache-2.0 */
/* Lock: keeps the threads and processes that share a directory off each other's volumes.
 *
 * Each volume and snapshot, also one that does not exist yet, is one byte of DIR/lock, at an offset
 * that follows from its kind and handle.  A byte lock of an open file description ends with its
 * holder, leaves no file behind, and does not care what is renamed meanwhile. */
#pragma once

#include <sys/types.h>

#include "pool.h"

enum file_lock_mode { FILE_LOCK_READ, FILE_LOCK_WRITE };

struct file_lock {
	int fd;
	off_t offset;
};

#define FILE_LOCK_NONE ((struct file_lock){ .fd = -1 })

/* Never waits: FL_BUSY when somebody else has it in a way that excludes us. */
int file_lock_take(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		   const char *handle, enum file_lock_mode mode, struct file_lock *ret,
		   struct fl_error *err) fl_must_check;
/* For fl_cleanup. */
void file_lock_release(struct file_lock *lock);
