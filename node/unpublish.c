/* SPDX-License-Identifier: Apache-2.0 */
/* NodeUnpublishVolume: takes away what NodePublishVolume put at the target, and nothing else. */
#include <errno.h>
#include <unistd.h>

#include "csi/convert.h"
#include "node/calls.h"
#include "node/device.h"
#include "node/ephemeral.h"
#include "node/failure.h"
#include "node/hold.h"
#include "node/mount.h"
#include "node/openers.h"
#include "node/pass.h"
#include "node/path.h"
#include "node/volume.h"

#define UNPUBLISH_WAIT_MS 1000

/* The image has to be closed before the right to open it is taken back. */
static int unpublish_prove_closed(const struct fl_op *op, const struct pass *pass,
				  struct fl_error *err)
{
	struct fl_source source;
	bool is_open;

	if (fl_source_from_pairs(op->arena, pass->source, pass->n_source, &source, err) < 0)
		return -1;
	if (openers_exist_after(op, source.file.path, UNPUBLISH_WAIT_MS, &is_open, err) < 0)
		return -1;
	if (is_open)
		return fl_error_set(
			err, FL_IN_USE,
			"VM %s still has volume %s plugged in: fairlead vm detach %s %s", pass->vm,
			pass->volume, pass->vm, pass->volume);
	return 0;
}

static int unpublish_remove_pass(const struct fl_op *op, const char *target, const char *id,
				 struct fl_error *err)
{
	bool is_pass;

	if (pass_is_at(op->arena, target, id, &is_pass, err) < 0)
		return -1;
	if (is_pass && unlink(target) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing %s", target);
	return path_remove_target(target, err);
}

/* The file first: when we die in between, the node's copy still knows the target. */
static int unpublish_vm(const struct node *node, const struct fl_op *op, const struct pass *pass,
			const char *target, struct fl_error *err)
{
	struct pass rest = pass_without_target(op->arena, pass, target);

	if (rest.targets.n == 0 && unpublish_prove_closed(op, pass, err) < 0)
		return -1;
	if (unpublish_remove_pass(op, target, pass->volume, err) < 0)
		return -1;
	return rest.targets.n == 0 ? pass_forget(node->state_fd, pass->volume, err)
				   : pass_store(op->arena, node->state_fd, &rest, err);
}

static int unpublish_kernel(const struct fl_op *op, const char *id, const char *target,
			    const struct fl_source *source, struct fl_error *err)
{
	struct connection c;
	bool found;

	if (connect_find(op, id, source, &found, &c, err) < 0 ||
	    mount_remove(op->arena, target, found ? &c : NULL, err) < 0)
		return -1;
	/* A pass from before the last boot: the node's copy is gone, and with it its power. */
	return unpublish_remove_pass(op, target, id, err);
}

static int unpublish_run(const struct node *node, struct fl_op op,
			 const Csi__V1__NodeUnpublishVolumeRequest *request, struct fl_error *err)
{
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	const struct fl_source *source;
	struct pass pass;
	bool passed;

	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    path_check("target_path", request->target_path, err) < 0)
		return -1;
	if (hold_take(node->busy, node->state_fd, request->volume_id, "NodeUnpublishVolume", &hold,
		      err) < 0)
		return -1;
	op.progress = &hold.mark.progress;
	if (ephemeral_is_id(request->volume_id) &&
	    ephemeral_remove(node, &op, request->volume_id, request->target_path, err) < 0)
		return -1;
	if (pass_load(op.arena, node->state_fd, request->volume_id, &passed, &pass, err) < 0)
		return -1;
	if (passed && pass_has_target(&pass, request->target_path))
		return unpublish_vm(node, &op, &pass, request->target_path, err);
	if (node_volume_last_source(node, &op, request->volume_id, &source, err) < 0)
		return -1;
	if (unpublish_kernel(&op, request->volume_id, request->target_path, source, err) < 0)
		return -1;
	/* A publication for a VM may have been cut off before its pass was whole. */
	return passed ? 0 : pass_forget(node->state_fd, request->volume_id, err);
}

int node_unpublish(struct rpc_call *call, const void *message, void *response, struct fl_error *err)
{
	const Csi__V1__NodeUnpublishVolumeRequest *request = message;
	const struct node *node = rpc_call_cookie(call);

	(void)response;
	if (unpublish_run(node, rpc_call_op(call), request, err) < 0)
		return -1;
	failure_forget(node, request->volume_id, FAILURE_PUBLISH);
	return 0;
}
