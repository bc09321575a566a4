/* SPDX-License-Identifier: Apache-2.0 */
/* Disks: the disk service (docs/disk-service.md): hands volumes to launchers as open descriptors,
 * and passes requests on to the launcher that has a volume.
 *
 * A thread per connection, at most 512 of them.  Nothing is remembered but who is connected. */
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "base/op.h"
#include "node/pass.h"

struct node;
struct disks;

/* Listens at `path` (its directory is made) and starts the threads. */
int disks_start(struct node *node, const char *path, struct disks **ret, struct fl_error *err)
	fl_must_check;
/* Closes all connections and waits for their threads.  NULL is fine. */
void disks_stop(struct disks *disks);

/* Tells the VM that has the volume that it is `size` bytes large now; *ret_size is what the guest
 * sees.  Success without a word when the VM has it not plugged in.  FL_UNAVAILABLE when it has, and
 * its launcher is not connected just now. */
int disks_resize(struct disks *disks, const struct fl_op *op, const struct pass *pass,
		 uint64_t size, uint64_t *ret_size, struct fl_error *err) fl_must_check;

/* Sends a request about the pass's volume to the launcher that has it; `fd` (-1: none) goes with
 * it.  *ret is NULL when nobody has the image open: then there is nobody to ask.  FL_UNAVAILABLE
 * when somebody has and no launcher is connected. */
int disks_forward(struct disks *disks, const struct fl_op *op, const struct pass *pass,
		  const char *method, const json_t *params, int fd, json_t **ret,
		  struct fl_error *err) fl_must_check;
