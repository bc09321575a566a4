/* SPDX-License-Identifier: Apache-2.0 */
/* Uuid: a file system that came from another volume gets a UUID of its own before it is first
 * mounted for writing, so that the kernel never takes a clone for its origin.
 *
 * The record `uuid` (backends/backend.h) holds "changing:UUID" from before the first write of the
 * change until after its proof, then "UUID".  A change that was cut off is completed by the next
 * stage, with the same UUID; until then the volume is nothing but that. */
#pragma once

#include "node/format.h"

/* How a kind of file system gets another UUID.  The device is not mounted anywhere. */
struct uuid_change {
	/* Prepares the file system, before anything is recorded.  *ret_can false, after a line in
	 * the log: this one has to keep its UUID. */
	int (*prepare)(const struct fl_op *op, const struct connection *connection, bool *ret_can,
		       struct fl_error *err);
	/* Sets the UUID; again is fine.  `again`: an earlier attempt may have been cut off half
	 * way. */
	int (*set)(const struct fl_op *op, const struct connection *connection, const char *uuid,
		   bool again, struct fl_error *err);
};

/* Makes sure that the volume's file system, which is there and not mounted, has a UUID of its own
 * where that matters and may be done: never on a target that is read-only. */
int uuid_prepare(const struct fl_op *op, const struct format_target *target,
		 const struct connection *connection, struct fl_error *err) fl_must_check;

/* FL_IN_USE while a change was cut off: such a volume must not be handed out for writing as a block
 * device. */
int uuid_check_settled(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		       struct fl_error *err) fl_must_check;
