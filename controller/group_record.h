/* SPDX-License-Identifier: Apache-2.0 */
/* Group record: what the pool knows of a group snapshot (record HANDLE.group of the pool).
 *
 * It is written before anything is cut and names every snapshot that will be, so whoever finds an
 * interrupted group knows what there is to remove.  It is JSON, {"name", "state": "cutting" |
 * "done" | "deleting", "created_ns", "members": [{"volume", "snapshot"}]}, and changes only by
 * compare-and-swap: the group exists from the moment at which it says "done". */
#pragma once

#include "backends/backend.h"

#define GROUP_MEMBERS_MAX                                                                          \
	64 /* volumes: every VM of theirs stands still until the last one is cut */

enum group_state {
	GROUP_CUTTING,  /* the snapshots are being made; nobody has been told of the group */
	GROUP_DONE,     /* all are cut, at one moment */
	GROUP_DELETING, /* they are being removed */
};

struct group_member {
	const char *volume; /* handles */
	const char *snapshot;
};

struct group {
	uint64_t version; /* of the record; 0: there is no such group */
	enum group_state state;
	const char *name; /* the full CSI name */
	int64_t created_ns;
	struct group_member *members;
	size_t n_members;
};

/* The handle that follows from a CSI name. */
const char *group_handle(struct fl_arena *arena, const char *name);

/* None is success, with version 0.  FL_INTERNAL for one that we cannot read: it is never taken for
 * none. */
int group_read(const struct fl_op *op, struct fl_pool *pool, const char *handle, struct group *ret,
	       struct fl_error *err) fl_must_check;
/* Writes it at group->version, which moves on: FL_BUSY when somebody else has changed it since. */
int group_write(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		struct group *group, struct fl_error *err) fl_must_check;
/* The same way; none is success. */
int group_remove(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		 const struct group *group, struct fl_error *err) fl_must_check;

/* The member whose snapshot it is, or NULL. */
const struct group_member *group_member_of(const struct group *group, const char *snapshot);
