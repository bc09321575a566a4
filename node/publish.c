/* SPDX-License-Identifier: Apache-2.0 */
/* NodePublishVolume.  A file system is bound to the target, a block volume's device node appears
 * there, and a volume for a VM gets a disk pass.  A volume is a kernel device or a VM's disk, never
 * both at once. */
#include "node/publish.h"

#include <string.h>
#include <sys/mount.h>

#include "csi/convert.h"
#include "node/calls.h"
#include "node/ephemeral.h"
#include "node/failure.h"
#include "node/hold.h"
#include "node/path.h"

#define PUBLISH_VM_MAX 40

static int publish_check_vm(const struct publish *p, struct fl_error *err)
{
	if (p->vm && !p->capability.block)
		return fl_error_set(err, FL_INVALID,
				    "a volume for a VM (%s) has to be a block volume", CONTEXT_VM);
	if (p->vm && !fl_text_is_safe_name(p->vm, PUBLISH_VM_MAX))
		return fl_error_set(err, FL_INVALID,
				    "%s is no name of a VM: A-Z a-z 0-9 . _ -, at most %d bytes",
				    CONTEXT_VM, PUBLISH_VM_MAX);
	return 0;
}

/* Inside the volume there is no place for what shows the volume. */
static int publish_check_apart(const struct publish *p, struct fl_error *err)
{
	size_t length = strlen(p->staging);

	if (p->capability.block || strncmp(p->target, p->staging, length) != 0 ||
	    (p->target[length] != '\0' && p->target[length] != '/'))
		return 0;
	return fl_error_set(err, FL_INVALID, "target_path is staging_target_path or below it");
}

/* Arguments first; only then the storage is asked. */
static int publish_read(const struct node *node, const struct fl_op *op,
			const Csi__V1__NodePublishVolumeRequest *request, struct publish *ret,
			struct fl_error *err)
{
	struct fl_pair *context, *publish;
	size_t n_context, n_publish;

	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    path_check("target_path", request->target_path, err) < 0 ||
	    capability_read(request->volume_capability, &ret->capability, err) < 0 ||
	    convert_pairs(op->arena, "volume_context", request->volume_context,
			  request->n_volume_context, &context, &n_context, err) < 0 ||
	    convert_pairs(op->arena, "publish_context", request->publish_context,
			  request->n_publish_context, &publish, &n_publish, err) < 0)
		return -1;
	if (request->staging_target_path[0] == '\0')
		return fl_error_set(err, FL_IN_USE,
				    "staging_target_path is missing: stage the volume first");
	ret->target = request->target_path;
	ret->staging = request->staging_target_path;
	ret->vm = fl_pair_get(context, n_context, CONTEXT_VM);
	ret->epoch = fl_pair_get(publish, n_publish, CONTEXT_EPOCH);
	ret->read_only = request->readonly || access_mode_is_reader(ret->capability.mode);
	if (path_check("staging_target_path", ret->staging, err) < 0 ||
	    publish_check_apart(ret, err) < 0 || publish_check_vm(ret, err) < 0)
		return -1;
	if (!ret->capability.block &&
	    mount_options_parse(op->arena, ret->capability.mount_flags,
				ret->capability.n_mount_flags, &ret->options, err) < 0)
		return -1;
	ret->read_only |= (ret->options.flags & MS_RDONLY) != 0;
	if (node_volume_find(node, op, request->volume_id, &ret->volume, err) < 0 ||
	    node_volume_source(node, op, &ret->volume, publish, n_publish, &ret->source, err) < 0)
		return -1;
	ret->read_only |= ret->source.read_only;
	return 0;
}

int publish_check_owner(const struct node *node, const struct fl_op *op, const struct publish *p,
			enum access_mode *ret_mode, struct fl_error *err)
{
	const struct node_claim claim = { p->read_only, p->epoch, p->capability.mode };

	return node_volume_check_owner(node, op, &p->volume, &claim, ret_mode, err);
}

/* What the kernel already shows of the device, beside the staging path. */
static int publish_check_uses(const struct fl_op *op, struct publish *p, struct fl_error *err)
{
	const struct mountinfo_entry *target, *staged;

	if (mountinfo_at(op->arena, p->target, &target, err) < 0 ||
	    mountinfo_at(op->arena, p->staging, &staged, err) < 0)
		return -1;
	for (size_t i = 0; i < p->state.uses.n; i++) {
		const struct mountinfo_entry *use = &p->state.uses.entries[i];
		bool is_node = !mountinfo_is_filesystem_of(use, p->state.connection.device);
		bool is_target = target && mountinfo_is_same_place(target, use);
		bool is_staged = !is_node && staged && mountinfo_is_same_place(staged, use);

		if (is_target && is_node != p->capability.block)
			return fl_error_set(
				err, FL_EXISTS, "volume %s is published at %s already, as a %s",
				p->volume.id, p->target, is_node ? "block device" : "file system");
		p->conflict = p->single && !is_target && !is_staged;
		if (p->conflict)
			return fl_error_set(err, FL_IN_USE,
					    "volume %s is published at %s already, and its access "
					    "mode allows one path",
					    p->volume.id, use->point);
	}
	return 0;
}

static int publish_held(const struct node *node, const struct fl_op *op, struct publish *p,
			struct fl_error *err)
{
	struct pass pass;
	bool passed;

	if (connect_check(op, &p->source, err) < 0 ||
	    device_look(op, p->volume.id, &p->source, &p->state, err) < 0 ||
	    pass_load(op->arena, node->state_fd, p->volume.id, &passed, &pass, err) < 0 ||
	    path_make_parents(p->target, err) < 0)
		return -1;
	if (p->vm)
		return publish_vm(node, op, p, passed, &pass, err);
	p->conflict = passed;
	if (passed)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is published for VM %s: it cannot be a device of "
				    "this node at the same time",
				    p->volume.id, pass.vm);
	if (publish_check_uses(op, p, err) < 0)
		return -1;
	return p->capability.block ? publish_block(node, op, p, err) : publish_mount(op, p, err);
}

static int publish_run(const struct node *node, struct fl_op op,
		       const Csi__V1__NodePublishVolumeRequest *request, bool *ret_conflict,
		       struct fl_error *err)
{
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct publish publish = { 0 };
	enum access_mode attached;

	if (ephemeral_is_asked_for(request))
		return ephemeral_publish(node, &op, request, ret_conflict, err);
	if (publish_read(node, &op, request, &publish, err) < 0 ||
	    hold_take(node->busy, node->state_fd, request->volume_id, "NodePublishVolume", &hold,
		      err) < 0 ||
	    publish_check_owner(node, &op, &publish, &attached, err) < 0)
		return -1;
	/* What this call says, or what the attachment said: the stricter. */
	publish.single = access_mode_is_single_path(publish.capability.mode) ||
			 attached == ACCESS_SINGLE_NODE_SINGLE_WRITER;
	op.progress = &hold.mark.progress;
	if (publish_held(node, &op, &publish, err) == 0)
		return 0;
	*ret_conflict = publish.conflict;
	return -1;
}

int node_publish(struct rpc_call *call, const void *message, void *response, struct fl_error *err)
{
	const Csi__V1__NodePublishVolumeRequest *request = message;
	const struct node *node = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	bool conflict = false;
	int result;

	(void)response;
	result = publish_run(node, op, request, &conflict, err);
	return conflict ? -1
			: failure_note(node, &op, request->volume_id, FAILURE_PUBLISH, result, err);
}
