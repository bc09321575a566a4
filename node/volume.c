/* SPDX-License-Identifier: Apache-2.0 */
#include "node/volume.h"

#include <inttypes.h>
#include <string.h>

#include "csi/convert.h"
#include "csi/owner_record.h"
#include "node/ephemeral.h"

int node_volume_find(const struct node *node, const struct fl_op *op, const char *id,
		     struct node_volume *ret, struct fl_error *err)
{
	const char *here = node->pools->settings->node.id;
	struct fl_object_id object;

	if (ephemeral_is_id(id))
		return ephemeral_volume(node, op, id, ret, err);
	if (convert_id("volume", id, err) < 0 ||
	    fl_object_id_parse(op->arena, node->pools, id, "volume", &object, err) < 0)
		return -1;
	if (object.node && strcmp(object.node, here) != 0)
		return fl_error_set(err, FL_NOT_FOUND, "volume %s lives on node %s; this is %s", id,
				    object.node, here);
	ret->id = id;
	ret->pool = object.pool;
	ret->handle = object.handle;
	return 0;
}

int node_volume_source(const struct node *node, const struct fl_op *op,
		       const struct node_volume *volume, const struct fl_pair *context,
		       size_t n_context, struct fl_source *ret, struct fl_error *err)
{
	struct fl_publish_spec spec = { .handle = volume->handle,
					.node = node->pools->settings->node.id };

	if (fl_pair_get(context, n_context, "source")) {
		if (fl_source_from_pairs(op->arena, context, n_context, ret, err) < 0)
			return fl_error_prefix(err, "publish_context");
		return 0;
	}
	return fl_volume_publish(volume->pool, op, &spec, ret, err);
}

static int volume_check_epoch(const struct fl_op *op, const struct node_volume *volume,
			      const struct owner *owner, const char *epoch, struct fl_error *err)
{
	if (!epoch || strcmp(epoch, fl_arena_printf(op->arena, "%" PRIu64, owner->epoch)) == 0)
		return 0;
	return fl_error_set(err, FL_IN_USE,
			    "volume %s is at epoch %" PRIu64 ", and publish_context is of epoch "
			    "%.20s: that attachment is over, attach it again "
			    "(ControllerPublishVolume)",
			    volume->id, owner->epoch, epoch);
}

static int volume_check_attachment(const struct node *node, const struct node_volume *volume,
				   const struct owner *owner, const struct node_claim *claim,
				   enum access_mode *ret_mode, struct fl_error *err)
{
	const char *here = node->pools->settings->node.id;

	for (size_t i = 0; i < owner->n_attachments; i++) {
		const struct owner_attachment *a = &owner->attachments[i];

		if (strcmp(a->node, here) != 0)
			continue;
		if (a->leaving)
			return fl_error_set(err, FL_IN_USE,
					    "volume %s is being detached from node %s: attach it "
					    "again (ControllerPublishVolume)",
					    volume->id, here);
		*ret_mode = a->mode;
		if (access_mode_is_multi_node(claim->mode) && !access_mode_is_multi_node(a->mode))
			return fl_error_set(err, FL_IN_USE,
					    "volume %s is attached to node %s with access mode %s, "
					    "which is not for several nodes as %s is",
					    volume->id, here, access_mode_name(a->mode),
					    access_mode_name(claim->mode));
		if (claim->read_only || !a->read_only)
			return 0;
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is attached to node %s read-only: attach it for "
				    "writing first (ControllerPublishVolume)",
				    volume->id, here);
	}
	return fl_error_set(err, FL_IN_USE,
			    "volume %s is attached to %s%s and not to node %s: attach it here "
			    "first (ControllerPublishVolume)",
			    volume->id, owner->n_attachments ? "node " : "no node",
			    owner->n_attachments ? owner->attachments[0].node : "", here);
}

int node_volume_check_owner(const struct node *node, const struct fl_op *op,
			    const struct node_volume *volume, const struct node_claim *claim,
			    enum access_mode *ret_mode, struct fl_error *err)
{
	enum access_mode mode = (enum access_mode)0;
	struct owner owner;

	/* A pool without records cannot be published, so nobody is asked. */
	if (volume->pool->backend->records &&
	    (owner_record_read(op, volume->pool, volume->handle, volume->id, &owner, err) < 0 ||
	     volume_check_attachment(node, volume, &owner, claim, &mode, err) < 0 ||
	     volume_check_epoch(op, volume, &owner, claim->epoch, err) < 0))
		return -1;
	if (ret_mode)
		*ret_mode = mode;
	return 0;
}

int node_volume_last_source(const struct node *node, const struct fl_op *op, const char *id,
			    const struct fl_source **ret_source, struct fl_error *err)
{
	struct fl_source *source = fl_arena_alloc(op->arena, sizeof(*source));
	struct node_volume volume;

	*ret_source = NULL;
	if (node_volume_find(node, op, id, &volume, err) == 0 &&
	    node_volume_source(node, op, &volume, NULL, 0, source, err) == 0) {
		*ret_source = source;
		return 0;
	}
	/* Gone or damaged: then nobody will know more by asking again. */
	return err->code == FL_INVALID || err->code == FL_UNAVAILABLE || err->code == FL_TIMEOUT ||
			       err->code == FL_BUSY
		       ? -1
		       : 0;
}
