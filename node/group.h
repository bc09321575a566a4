/* SPDX-License-Identifier: Apache-2.0 */
/* Group: gives the files of a mounted volume to a group (CSI's volume_mount_group).
 *
 * File systems on block devices know no group as a mount option, so the files themselves get it:
 * all get the group, files may be read and written by it, directories also searched, and what is
 * made in them later inherits it.  The root directory comes last: when it has the group, all is
 * done, and a pass that was cut off is made again.  Nothing is followed out of the mount, whoever
 * changes the tree meanwhile. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/op.h"

/* `path` is the root of a mount that can be written.  FL_TIMEOUT when the files are too many for
 * the deadline: those that are done are not done again. */
int group_apply(const struct fl_op *op, const char *path, uint32_t group, struct fl_error *err)
	fl_must_check;
