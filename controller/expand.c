/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "access.h"
#include "csi/reply.h"
#include "object.h"
#include "owner.h"
#include "size.h"
#include "verbs.h"

/* The capability is optional: nobody needs it but for the node. */
static int expand_check_access(const struct controller *c, const struct object *volume,
			       const struct capability *capability, struct fl_error *err)
{
	return capability->mode ? access_check(c, volume->pool, capability, 1, err) : 0;
}

static int expand_range(const Csi__V1__ControllerExpandVolumeRequest *request,
			struct capacity_range *ret, struct fl_error *err)
{
	if (convert_range(request->capacity_range, ret, err) < 0)
		return -1;
	if (!ret->required_bytes && !ret->limit_bytes)
		return fl_error_set(err, FL_INVALID, "capacity_range is missing");
	return 0;
}

static int expand_run(const struct fl_op *op, const struct object *volume,
		      const struct capacity_range *range, uint64_t *ret_bytes, struct fl_error *err)
{
	struct fl_volume now;
	uint64_t min, max;

	if (fl_volume_get(volume->pool, op, volume->handle, &now, err) < 0)
		return -1;
	if (range->limit_bytes && now.size_bytes > range->limit_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "volume %s has %" PRIu64
				    " bytes, more than limit_bytes %" PRIu64
				    ": volumes never shrink",
				    volume->id, now.size_bytes, range->limit_bytes);
	if (now.size_bytes < range->required_bytes) {
		if (size_choose(range, 0, &min, &max, err) < 0)
			return -1;
	} else if (volume->pool->backend->resize) {
		/* Large enough, maybe by a call that was cut off: the backend knows, and ends
		 * it. */
		min = now.size_bytes;
		max = 0;
	} else {
		*ret_bytes = now.size_bytes;
		return 0;
	}
	return fl_volume_resize(volume->pool, op, volume->handle, min, max, ret_bytes, err);
}

/* A node that has the volume must be told, and a file system grows only there. */
static bool expand_needs_node(const Csi__V1__VolumeCapability *capability,
			      const struct owner *owner)
{
	if (owner->state == OWNER_OWNED || !capability)
		return true;
	return capability->access_type_case != CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
}

int expand_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	const Csi__V1__ControllerExpandVolumeRequest *asked = request;
	Csi__V1__ControllerExpandVolumeResponse *answer = response;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct capability capability = { 0 };
	struct capacity_range range;
	struct object volume;
	struct owner owner;
	uint64_t bytes;

	if (convert_required("volume_id", asked->volume_id, err) < 0 ||
	    expand_range(asked, &range, err) < 0 ||
	    (asked->volume_capability &&
	     capability_read(asked->volume_capability, &capability, err) < 0) ||
	    object_find(c, &op, "volume", asked->volume_id, &volume, err) < 0 ||
	    expand_check_access(c, &volume, &capability, err) < 0 ||
	    object_mark_volume(c, &op, &volume, "ControllerExpandVolume", &mark, err) < 0 ||
	    expand_run(&op, &volume, &range, &bytes, err) < 0 ||
	    owner_read(&op, &volume, &owner, err) < 0)
		return -1;
	answer->capacity_bytes = reply_size(bytes);
	answer->node_expansion_required = expand_needs_node(asked->volume_capability, &owner);
	return 0;
}
