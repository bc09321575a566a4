/* SPDX-License-Identifier: Apache-2.0 */
/* Node limit: attaching no more volumes to a node than its max_volumes, over all pools.
 *
 * Counted are the rolls (roll.h): a claim is entered first and counted with the rest, so of two
 * calls at once that would pass the limit together neither does, whichever controllers they are on.
 * Then the owner record is written, which is what counts when anything breaks. */
#pragma once

#include "controller.h"
#include "owner.h"

/* As owner_attach, and FL_NO_SPACE when the node has as many volumes as it takes.  A volume that is
 * attached to it already takes no more room. */
int node_limit_attach(const struct controller *c, const struct fl_op *op,
		      const struct object *volume, const struct owner_attachment *attachment,
		      uint64_t *ret_epoch, struct fl_error *err) fl_must_check;

/* After `node` was detached, or all nodes of `owner` (node NULL); for a repeated call again,
 * because the first one may have been killed before this.  What does not work is found out when the
 * room is needed. */
void node_limit_detached(const struct controller *c, const struct fl_op *op,
			 const struct object *volume, const struct owner *owner, const char *node);
