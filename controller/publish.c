/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "access.h"
#include "base/log.h"
#include "csi/convert.h"
#include "csi/rpc/map.h"
#include "node_limit.h"
#include "object.h"
#include "owner.h"
#include "place.h"
#include "verbs.h"
#include "vmdisk.h"

/* The source and the owner's epoch, as publish_context. */
static void publish_reply(struct fl_arena *arena, const struct fl_source *source, uint64_t epoch,
			  Csi__V1__ControllerPublishVolumeResponse *answer)
{
	const struct fl_pair *pairs;
	struct fl_pair *all;
	size_t n;

	fl_source_to_pairs(arena, source, &pairs, &n);
	all = fl_arena_array(arena, n + 1, sizeof(*all));
	memcpy(all, pairs, n * sizeof(*all));
	all[n] = (struct fl_pair){ CONTEXT_EPOCH, fl_arena_printf(arena, "%" PRIu64, epoch) };
	answer->n_publish_context = n + 1;
	answer->publish_context = rpc_map_entries(
		arena,
		&csi__v1__controller_publish_volume_response__publish_context_entry__descriptor,
		all, n + 1);
}

static int publish_read(const struct controller *c, const struct fl_op *op,
			const Csi__V1__ControllerPublishVolumeRequest *request,
			struct owner_attachment *ret, struct object *ret_volume,
			struct fl_error *err)
{
	struct capability capability;

	/* Faults of the request are told before what is looked up. */
	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    convert_required("node_id", request->node_id, err) < 0 ||
	    capability_read(request->volume_capability, &capability, err) < 0)
		return -1;
	*ret = (struct owner_attachment){
		.node = request->node_id,
		.mode = capability.mode,
		.block = capability.block,
		.read_only = request->readonly || access_mode_is_reader(capability.mode),
	};
	if (object_find(c, op, "volume", request->volume_id, ret_volume, err) < 0)
		return -1;
	return access_check(c, ret_volume->pool, &capability, 1, err);
}

int publish_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct owner_attachment attachment;
	struct fl_publish_spec spec;
	struct fl_source source;
	struct object volume;
	uint64_t epoch;

	if (publish_read(c, &op, request, &attachment, &volume, err) < 0 ||
	    object_mark_volume(c, &op, &volume, "ControllerPublishVolume", &mark, err) < 0)
		return -1;
	spec = (struct fl_publish_spec){ volume.handle, attachment.node, attachment.read_only };
	/* An unknown volume is told before an unknown node. */
	if (fl_volume_publish(volume.pool, &op, &spec, &source, err) < 0 ||
	    convert_id("node", attachment.node, err) < 0 ||
	    place_check_node(c, volume.pool, volume.id, attachment.node, err) < 0 ||
	    node_limit_attach(c, &op, &volume, &attachment, &epoch, err) < 0)
		return -1;
	publish_reply(op.arena, &source, epoch, response);
	return 0;
}

/* A volume that is still staged would be taken for idle, and be copied or deleted.  A node that is
 * not there is not waited for. */
static int unpublish_ask_node(const struct controller *c, const struct fl_op *op,
			      const struct object *volume, struct fl_error *err)
{
	struct vmdisk_place place;
	struct fl_error why;

	if (vmdisk_where(c, op, volume->id, &place, &why) < 0) {
		if (why.code == FL_UNAVAILABLE)
			return 0;
		*err = why;
		return -1;
	}
	if (place.state == VMDISK_ABSENT)
		return 0;
	return fl_error_set(err, FL_IN_USE,
			    "volume %s is still staged on node %s%s%s: unpublish and unstage it "
			    "there first",
			    volume->id, c->pools->settings->node.id, place.vm[0] ? " for VM " : "",
			    place.vm);
}

/* The orchestrator says that the node has let go.  Where that can be asked, it is, after the record
 * says that the node must not begin again: a node reads the record once more when it has begun, so
 * one of the two sees the other. */
static int unpublish_check(const struct controller *c, const struct fl_op *op,
			   const struct object *volume, const char *node, struct fl_error *err)
{
	struct fl_error why;

	if (node && strcmp(node, c->pools->settings->node.id) != 0)
		return 0;
	if (owner_set_leaving(op, volume, node, true, err) < 0)
		return -1;
	if (unpublish_ask_node(c, op, volume, err) == 0)
		return 0;
	/* Where this fails, the next call of either kind settles it. */
	if (owner_set_leaving(op, volume, node, false, &why) < 0)
		fl_log(FL_LOG_WARNING, "unpublish", "%s: %s", volume->id, why.text);
	return -1;
}

static int unpublish_run(const struct controller *c, struct fl_op *op, const char *volume_id,
			 const char *node, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	struct object volume;
	struct owner owner;

	if (object_find(c, op, "volume", volume_id, &volume, err) < 0 ||
	    object_mark_volume(c, op, &volume, "ControllerUnpublishVolume", &mark, err) < 0 ||
	    owner_read(op, &volume, &owner, err) < 0)
		return -1;
	if ((node ? owner_has(&owner, node) : owner.n_attachments > 0) &&
	    (unpublish_check(c, op, &volume, node, err) < 0 ||
	     owner_detach(op, &volume, node, err) < 0))
		return -1;
	node_limit_detached(c, op, &volume, &owner, node);
	return 0;
}

int unpublish_volume(struct rpc_call *call, const void *request, void *response,
		     struct fl_error *err)
{
	const Csi__V1__ControllerUnpublishVolumeRequest *asked = request;
	const char *node = asked->node_id[0] ? asked->node_id : NULL;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct fl_error why;

	(void)response;
	if (unpublish_run(c, &op, asked->volume_id, node, &why) == 0)
		return 0;
	*err = why;
	return why.code == FL_NOT_FOUND ? object_check_gone(c, &op, "volume", asked->volume_id, err)
					: -1;
}
