/* SPDX-License-Identifier: Apache-2.0 */
/* Image: opening the file behind a volume without waiting for whoever has a lease on it.
 *
 * A backend that copies a volume keeps it still by a lease; an opener must not hang on that. */
#pragma once

#include "base/error.h"

/* Opens a regular file, close-on-exec, not through a symbolic link at its end.  `flags` is O_RDONLY
 * or O_RDWR.  FL_BUSY while somebody holds a lease on it, FL_IN_USE for anything but a file. */
int image_open(const char *path, int flags, int *ret_fd, struct fl_error *err) fl_must_check;
