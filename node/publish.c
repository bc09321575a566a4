/* SPDX-License-Identifier: Apache-2.0 */
/* NodePublishVolume.  A file system is bound to the target, a block volume's device node appears
 * there, and a volume for a VM gets a disk pass.  A volume is a kernel device or a VM's disk, never
 * both at once. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "csi/capability.h"
#include "csi/convert.h"
#include "node/blockdev.h"
#include "node/calls.h"
#include "node/connect/image.h"
#include "node/device.h"
#include "node/format.h"
#include "node/hold.h"
#include "node/mount.h"
#include "node/pass.h"
#include "node/path.h"
#include "node/volume.h"

#define PUBLISH_VM_MAX 40

struct publish {
	struct node_volume volume;
	const char *staging;
	const char *target;
	const char *vm; /* NULL: for the kernel */
	struct capability capability;
	struct mount_options options;
	bool read_only;
	struct fl_source source;
	struct device_state state;
};

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
	ret->read_only = request->readonly || access_mode_is_reader(ret->capability.mode);
	if (path_check("staging_target_path", ret->staging, err) < 0 ||
	    publish_check_vm(ret, err) < 0)
		return -1;
	if (!ret->capability.block &&
	    mount_options_parse(op->arena, ret->capability.mount_flags,
				ret->capability.n_mount_flags, &ret->options, err) < 0)
		return -1;
	if (node_volume_find(node, op, request->volume_id, &ret->volume, err) < 0 ||
	    node_volume_source(node, op, &ret->volume, publish, n_publish, &ret->source, err) < 0)
		return -1;
	ret->read_only |= ret->source.read_only;
	return 0;
}

/* For SINGLE_NODE_SINGLE_WRITER: nothing but the staging path and the target may show the device. */
static int publish_check_single(const struct fl_op *op, const struct publish *p,
				struct fl_error *err)
{
	const struct mountinfo_entry *own[2];
	bool is_block = p->capability.block;

	if (p->capability.mode != ACCESS_SINGLE_NODE_SINGLE_WRITER)
		return 0;
	if (mountinfo_at(op->arena, p->target, &own[0], err) < 0 ||
	    mountinfo_at(op->arena, p->staging, &own[1], err) < 0)
		return -1;
	for (size_t i = 0; i < p->state.uses.n; i++) {
		const struct mountinfo_entry *use = &p->state.uses.entries[i];

		if ((own[0] && own[0]->id == use->id) ||
		    (own[1] && own[1]->id == use->id && !is_block))
			continue;
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is published at %s already, and its access mode "
				    "allows one path",
				    p->volume.id, use->point);
	}
	return 0;
}

static int publish_bind(const struct fl_op *op, const struct publish *p, struct fl_error *err)
{
	const struct connection *c = &p->state.connection;
	const struct mountinfo_entry *entry;

	if (mountinfo_at(op->arena, p->target, &entry, err) < 0)
		return -1;
	if (!entry && (path_make_directory(p->target, err) < 0 ||
		       mount_bind(p->staging, p->target, err) < 0 ||
		       mountinfo_at(op->arena, p->target, &entry, err) < 0))
		return -1;
	if (!entry || !mountinfo_is_filesystem_of(entry, c->device))
		return fl_error_set(err, FL_IN_USE, "%s shows %s and not volume %s", p->target,
				    entry ? entry->source : "nothing", p->volume.id);
	/* Also on a repeat: a crash may have come between the bind and its flags. */
	return mount_restrict(p->target, p->options.flags | (p->read_only ? MS_RDONLY : 0), err);
}

static int publish_mount(const struct fl_op *op, const struct publish *p, struct fl_error *err)
{
	const struct mountinfo_entry *staged;

	if (mountinfo_at(op->arena, p->staging, &staged, err) < 0)
		return -1;
	if (!staged || !p->state.connected ||
	    !mountinfo_is_filesystem_of(staged, p->state.connection.device))
		return fl_error_set(err, FL_IN_USE, "volume %s is not staged at %s", p->volume.id,
				    p->staging);
	if (staged->read_only && !p->read_only)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is staged read-only and is to be published writable",
				    p->volume.id);
	return publish_bind(op, p, err);
}

static int publish_block(const struct fl_op *op, const struct publish *p, struct fl_error *err)
{
	struct connection c;
	struct fl_error ignored;

	if (p->state.filesystem)
		return fl_error_set(err, FL_IN_USE, "volume %s is staged as a file system at %s",
				    p->volume.id, p->state.filesystem->point);
	if (!p->read_only && format_mark_raw(op, p->volume.pool, p->volume.handle, err) < 0)
		return -1;
	if (device_connect(op, p->volume.id, &p->source, p->read_only, &p->state, &c, err) < 0)
		return -1;
	if (p->read_only && !c.read_only)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "%s cannot be handed out read-only: it is a writable device of "
				    "this node",
				    c.path);
	if (blockdev_publish(op->arena, &c, p->target, err) == 0)
		return 0;
	/* A device that nothing shows is of no use to anybody. */
	if (device_disconnect(op, p->volume.id, &p->source, &ignored) < 0)
		return -1;
	return -1;
}

/* The pass that stands, with this target, or a new one. */
static int publish_make_pass(const struct fl_op *op, const struct publish *p, bool passed,
			     const struct pass *old, struct pass *ret, struct fl_error *err)
{
	struct pass fresh = { .volume = p->volume.id, .vm = p->vm, .read_only = p->read_only };

	fl_source_to_pairs(op->arena, &p->source, &fresh.source, &fresh.n_source);
	if (image_identity(op->arena, AT_FDCWD, p->source.file.path, &fresh.image, err) < 0)
		return -1;
	if (!passed)
		return pass_new_token(op->arena, &fresh.token, err) < 0
			       ? -1
			       : pass_with_target(op->arena, &fresh, p->target, ret, err);
	if (strcmp(old->image, fresh.image) != 0)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s was deleted and made again since it was published "
				    "for vm %s: unpublish it first",
				    p->volume.id, old->vm);
	if (strcmp(old->vm, p->vm) != 0)
		return fl_error_set(err, FL_IN_USE, "volume %s is published for vm %s, not for %s",
				    p->volume.id, old->vm, p->vm);
	if (old->read_only != p->read_only)
		return fl_error_set(err, FL_IN_USE, "volume %s is published for vm %s %s",
				    p->volume.id, old->vm,
				    old->read_only ? "read-only" : "for writing");
	if (p->capability.mode == ACCESS_SINGLE_NODE_SINGLE_WRITER && old->targets.n > 0 &&
	    !pass_has_target(old, p->target))
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is published at %s already, and its access mode "
				    "allows one path",
				    p->volume.id, old->targets.items[0]);
	return pass_with_target(op->arena, old, p->target, ret, err);
}

static int publish_vm(const struct node *node, const struct fl_op *op, const struct publish *p,
		      bool passed, const struct pass *old, struct fl_error *err)
{
	struct pass pass;

	if (p->source.kind != FL_SOURCE_FILE)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "a volume whose source is of kind \"%s\" cannot be handed to a "
				    "VM yet",
				    fl_source_kind_name(p->source.kind));
	if (p->state.connected && device_disconnect(op, p->volume.id, &p->source, err) < 0)
		return -1;
	if (!p->read_only && format_mark_raw(op, p->volume.pool, p->volume.handle, err) < 0)
		return -1;
	if (publish_make_pass(op, p, passed, old, &pass, err) < 0 ||
	    pass_store(op->arena, node->state_fd, &pass, err) < 0)
		return -1;
	return pass_publish(op->arena, &pass, p->target, err);
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
	if (passed)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is published for vm %s: it cannot be a device of "
				    "this node at the same time",
				    p->volume.id, pass.vm);
	if (publish_check_single(op, p, err) < 0)
		return -1;
	return p->capability.block ? publish_block(op, p, err) : publish_mount(op, p, err);
}

int node_publish(struct rpc_call *call, const void *message, void *response, struct fl_error *err)
{
	const Csi__V1__NodePublishVolumeRequest *request = message;
	const struct node *node = rpc_call_cookie(call);
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct fl_op op = rpc_call_op(call);
	struct publish publish = { 0 };

	(void)response;
	if (publish_read(node, &op, request, &publish, err) < 0 ||
	    hold_take(node->busy, node->state_fd, request->volume_id, "NodePublishVolume", &hold,
		      err) < 0 ||
	    node_volume_check_owner(node, &op, &publish.volume, publish.read_only, err) < 0)
		return -1;
	op.progress = &hold.mark.progress;
	return publish_held(node, &op, &publish, err);
}
