/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystem: the kinds of file systems, and making and growing them.  When one may be made at all
 * is format.h's decision. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/op.h"
#include "base/text.h"
#include "node/connect/connect.h"

/* A kind of file system that we make, mount and grow. */
struct filesystem;
struct uuid_change; /* see uuid.h */

/* "ext4", "xfs", "btrfs"; FL_INVALID for another name. */
int filesystem_get(const char *name, const struct filesystem **ret, struct fl_error *err)
	fl_must_check;
const char *filesystem_name(const struct filesystem *type);
/* Options with which it is always mounted: "nouuid", or "". */
const char *filesystem_mount_data(const struct filesystem *type);
/* How it gets another UUID; NULL where the kernel does not mind two file systems with the same
 * one. */
const struct uuid_change *filesystem_uuid(const struct filesystem *type);

/* Makes a file system, with the words of csi/mkfs.h, whatever is there.  FL_TIMEOUT when it was cut
 * off: it is to be made again. */
int filesystem_make(const struct fl_op *op, const struct filesystem *type, const char *device,
		    const char *const *words, struct fl_error *err) fl_must_check;

/* Grows the mounted file system to its device; already that large is success. */
int filesystem_grow(const struct fl_op *op, const struct filesystem *type,
		    const struct connection *connection, const char *point, struct fl_error *err)
	fl_must_check;
