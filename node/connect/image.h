/* SPDX-License-Identifier: Apache-2.0 */
/* Image: opening the file behind a volume without waiting for whoever has a lease on it.
 *
 * A backend that copies a volume keeps it still by a lease; an opener must not hang on that. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* Opens a regular file, close-on-exec, not through a symbolic link at its end.  `flags` is O_RDONLY
 * or O_RDWR.  FL_BUSY while somebody holds a lease on it, FL_IN_USE for anything but a file. */
int image_open(const char *path, int flags, int *ret_fd, struct fl_error *err) fl_must_check;

/* What tells the file from another one that takes its name later: the inode and, where the file
 * system keeps it, the moment of its birth.  Not the device, whose number changes when the pool is
 * mounted again.  The file is `path`, relative to `fd`, or `fd` itself when `path` is empty; it is
 * not opened, because that would count as a use. */
int image_identity(struct fl_arena *arena, int fd, const char *path, const char **ret,
		   struct fl_error *err) fl_must_check;
