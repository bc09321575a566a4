/* SPDX-License-Identifier: Apache-2.0 */
#include "node_limit.h"

#include <inttypes.h>
#include <string.h>

#include "access.h"
#include "base/log.h"
#include "object.h"
#include "roll.h"

static uint64_t node_limit_of(const struct controller *c, const char *node)
{
	struct fl_peer peer;

	return fl_settings_peer(c->pools->settings, node, &peer) ? peer.max_volumes : 0;
}

static bool node_limit_has_roll(const struct object *volume)
{
	return volume->pool->backend->pool_records != NULL;
}

/* How many volumes the node has, with the one that is about to be attached. */
static int node_limit_count(const struct controller *c, const struct fl_op *op,
			    const struct object *volume, const char *node, bool prune,
			    uint64_t *ret, struct fl_error *err)
{
	/* Without a roll it could not be claimed. */
	uint64_t sum = node_limit_has_roll(volume) ? 0 : 1;

	for (size_t i = 0; i < c->pools->n; i++) {
		size_t n;
		if (!c->pools->items[i]->backend->records)
			continue;
		if (roll_count(op, c->pools->items[i], node, prune, &n, err) < 0)
			return -1;
		sum += n;
	}
	*ret = sum;
	return 0;
}

static int node_limit_check(const struct controller *c, const struct fl_op *op,
			    const struct object *volume, const char *node, struct fl_error *err)
{
	uint64_t max = node_limit_of(c, node), n;

	if (node_limit_count(c, op, volume, node, false, &n, err) < 0)
		return -1;
	if (n > max && node_limit_count(c, op, volume, node, true, &n, err) < 0)
		return -1;
	if (n <= max)
		return 0;
	return fl_error_set(err, FL_NO_SPACE,
			    "node %s has %" PRIu64 " volumes, as many as its max_volumes: detach "
			    "one from it, or use volume %s on another node",
			    node, n - 1, volume->id);
}

static void node_limit_strike(const struct fl_op *op, const struct object *volume, const char *node)
{
	struct fl_error why;

	if (roll_strike(op, volume, node, &why) < 0)
		fl_log(FL_LOG_DEBUG, "roll", "volume %s stays on the roll of node %s: %s",
		       volume->id, node, why.text);
}

/* The record was not written, for certain. */
static bool node_limit_is_refusal(const struct fl_error *err)
{
	return err->code == FL_IN_USE || err->code == FL_EXISTS || err->code == FL_BUSY ||
	       err->code == FL_NOT_FOUND;
}

/* A claim that took so long that somebody struck it off has to be counted again. */
static int node_limit_settle(const struct controller *c, const struct fl_op *op,
			     const struct object *volume, const char *node, struct fl_error *err)
{
	bool was_lost;

	if (roll_settle(op, volume, node, &was_lost, err) < 0)
		return -1;
	if (!was_lost || node_limit_check(c, op, volume, node, err) == 0)
		return 0;
	struct fl_error why = *err;
	if (owner_detach(op, volume, node, err) < 0)
		return -1;
	node_limit_strike(op, volume, node);
	*err = why;
	return -1;
}

static int node_limit_attach_new(const struct controller *c, const struct fl_op *op,
				 const struct object *volume,
				 const struct owner_attachment *attachment, uint64_t *ret_epoch,
				 struct fl_error *err)
{
	const char *node = attachment->node;

	if (node_limit_has_roll(volume) && roll_claim(op, volume, node, err) < 0)
		return -1;
	if (node_limit_check(c, op, volume, node, err) < 0) {
		node_limit_strike(op, volume, node);
		return -1;
	}
	if (owner_attach(op, volume, attachment, access_is_shared(c, volume->pool), ret_epoch,
			 err) < 0) {
		if (node_limit_is_refusal(err))
			node_limit_strike(op, volume, node);
		return -1;
	}
	return node_limit_has_roll(volume) ? node_limit_settle(c, op, volume, node, err) : 0;
}

/* The first call may have been killed before it settled its claim. */
static int node_limit_attach_again(const struct controller *c, const struct fl_op *op,
				   const struct object *volume,
				   const struct owner_attachment *attachment, uint64_t *ret_epoch,
				   struct fl_error *err)
{
	bool was_lost;

	if (owner_attach(op, volume, attachment, access_is_shared(c, volume->pool), ret_epoch,
			 err) < 0)
		return -1;
	if (!node_limit_has_roll(volume))
		return 0;
	return roll_settle(op, volume, attachment->node, &was_lost, err);
}

int node_limit_attach(const struct controller *c, const struct fl_op *op,
		      const struct object *volume, const struct owner_attachment *attachment,
		      uint64_t *ret_epoch, struct fl_error *err)
{
	struct owner owner;

	if (!node_limit_of(c, attachment->node)) {
		if (roll_forget(op, volume->pool, attachment->node, err) < 0)
			return -1;
		return owner_attach(op, volume, attachment, access_is_shared(c, volume->pool),
				    ret_epoch, err);
	}
	if (owner_read(op, volume, &owner, err) < 0)
		return -1;
	if (owner_has(&owner, attachment->node))
		return node_limit_attach_again(c, op, volume, attachment, ret_epoch, err);
	return node_limit_attach_new(c, op, volume, attachment, ret_epoch, err);
}

void node_limit_detached(const struct controller *c, const struct fl_op *op,
			 const struct object *volume, const struct owner *owner, const char *node)
{
	if (!node_limit_has_roll(volume))
		return;
	if (node && node_limit_of(c, node))
		node_limit_strike(op, volume, node);
	for (size_t i = 0; !node && i < owner->n_attachments; i++)
		if (node_limit_of(c, owner->attachments[i].node))
			node_limit_strike(op, volume, owner->attachments[i].node);
}
