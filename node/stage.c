/* SPDX-License-Identifier: Apache-2.0 */
/* NodeStageVolume.  A file system is connected, made when it is time to, mounted at the staging
 * path and grown.  A block volume is only looked at: its device is made when it is published,
 * because a VM may take it without one. */
#include "node/stage.h"

#include <sys/mount.h>

#include "csi/convert.h"
#include "node/calls.h"
#include "node/device.h"
#include "node/ephemeral.h"
#include "node/failure.h"
#include "node/format.h"
#include "node/hold.h"
#include "node/pass.h"
#include "node/path.h"

/* Arguments first; only then the storage is asked. */
static int stage_read(const struct node *node, const struct fl_op *op,
		      const Csi__V1__NodeStageVolumeRequest *request, struct stage *ret,
		      struct fl_error *err)
{
	struct fl_pair *context, *publish;
	size_t n_context, n_publish;
	const char *mkfs;

	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    path_check("staging_target_path", request->staging_target_path, err) < 0 ||
	    capability_read(request->volume_capability, &ret->capability, err) < 0 ||
	    convert_pairs(op->arena, "volume_context", request->volume_context,
			  request->n_volume_context, &context, &n_context, err) < 0 ||
	    convert_pairs(op->arena, "publish_context", request->publish_context,
			  request->n_publish_context, &publish, &n_publish, err) < 0)
		return -1;
	ret->path = request->staging_target_path;
	ret->epoch = fl_pair_get(publish, n_publish, CONTEXT_EPOCH);
	ret->read_only = access_mode_is_reader(ret->capability.mode);
	mkfs = fl_pair_get(context, n_context, CONTEXT_MKFS_OPTIONS);
	if (!ret->capability.block && stage_read_mount(op, mkfs, ret, err) < 0)
		return -1;
	if (node_volume_find(node, op, request->volume_id, &ret->volume, err) < 0)
		return -1;
	if (ephemeral_is_id(request->volume_id))
		return fl_error_set(err, FL_INVALID,
				    "volume %s is ephemeral: it is published and never staged",
				    request->volume_id);
	if (node_volume_source(node, op, &ret->volume, publish, n_publish, &ret->source, err) < 0)
		return -1;
	ret->read_only |= ret->source.read_only;
	if (ret->read_only)
		ret->options.flags |= MS_RDONLY;
	return 0;
}

static int stage_block(const struct fl_op *op, const struct stage *stage, struct fl_error *err)
{
	struct device_state state;

	if (connect_check(op, &stage->source, err) < 0 ||
	    device_look(op, stage->volume.id, &stage->source, &state, err) < 0)
		return -1;
	if (state.filesystem)
		return fl_error_set(err, FL_EXISTS,
				    "volume %s is staged already, as a file system at %s",
				    stage->volume.id, state.filesystem->point);
	return stage->read_only
		       ? 0
		       : format_mark_raw(op, stage->volume.pool, stage->volume.handle, err);
}

static int stage_run(const struct node *node, struct fl_op op,
		     const Csi__V1__NodeStageVolumeRequest *request, struct fl_error *err)
{
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct stage stage = { 0 };
	struct pass pass;
	bool passed;

	if (stage_read(node, &op, request, &stage, err) < 0 ||
	    hold_take(node->busy, node->state_fd, request->volume_id, "NodeStageVolume", &hold,
		      err) < 0 ||
	    stage_check_owner(node, &op, &stage, err) < 0)
		return -1;
	op.progress = &hold.mark.progress;
	if (stage.capability.block)
		return stage_block(&op, &stage, err);
	if (pass_load(op.arena, node->state_fd, stage.volume.id, &passed, &pass, err) < 0)
		return -1;
	if (passed)
		return fl_error_set(err, FL_EXISTS, "volume %s is published for VM %s already",
				    stage.volume.id, pass.vm);
	return stage_mount(node, &op, &stage, err);
}

int node_stage(struct rpc_call *call, const void *message, void *response, struct fl_error *err)
{
	const Csi__V1__NodeStageVolumeRequest *request = message;
	const struct node *node = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);

	(void)response;
	return failure_note(node, &op, request->volume_id, FAILURE_STAGE,
			    stage_run(node, op, request, err), err);
}
