/* SPDX-License-Identifier: Apache-2.0 */
/* Owner record: who may write to a volume, kept beside the data (FL_RECORD_OWNER).
 *
 * It is JSON, {"epoch": N, "state": "idle" | "owned" | "held", "attachments": [{"node", "mode",
 * "block", "readonly", "leaving"}], "hold": {"for", "expires_ns"}}.  The controller changes it,
 * only by compare-and-swap (controller/owner.h); a node reads it before it lets anybody near the
 * data. */
#pragma once

#include <stdbool.h>

#include "backends/backend.h"
#include "csi/capability.h"

enum owner_state {
	OWNER_IDLE,  /* nobody */
	OWNER_OWNED, /* the attachments */
	OWNER_HELD, /* nobody: the controller copies or deletes the volume and must not be disturbed */
};

struct owner_attachment {
	const char *node;
	enum access_mode mode;
	bool block;
	bool read_only;
	bool leaving; /* it is being taken away: the node may go on, and begin nothing new */
};

struct owner {
	uint64_t version; /* of the record */
	uint64_t epoch;
	enum owner_state state;
	struct owner_attachment *attachments; /* only when owned */
	size_t n_attachments;
	const char *hold_for;    /* "CreateSnapshot snap-1"; only when held */
	int64_t hold_expires_ns; /* CLOCK_REALTIME */
};

/* The record of a volume, whose id is for errors.  None, or a pool that keeps none: idle, epoch 0.
 * A volume that does not exist is FL_NOT_FOUND.  A record that we cannot read is FL_INTERNAL: it is
 * never taken for idle. */
int owner_record_read(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		      const char *id, struct owner *ret, struct fl_error *err) fl_must_check;

/* The same of a record that was read already. */
int owner_record_parse(struct fl_arena *arena, const struct fl_record *record, const char *id,
		       struct owner *ret, struct fl_error *err) fl_must_check;

/* Whether the node is attached. */
bool owner_has(const struct owner *owner, const char *node);

/* The record's text, in the arena. */
const char *owner_format(struct fl_arena *arena, const struct owner *owner);
