/* SPDX-License-Identifier: Apache-2.0 */
/* The part of rig.h that makes CSI calls, and what the controller would have written before
 * them. */
#include "csi/csi.pb-c.h"
#include "csi/owner_record.h"
#include "csi/rpc/client.h"
#include "csi/rpc/map.h"
#include "node/node.h"
#include "rig.h"

static void rig_own_by(struct rig *rig, const char *volume_id, uint64_t epoch,
		       struct owner_attachment attachment)
{
	const struct owner owner = { .epoch = epoch,
				     .state = attachment.node ? OWNER_OWNED : OWNER_IDLE,
				     .attachments = &attachment,
				     .n_attachments = 1 };

	rig_set_record(rig, volume_id, FL_RECORD_OWNER, owner_format(rig->arena, &owner));
}

void rig_own(struct rig *rig, const char *volume_id, const char *node, bool read_only)
{
	rig_own_by(rig, volume_id, 1,
		   (struct owner_attachment){ .node = node,
					      .mode = ACCESS_SINGLE_NODE_MULTI_WRITER,
					      .read_only = read_only });
}

void rig_own_as(struct rig *rig, const char *volume_id, int mode, uint64_t epoch)
{
	rig_own_by(rig, volume_id, epoch,
		   (struct owner_attachment){ .node = "n1", .mode = (enum access_mode)mode });
}

int rig_call(struct rig *rig, const char *method, const void *message, const void **ret,
	     struct fl_error *err)
{
	fl_cleanup(rpc_client_release) struct rpc_client *client = NULL;
	struct rpc_request request = { .service = &csi__v1__node__descriptor,
				       .method = method,
				       .message = message };
	const void *ignored;

	if (rig->restarts) {
		rig_kill_server(rig);
		rig_start_server(rig);
	}
	if (rpc_client_new(fl_arena_printf(rig->arena, "unix://%s/csi.sock", rig->root), &client,
			   err) < 0)
		return -1;
	return rpc_client_call(client, rig->arena, &request, ret ? ret : &ignored, err);
}

struct rig_capability {
	Csi__V1__VolumeCapability capability;
	Csi__V1__VolumeCapability__AccessMode mode;
	Csi__V1__VolumeCapability__BlockVolume block;
	Csi__V1__VolumeCapability__MountVolume mount;
	char *flags[1];
};

static void rig_capability(const struct rig_use *use, struct rig_capability *ret)
{
	csi__v1__volume_capability__init(&ret->capability);
	csi__v1__volume_capability__access_mode__init(&ret->mode);
	csi__v1__volume_capability__block_volume__init(&ret->block);
	csi__v1__volume_capability__mount_volume__init(&ret->mount);
	ret->mode.mode = (Csi__V1__VolumeCapability__AccessMode__Mode)(use->mode ? use->mode : 7);
	ret->capability.access_mode = &ret->mode;
	if (!use->fs) {
		ret->capability.access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
		ret->capability.block = &ret->block;
		return;
	}
	ret->capability.access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_MOUNT;
	ret->capability.mount = &ret->mount;
	ret->mount.fs_type = (char *)use->fs;
	ret->flags[0] = (char *)use->mount_flag;
	ret->mount.mount_flags = ret->flags;
	ret->mount.n_mount_flags = use->mount_flag ? 1 : 0;
	if (use->group)
		ret->mount.volume_mount_group = (char *)use->group;
}

static void *rig_context(struct rig *rig, const struct rig_use *use,
			 const ProtobufCMessageDescriptor *entry, size_t *ret_n)
{
	struct fl_pair pairs[16];
	size_t n = 0;

	if (use->ephemeral)
		pairs[n++] = (struct fl_pair){ "csi.storage.k8s.io/ephemeral", "true" };
	for (const struct fl_pair *a = use->attributes; a && a->key; a++)
		pairs[n++] = *a;
	if (use->vm)
		pairs[n++] = (struct fl_pair){ "fairlead.io/vm", use->vm };
	if (use->mkfs_options)
		pairs[n++] = (struct fl_pair){ "fairlead.io/mkfs-options", use->mkfs_options };
	*ret_n = n;
	return rpc_map_entries(rig->arena, entry, pairs, n);
}

/* publish_context, as the controller would give it. */
static void *rig_publish_context(struct rig *rig, const struct rig_use *use,
				 const ProtobufCMessageDescriptor *entry, size_t *ret_n)
{
	const struct fl_pair *pairs = NULL;
	struct fl_pair *all;
	size_t n = 0;

	if (use->source)
		fl_source_to_pairs(rig->arena, use->source, &pairs, &n);
	all = fl_arena_array(rig->arena, n + 1, sizeof(*all));
	for (size_t i = 0; i < n; i++)
		all[i] = pairs[i];
	if (use->epoch)
		all[n++] = (struct fl_pair){ "epoch", use->epoch };
	*ret_n = n;
	return rpc_map_entries(rig->arena, entry, all, n);
}

int rig_stage(struct rig *rig, const char *id, const struct rig_use *use, struct fl_error *err)
{
	Csi__V1__NodeStageVolumeRequest message = CSI__V1__NODE_STAGE_VOLUME_REQUEST__INIT;
	struct rig_capability capability;

	rig_capability(use, &capability);
	message.volume_id = (char *)id;
	message.staging_target_path = rig->staging;
	message.volume_capability = &capability.capability;
	message.volume_context = rig_context(
		rig, use, &csi__v1__node_stage_volume_request__volume_context_entry__descriptor,
		&message.n_volume_context);
	message.publish_context = rig_publish_context(
		rig, use, &csi__v1__node_stage_volume_request__publish_context_entry__descriptor,
		&message.n_publish_context);
	return rig_call(rig, "NodeStageVolume", &message, NULL, err);
}

int rig_unstage(struct rig *rig, const char *id, struct fl_error *err)
{
	Csi__V1__NodeUnstageVolumeRequest message = CSI__V1__NODE_UNSTAGE_VOLUME_REQUEST__INIT;

	message.volume_id = (char *)id;
	message.staging_target_path = rig->staging;
	return rig_call(rig, "NodeUnstageVolume", &message, NULL, err);
}

int rig_publish(struct rig *rig, const char *id, const char *target, const struct rig_use *use,
		struct fl_error *err)
{
	Csi__V1__NodePublishVolumeRequest message = CSI__V1__NODE_PUBLISH_VOLUME_REQUEST__INIT;
	struct rig_capability capability;

	rig_capability(use, &capability);
	message.volume_id = (char *)id;
	message.staging_target_path = use->ephemeral ? (char[]){ "" } : rig->staging;
	message.target_path = (char *)target;
	message.volume_capability = &capability.capability;
	message.readonly = use->read_only;
	message.volume_context = rig_context(
		rig, use, &csi__v1__node_publish_volume_request__volume_context_entry__descriptor,
		&message.n_volume_context);
	message.publish_context = rig_publish_context(
		rig, use, &csi__v1__node_publish_volume_request__publish_context_entry__descriptor,
		&message.n_publish_context);
	return rig_call(rig, "NodePublishVolume", &message, NULL, err);
}

int rig_unpublish(struct rig *rig, const char *id, const char *target, struct fl_error *err)
{
	Csi__V1__NodeUnpublishVolumeRequest message = CSI__V1__NODE_UNPUBLISH_VOLUME_REQUEST__INIT;

	message.volume_id = (char *)id;
	message.target_path = (char *)target;
	return rig_call(rig, "NodeUnpublishVolume", &message, NULL, err);
}

int rig_expand(struct rig *rig, const char *id, const char *path, uint64_t required,
	       uint64_t *ret_bytes, struct fl_error *err)
{
	Csi__V1__NodeExpandVolumeRequest message = CSI__V1__NODE_EXPAND_VOLUME_REQUEST__INIT;
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	const Csi__V1__NodeExpandVolumeResponse *answer;
	const void *got;

	range.required_bytes = (int64_t)required;
	message.volume_id = (char *)id;
	message.volume_path = (char *)path;
	message.capacity_range = required ? &range : NULL;
	if (rig_call(rig, "NodeExpandVolume", &message, &got, err) < 0)
		return -1;
	answer = got;
	*ret_bytes = (uint64_t)answer->capacity_bytes;
	return 0;
}

int rig_stats(struct rig *rig, const char *id, const char *path, uint64_t *ret_bytes,
	      uint64_t *ret_inodes, struct fl_error *err)
{
	Csi__V1__NodeGetVolumeStatsRequest message = CSI__V1__NODE_GET_VOLUME_STATS_REQUEST__INIT;
	const Csi__V1__NodeGetVolumeStatsResponse *answer;
	const void *got;

	message.volume_id = (char *)id;
	message.volume_path = (char *)path;
	if (rig_call(rig, "NodeGetVolumeStats", &message, &got, err) < 0)
		return -1;
	answer = got;
	*ret_bytes = *ret_inodes = 0;
	for (size_t i = 0; i < answer->n_usage; i++) {
		if (answer->usage[i]->unit == CSI__V1__VOLUME_USAGE__UNIT__BYTES)
			*ret_bytes = (uint64_t)answer->usage[i]->total;
		else
			*ret_inodes = (uint64_t)answer->usage[i]->total;
	}
	return 0;
}
