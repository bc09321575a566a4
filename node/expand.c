/* SPDX-License-Identifier: Apache-2.0 */
/* NodeExpandVolume: brings the new size to wherever the volume is in use here: its device, its file
 * system, or the guest that has it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "csi/capability.h"
#include "csi/convert.h"
#include "csi/reply.h"
#include "node/calls.h"
#include "node/disks.h"
#include "node/filesystem.h"
#include "node/hold.h"
#include "node/path.h"
#include "node/presence.h"

/* Grows the file system where it is mounted for writing. */
static int expand_filesystem(const struct fl_op *op, const struct device_state *state,
			     struct fl_error *err)
{
	const struct filesystem *type;

	for (size_t i = 0; i < state->uses.n; i++) {
		const struct mountinfo_entry *use = &state->uses.entries[i];

		if (use->read_only || !mountinfo_is_filesystem_of(use, state->connection.device))
			continue;
		fl_op_step(op, "growing", 0, 0);
		return filesystem_get(use->type, &type, err) < 0
			       ? -1
			       : filesystem_grow(op, type, &state->connection, use->point, err);
	}
	return 0;
}

static int expand_device(const struct fl_op *op, struct presence *presence, struct fl_error *err)
{
	struct connection *c = &presence->state.connection;

	if (connect_refresh(op, &presence->source, c, err) < 0)
		return -1;
	if (c->size_bytes < presence->source.size_bytes)
		return fl_error_set(err, FL_UNAVAILABLE, "%s has not grown to %ju bytes yet",
				    c->path, (uintmax_t)presence->source.size_bytes);
	return expand_filesystem(op, &presence->state, err);
}

/* The orchestrator may name a size that the controller did not give. */
static int expand_check_size(const struct presence *presence, const struct capacity_range *range,
			     struct fl_error *err)
{
	if (range->required_bytes > presence->source.size_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "volume %s has %ju bytes and not %ju: it has to be expanded by "
				    "the controller first",
				    presence->volume.id, (uintmax_t)presence->source.size_bytes,
				    (uintmax_t)range->required_bytes);
	if (range->limit_bytes && range->limit_bytes < presence->source.size_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "volume %s has %ju bytes already, and limit_bytes is %ju",
				    presence->volume.id, (uintmax_t)presence->source.size_bytes,
				    (uintmax_t)range->limit_bytes);
	return 0;
}

static int expand_held(const struct node *node, const struct fl_op *op,
		       const Csi__V1__NodeExpandVolumeRequest *request,
		       const struct capacity_range *range, uint64_t *ret_bytes,
		       struct fl_error *err)
{
	const Csi__V1__VolumeCapability *capability = request->volume_capability;
	bool is_block = capability && capability->access_type_case ==
					      CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
	struct presence presence;

	if (presence_find(node, op, request->volume_id, request->volume_path, &presence, err) < 0)
		return -1;
	if (!is_block &&
	    presence_check_directory(node, op, &presence, request->volume_path, err) < 0)
		return -1;
	if (presence.damage.code != FL_OK) {
		*err = presence.damage;
		return -1;
	}
	if (expand_check_size(&presence, range, err) < 0)
		return -1;
	*ret_bytes = presence.source.size_bytes;
	if (presence.passed)
		return disks_resize(node->disks, op, &presence.pass, presence.source.size_bytes,
				    ret_bytes, err);
	if (!presence.state.connected)
		return 0;
	if (expand_device(op, &presence, err) < 0)
		return -1;
	*ret_bytes = presence.state.connection.size_bytes;
	return 0;
}

int node_expand(struct rpc_call *call, const void *message, void *response, struct fl_error *err)
{
	const Csi__V1__NodeExpandVolumeRequest *request = message;
	Csi__V1__NodeExpandVolumeResponse *answer = response;
	const struct node *node = rpc_call_cookie(call);
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct fl_op op = rpc_call_op(call);
	struct capability capability;
	struct capacity_range range;
	uint64_t size;

	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    convert_required("volume_path", request->volume_path, err) < 0 ||
	    convert_range(request->capacity_range, &range, err) < 0)
		return -1;
	if (request->volume_capability &&
	    capability_read(request->volume_capability, &capability, err) < 0)
		return -1;
	if (hold_take(node->busy, node->state_fd, request->volume_id, "NodeExpandVolume", &hold,
		      err) < 0)
		return -1;
	op.progress = &hold.mark.progress;
	if (expand_held(node, &op, request, &range, &size, err) < 0)
		return -1;
	answer->capacity_bytes = reply_size(size);
	return 0;
}
