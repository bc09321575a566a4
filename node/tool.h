/* SPDX-License-Identifier: Apache-2.0 */
/* Tool: a program that writes to a device or to its file system (mkfs, xfs_db, resize2fs).
 *
 * It inherits the opened device with a lock on it.  So the lock holds from before the program starts until it
 * has ended, also when this service does not live that long; the name of the device cannot become that of
 * another volume before the program opens it; and udev keeps away meanwhile. */
#pragma once

#include <stdbool.h>

#include "base/proc.h"

/* Runs argv and waits, as fl_proc_run.  FL_BUSY while the program of an earlier attempt still runs on
 * the device. */
int tool_run(const struct fl_op *op, const char *device, const char *const argv[],
	     struct fl_proc_result *ret, struct fl_error *err) fl_must_check;

/* Whether a program of an earlier attempt still runs on the device.  One that just ends may not
 * count any more and have its other descriptors for a moment yet. */
bool tool_is_running(const char *device);

/* The last line of its standard error, where tools say what went wrong. */
const char *tool_complaint(const struct fl_op *op, const struct fl_proc_result *result);
