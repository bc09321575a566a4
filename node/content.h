/* SPDX-License-Identifier: Apache-2.0 */
/* Content: what is on a device.  The only file that knows libblkid. */
#pragma once

#include <stdbool.h>

#include "base/op.h"
#include "node/connect/connect.h"

struct content {
	const char *what; /* a file system ("ext4"), a partition table ("a partition table (dos)"),
			   * something else with a name; NULL: nothing was found */
	const char *uuid; /* of the file system; "" when it has none */
};

/* What libblkid finds.  A device that cannot be read is an error and never "nothing". */
int content_probe(const struct fl_op *op, const char *device, struct content *ret,
		  struct fl_error *err) fl_must_check;

/* Whether the first and the last MiB of the device read as zeros, past the page cache. */
int content_is_blank(const struct connection *connection, bool *ret, struct fl_error *err)
	fl_must_check;
/* Makes them so.  FL_BUSY while a mkfs of an earlier attempt still runs. */
int content_blank(const struct connection *connection, struct fl_error *err) fl_must_check;
