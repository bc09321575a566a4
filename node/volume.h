/* SPDX-License-Identifier: Apache-2.0 */
/* Volume: the volume that a request names: its pool, its handle, and where its bytes are. */
#pragma once

#include "csi/capability.h"
#include "node/node.h"

struct node_volume {
	const char *id;
	struct fl_pool *pool;
	const char *handle;
};

/* Reads an id; asks no storage, except for the id of an ephemeral volume (ephemeral.h), for which
 * ret->id is our own id of it.  FL_INVALID when it is empty, FL_NOT_FOUND when it cannot be one of
 * ours or lives on another node. */
int node_volume_find(const struct node *node, const struct fl_op *op, const char *id,
		     struct node_volume *ret, struct fl_error *err) fl_must_check;

/* Where the bytes are: from `context` (publish_context) when that says it, else from the backend.
 * FL_NOT_FOUND when there is no such volume. */
int node_volume_source(const struct node *node, const struct fl_op *op,
		       const struct node_volume *volume, const struct fl_pair *context,
		       size_t n_context, struct fl_source *ret, struct fl_error *err) fl_must_check;

/* How a caller wants to use a volume. */
struct node_claim {
	bool read_only;
	const char *epoch;     /* of publish_context; NULL: it has none */
	enum access_mode mode; /* 0: not said */
};

/* Whether the owner record beside the data lets this node use the volume like that: FL_IN_USE when
 * it does not, also when the claim is of an earlier epoch, or of several nodes where the attachment
 * is not.  What a caller brings along never proves that it may: it may be of an attachment that is
 * over.  *ret_mode (may be NULL) is the access mode it was attached with; 0 where the pool keeps no
 * records. */
int node_volume_check_owner(const struct node *node, const struct fl_op *op,
			    const struct node_volume *volume, const struct node_claim *claim,
			    enum access_mode *ret_mode, struct fl_error *err) fl_must_check;

/* For taking a volume away: whatever its id is, and whether or not it still exists.  *ret_source is
 * NULL when nobody knows any more where it was.  Fails only when the storage does not answer, or
 * when the id is empty. */
int node_volume_last_source(const struct node *node, const struct fl_op *op, const char *id,
			    const struct fl_source **ret_source, struct fl_error *err)
	fl_must_check;
