/* SPDX-License-Identifier: Apache-2.0 */
/* Openers: the proof that nobody on this machine has an image open.
 *
 * The kernel grants a write lease only when the file has no other opener, in any process and any
 * mount namespace, a loop device included.  An O_PATH descriptor is no opener. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/op.h"

/* *ret_open is false only with that proof.  A file that is not there has no openers.
 * FL_UNSUPPORTED when its file system has no leases: then nothing can be proven. */
int openers_exist(const char *path, bool *ret_open, struct fl_error *err) fl_must_check;

/* The same, asked again for `wait_ms` (not beyond the deadline) while there are openers: a
 * descriptor that a process has just closed may be a moment late. */
int openers_exist_after(const struct fl_op *op, const char *path, uint64_t wait_ms, bool *ret_open,
			struct fl_error *err) fl_must_check;
