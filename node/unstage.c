/* SPDX-License-Identifier: Apache-2.0 */
/* NodeUnstageVolume: success means that the device is proven to be gone.  CSI wants success also for a path
 * where the volume is not staged; but who is told so lets another node write, and it may be mounted
 * at another path here: that is refused (docs/volumes.md). */
#include <string.h>

#include "csi/convert.h"
#include "node/calls.h"
#include "node/device.h"
#include "node/failure.h"
#include "node/hold.h"
#include "node/mount.h"
#include "node/pass.h"
#include "node/path.h"
#include "node/volume.h"

/* The volume is published for a VM: that has to be taken back first. */
static int unstage_check_pass(const struct node *node, const struct fl_op *op, const char *id,
			      struct fl_error *err)
{
	struct pass pass;
	bool passed;

	if (pass_load(op->arena, node->state_fd, id, &passed, &pass, err) < 0)
		return -1;
	if (passed)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is still published for VM %s at %s: unpublish it "
				    "first",
				    id, pass.vm, pass.targets.n ? pass.targets.items[0] : "-");
	return 0;
}

/* Refused before anything is taken away, so that what is still published can be published again. */
static int unstage_check_uses(const struct fl_op *op, const char *id, const char *path,
			      const struct device_state *state, struct fl_error *err)
{
	const struct mountinfo_entry *own;

	if (mountinfo_at(op->arena, path, &own, err) < 0)
		return -1;
	for (size_t i = 0; i < state->uses.n; i++) {
		const struct mountinfo_entry *use = &state->uses.entries[i];

		if (!own ||
		    (!mountinfo_is_same_place(own, use) && strcmp(own->point, use->point) != 0))
			return fl_error_set(err, FL_IN_USE,
					    "volume %s is still mounted at %s: unpublish it first",
					    id, use->point);
	}
	return 0;
}

static int unstage_device(const struct fl_op *op, const char *id, const char *path,
			  const struct fl_source *source, struct fl_error *err)
{
	struct device_state state;

	if (device_look(op, id, source, &state, err) < 0 ||
	    unstage_check_uses(op, id, path, &state, err) < 0 ||
	    mount_remove(op->arena, path, state.connected ? &state.connection : NULL, err) < 0)
		return -1;
	return device_disconnect(op, id, source, err);
}

int node_unstage(struct rpc_call *call, const void *message, void *response, struct fl_error *err)
{
	const Csi__V1__NodeUnstageVolumeRequest *request = message;
	const struct node *node = rpc_call_cookie(call);
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct fl_op op = rpc_call_op(call);
	const struct fl_source *source;

	(void)response;
	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    path_check("staging_target_path", request->staging_target_path, err) < 0)
		return -1;
	if (hold_take(node->busy, node->state_fd, request->volume_id, "NodeUnstageVolume", &hold,
		      err) < 0)
		return -1;
	op.progress = &hold.mark.progress;
	if (node_volume_last_source(node, &op, request->volume_id, &source, err) < 0 ||
	    unstage_check_pass(node, &op, request->volume_id, err) < 0)
		return -1;
	if (unstage_device(&op, request->volume_id, request->staging_target_path, source, err) < 0)
		return -1;
	failure_forget(node, request->volume_id, FAILURE_STAGE);
	failure_forget(node, request->volume_id, FAILURE_PUBLISH);
	return 0;
}
