/* SPDX-License-Identifier: Apache-2.0 */
/* Ephemeral: volumes that a pod asks for inline, and that live as long as it does.
 *
 * NodePublishVolume makes them, NodeUnpublishVolume deletes them; nobody stages or attaches them.
 * The orchestrator gives them ids of its own ("csi-…", never with a slash), and at the end it gives
 * nothing else.  So the pool keeps a record under the id, written before the volume is made and
 * removed after it is deleted: whatever a crash or a reboot leaves is found by it.
 *
 * To everybody else such a volume is one like others, with a name and an id of our own, which the
 * owner record gives to this node. */
#pragma once

#include "csi/csi.pb-c.h"
#include "node/volume.h"

/* What the pool's record of an ephemeral volume says. */
struct ephemeral {
	struct fl_pool *pool;
	uint64_t version; /* of the record; 0: there is none yet */
	uint64_t size_bytes;
	bool thin;
	const char *handle; /* NULL: it may not be made yet */
};

/* Whether it can be the id of an ephemeral volume and of no other. */
bool ephemeral_is_id(const char *volume_id);
/* Whether the request asks for one. */
bool ephemeral_is_asked_for(const Csi__V1__NodePublishVolumeRequest *request);

/* Looks for the record in all pools; *ret_found false when there is none. */
int ephemeral_find(const struct node *node, const struct fl_op *op, const char *id, bool *ret_found,
		   struct ephemeral *ret, struct fl_error *err) fl_must_check;
/* Writes the record durably, as the caller read it or new; FL_BUSY when it has changed since. */
int ephemeral_store(const struct fl_op *op, const char *id, struct ephemeral *ephemeral,
		    struct fl_error *err) fl_must_check;
int ephemeral_forget(const struct fl_op *op, const char *id, const struct ephemeral *ephemeral,
		     struct fl_error *err) fl_must_check;

/* Makes the recorded volume unless it is there, and remembers its handle.  FL_EXISTS when somebody
 * else has made one of that name. */
int ephemeral_make(const struct fl_op *op, const char *id, struct ephemeral *ephemeral,
		   struct fl_error *err) fl_must_check;

/* The volume with that id; FL_NOT_FOUND when there is none. */
int ephemeral_volume(const struct node *node, const struct fl_op *op, const char *id,
		     struct node_volume *ret, struct fl_error *err) fl_must_check;

/* NodePublishVolume for one (ephemeral_publish.c).  What fails for good leaves nothing behind.
 * *ret_conflict: it failed because the volume is published at another path already. */
int ephemeral_publish(const struct node *node, const struct fl_op *op,
		      const Csi__V1__NodePublishVolumeRequest *request, bool *ret_conflict,
		      struct fl_error *err) fl_must_check;

/* Unmounts it from the target and deletes it; the target's directory stays.  Absent is success.
 * The caller holds the volume.  FL_IN_USE while it is mounted elsewhere or belongs to another
 * node. */
int ephemeral_remove(const struct node *node, const struct fl_op *op, const char *id,
		     const char *target, struct fl_error *err) fl_must_check;
