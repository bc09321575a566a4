/* SPDX-License-Identifier: Apache-2.0 */
/* Blockdev: a volume's device node at a target path, for raw block volumes. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "node/connect/connect.h"

/* Makes `target` (made as an empty file unless it is there) the device node, by a bind mount, and
 * proves it: a block device with the connection's number.  Done already is success.  FL_IN_USE when
 * the target is something else: a file with content, a directory, another device. */
int blockdev_publish(struct fl_arena *arena, const struct connection *connection,
		     const char *target, struct fl_error *err) fl_must_check;

/* Whether `path` is a node of the connection's device right now. */
bool blockdev_is_at(const struct connection *connection, const char *path);
