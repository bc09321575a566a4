/* SPDX-License-Identifier: Apache-2.0 */
/* Connect: makes a source a kernel block device of this node, and undoes it.
 *
 * Nothing is remembered here: what is connected is asked of the kernel each time, so a restarted
 * service finds everything again.  The caller holds the volume (hold.h), so one call works on a
 * volume at a time on this node.  All calls are idempotent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/source.h"
#include "base/op.h"

/* A kernel device that a volume has on this node.  Strings live in the operation's arena. */
struct connection {
	const char *path; /* of the device node: "/dev/loop3" */
	const char *name; /* its last part: "loop3" */
	dev_t device;
	uint64_t size_bytes;
	bool read_only;
	bool stale; /* it belongs to an older source of the volume: good for removing only */
};

/* One way of making a kind of source a device: a file in this folder.  `source` may be NULL in find
 * and remove when nobody knows it any more: then the volume's id has to do. */
struct connect_way {
	enum fl_source_kind kind;
	const char *name;
	int (*check)(const struct fl_op *op, const struct fl_source *source, struct fl_error *err);
	int (*find)(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		    bool *ret_found, struct connection *ret, struct fl_error *err);
	int (*make)(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		    bool read_only, struct connection *ret, struct fl_error *err);
	int (*refresh)(const struct fl_op *op, struct connection *connection, struct fl_error *err);
	int (*remove)(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		      struct fl_error *err);
};
extern const struct connect_way connect_loop;
extern const struct connect_way connect_block;

/* Checks that this node can reach the source at all, connecting nothing: FL_UNSUPPORTED names a
 * kind for which there is no way yet, FL_NOT_FOUND what is not there. */
int connect_check(const struct fl_op *op, const struct fl_source *source, struct fl_error *err)
	fl_must_check;

/* Whether the volume has a device here, and which.  FL_IN_USE when somebody else made a device of
 * its source.  `source` NULL: nobody knows it any more. */
int connect_find(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		 bool *ret_found, struct connection *ret, struct fl_error *err) fl_must_check;

/* The volume's device: `have`, which connect_find has just found, or one that is made when that is
 * NULL.  It is at least source->size_bytes large.  FL_IN_USE when it is there with the other kind
 * of access, or of an older source. */
int connect_make(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		 bool read_only, const struct connection *have, struct connection *ret,
		 struct fl_error *err) fl_must_check;

/* Makes the kernel see that the source has grown; updates connection->size_bytes. */
int connect_refresh(const struct fl_op *op, const struct fl_source *source,
		    struct connection *connection, struct fl_error *err) fl_must_check;

/* Takes the device away and proves that none is left.  Nothing there is success.  FL_IN_USE while
 * somebody has it open or mounted: it then stays as it was. */
int connect_remove(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		   struct fl_error *err) fl_must_check;
