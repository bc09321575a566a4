/* SPDX-License-Identifier: Apache-2.0 */
/* Owner: changing who may write to a volume (csi/owner_record.h).
 *
 * The record is changed only by compare-and-swap: of two controllers that decide at once one wins,
 * and the other reads again and decides again.  The epoch grows by one with each change of owner,
 * so that what an earlier owner still holds can be told from what the present one holds. */
#pragma once

#include "csi/owner_record.h"

/* Which volume: for messages its id, for calls its pool and handle. */
struct object;

/* A volume that does not exist is FL_NOT_FOUND.  A pool that keeps no records cannot be published,
 * so its volumes are idle.  A record that we cannot read is FL_INTERNAL: it is never taken for
 * idle. */
int owner_read(const struct fl_op *op, const struct object *volume, struct owner *ret,
	       struct fl_error *err) fl_must_check;

/* Lets a node in.  Idle, or held by a hold that has expired: the node becomes the owner.  Owned by
 * this node in the same way: success again; in another way: FL_EXISTS.  Owned by another node:
 * success when `shared` and all modes, the new one included, are for several nodes; else FL_IN_USE
 * names the owner.  Held: FL_BUSY. */
int owner_attach(const struct fl_op *op, const struct object *volume,
		 const struct owner_attachment *attachment, bool shared, uint64_t *ret_epoch,
		 struct fl_error *err) fl_must_check;

/* Notes that a node's attachment (node NULL: all) is about to be taken away, or that it stays after
 * all.  From then on the node begins nothing new with the volume, so what it is asked after that
 * stays true.  owner_attach ends it, too. */
int owner_set_leaving(const struct fl_op *op, const struct object *volume, const char *node,
		      bool leaving, struct fl_error *err) fl_must_check;
/* Takes a node's attachment away, or all of them (node NULL).  None there is success. */
int owner_detach(const struct fl_op *op, const struct object *volume, const char *node,
		 struct fl_error *err) fl_must_check;

/* How long a hold stands unless it is renewed: what a crashed controller costs. */
#define OWNER_HOLD_MS 30000

/* Idle, or held by a hold that has expired: held for `purpose` from now on, *ret is the record.
 * FL_BUSY when it is held, FL_IN_USE naming the node when it is owned. */
int owner_hold(const struct fl_op *op, const struct object *volume, const char *purpose,
	       struct owner *ret, struct fl_error *err) fl_must_check;
/* Prolongs the hold and so proves that it stood all the time: FL_BUSY when anybody has changed the
 * record since. */
int owner_renew(const struct fl_op *op, const struct object *volume, struct owner *held,
		struct fl_error *err) fl_must_check;
/* Back to idle; FL_BUSY as above. */
int owner_release(const struct fl_op *op, const struct object *volume, struct owner *held,
		  struct fl_error *err) fl_must_check;
/* FL_IN_USE, "volume V is attached to node N …: the way out": for who needs an idle volume. */
int owner_refuse(const struct object *volume, const struct owner *owner, struct fl_error *err)
	fl_must_check;
