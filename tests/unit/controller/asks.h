/* SPDX-License-Identifier: Apache-2.0 */
/* Asks: the requests of an orchestrator, in short.  Each returns 0, or -1 with test_error. */
#pragma once

#include "csi/capability.h"
#include "rig.h"

struct ask_create {
	const char *name;
	const char *pool; /* "near" unless given */
	int64_t required, limit;
	const char *snapshot; /* the content source, or … */
	const char *volume;
	enum access_mode mode;  /* SINGLE_NODE_WRITER unless given */
	const char *fs_type;    /* block unless given */
	struct fl_pair extra;   /* one further parameter */
	struct fl_pair mutable; /* one mutable parameter */
	bool no_capability;
};

static Csi__V1__VolumeCapability *ask_capability(struct rig *rig, enum access_mode mode,
						 const char *fs_type)
{
	Csi__V1__VolumeCapability *capability = fl_arena_alloc(rig->arena, sizeof(*capability));
	Csi__V1__VolumeCapability__AccessMode *access = fl_arena_alloc(rig->arena, sizeof(*access));

	csi__v1__volume_capability__init(capability);
	csi__v1__volume_capability__access_mode__init(access);
	access->mode =
		(Csi__V1__VolumeCapability__AccessMode__Mode)(mode ? mode
								   : ACCESS_SINGLE_NODE_WRITER);
	capability->access_mode = access;
	if (fs_type) {
		capability->access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_MOUNT;
		capability->mount = fl_arena_alloc(rig->arena, sizeof(*capability->mount));
		csi__v1__volume_capability__mount_volume__init(capability->mount);
		capability->mount->fs_type = (char *)fs_type;
	} else {
		capability->access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
		capability->block = fl_arena_alloc(rig->arena, sizeof(*capability->block));
		csi__v1__volume_capability__block_volume__init(capability->block);
	}
	return capability;
}

static Csi__V1__VolumeContentSource *ask_content(struct rig *rig, const struct ask_create *ask)
{
	Csi__V1__VolumeContentSource *content = fl_arena_alloc(rig->arena, sizeof(*content));

	csi__v1__volume_content_source__init(content);
	if (ask->snapshot) {
		content->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT;
		content->snapshot = fl_arena_alloc(rig->arena, sizeof(*content->snapshot));
		csi__v1__volume_content_source__snapshot_source__init(content->snapshot);
		content->snapshot->snapshot_id = (char *)ask->snapshot;
	} else {
		content->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME;
		content->volume = fl_arena_alloc(rig->arena, sizeof(*content->volume));
		csi__v1__volume_content_source__volume_source__init(content->volume);
		content->volume->volume_id = (char *)ask->volume;
	}
	return content;
}

/* *ret may be NULL for who does not look. */
static int __attribute__((unused))
ask_create(struct rig *rig, struct ask_create ask, const Csi__V1__Volume **ret)
{
	Csi__V1__CreateVolumeRequest request = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	Csi__V1__VolumeCapability *capability = ask_capability(rig, ask.mode, ask.fs_type);
	const struct fl_pair pairs[] = { { "pool", ask.pool ? ask.pool : "near" }, ask.extra };
	const void *answer;

	range.required_bytes = ask.required;
	range.limit_bytes = ask.limit;
	request.name = (char *)ask.name;
	request.capacity_range = &range;
	request.n_volume_capabilities = ask.no_capability ? 0 : 1;
	request.volume_capabilities = &capability;
	request.n_parameters = ask.extra.key ? 2 : 1;
	request.parameters = rpc_map_entries(
		rig->arena, &csi__v1__create_volume_request__parameters_entry__descriptor, pairs,
		request.n_parameters);
	request.n_mutable_parameters = ask.mutable.key ? 1 : 0;
	request.mutable_parameters = rpc_map_entries(
		rig->arena, &csi__v1__create_volume_request__mutable_parameters_entry__descriptor,
		&ask.mutable, request.n_mutable_parameters);
	if (ask.snapshot || ask.volume)
		request.volume_content_source = ask_content(rig, &ask);
	if (rig_call(rig, "CreateVolume", &request, &answer) < 0)
		return -1;
	if (ret)
		*ret = ((const Csi__V1__CreateVolumeResponse *)answer)->volume;
	return 0;
}

static int __attribute__((unused)) ask_delete(struct rig *rig, const char *id)
{
	Csi__V1__DeleteVolumeRequest request = CSI__V1__DELETE_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	return rig_call(rig, "DeleteVolume", &request, NULL);
}

static int __attribute__((unused))
ask_modify(struct rig *rig, const char *id, const struct fl_pair *pairs, size_t n)
{
	Csi__V1__ControllerModifyVolumeRequest request =
		CSI__V1__CONTROLLER_MODIFY_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.n_mutable_parameters = n;
	request.mutable_parameters = rpc_map_entries(
		rig->arena,
		&csi__v1__controller_modify_volume_request__mutable_parameters_entry__descriptor,
		pairs, n);
	return rig_call(rig, "ControllerModifyVolume", &request, NULL);
}

struct ask_publish {
	const char *id;
	const char *node;
	enum access_mode mode;
	bool read_only;
	bool mount;
};

static int __attribute__((unused)) ask_publish(struct rig *rig, struct ask_publish ask,
					       const Csi__V1__ControllerPublishVolumeResponse **ret)
{
	Csi__V1__ControllerPublishVolumeRequest request =
		CSI__V1__CONTROLLER_PUBLISH_VOLUME_REQUEST__INIT;
	const void *answer;

	request.volume_id = (char *)ask.id;
	request.node_id = (char *)ask.node;
	request.readonly = ask.read_only;
	request.volume_capability = ask_capability(rig, ask.mode, ask.mount ? "ext4" : NULL);
	if (rig_call(rig, "ControllerPublishVolume", &request, &answer) < 0)
		return -1;
	if (ret)
		*ret = answer;
	return 0;
}

static int __attribute__((unused)) ask_unpublish(struct rig *rig, const char *id, const char *node)
{
	Csi__V1__ControllerUnpublishVolumeRequest request =
		CSI__V1__CONTROLLER_UNPUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.node_id = (char *)node;
	return rig_call(rig, "ControllerUnpublishVolume", &request, NULL);
}

static int __attribute__((unused))
ask_snapshot(struct rig *rig, const char *name, const char *volume_id,
	     const Csi__V1__Snapshot **ret)
{
	Csi__V1__CreateSnapshotRequest request = CSI__V1__CREATE_SNAPSHOT_REQUEST__INIT;
	const void *answer;

	request.name = (char *)name;
	request.source_volume_id = (char *)volume_id;
	if (rig_call(rig, "CreateSnapshot", &request, &answer) < 0)
		return -1;
	if (ret)
		*ret = ((const Csi__V1__CreateSnapshotResponse *)answer)->snapshot;
	return 0;
}

static int __attribute__((unused)) ask_delete_snapshot(struct rig *rig, const char *id)
{
	Csi__V1__DeleteSnapshotRequest request = CSI__V1__DELETE_SNAPSHOT_REQUEST__INIT;

	request.snapshot_id = (char *)id;
	return rig_call(rig, "DeleteSnapshot", &request, NULL);
}

struct ask_snapshots {
	const char *id;
	const char *source;
	int32_t max;
	const char *token;
};

static int __attribute__((unused))
ask_snapshots(struct rig *rig, struct ask_snapshots ask, const Csi__V1__ListSnapshotsResponse **ret)
{
	Csi__V1__ListSnapshotsRequest request = CSI__V1__LIST_SNAPSHOTS_REQUEST__INIT;
	const void *answer;

	request.snapshot_id = (char *)(ask.id ? ask.id : "");
	request.source_volume_id = (char *)(ask.source ? ask.source : "");
	request.starting_token = (char *)(ask.token ? ask.token : "");
	request.max_entries = ask.max;
	if (rig_call(rig, "ListSnapshots", &request, &answer) < 0)
		return -1;
	*ret = answer;
	return 0;
}

static int __attribute__((unused)) ask_volumes(struct rig *rig, int32_t max, const char *token,
					       const Csi__V1__ListVolumesResponse **ret)
{
	Csi__V1__ListVolumesRequest request = CSI__V1__LIST_VOLUMES_REQUEST__INIT;
	const void *answer;

	request.max_entries = max;
	request.starting_token = (char *)token;
	if (rig_call(rig, "ListVolumes", &request, &answer) < 0)
		return -1;
	*ret = answer;
	return 0;
}

static int __attribute__((unused))
ask_volume(struct rig *rig, const char *id, const Csi__V1__ControllerGetVolumeResponse **ret)
{
	Csi__V1__ControllerGetVolumeRequest request = CSI__V1__CONTROLLER_GET_VOLUME_REQUEST__INIT;
	const void *answer;

	request.volume_id = (char *)id;
	if (rig_call(rig, "ControllerGetVolume", &request, &answer) < 0)
		return -1;
	*ret = answer;
	return 0;
}

static int __attribute__((unused))
ask_one_snapshot(struct rig *rig, const char *id, const Csi__V1__Snapshot **ret)
{
	Csi__V1__GetSnapshotRequest request = CSI__V1__GET_SNAPSHOT_REQUEST__INIT;
	const void *answer;

	request.snapshot_id = (char *)id;
	if (rig_call(rig, "GetSnapshot", &request, &answer) < 0)
		return -1;
	*ret = ((const Csi__V1__GetSnapshotResponse *)answer)->snapshot;
	return 0;
}

static int __attribute__((unused))
ask_health(struct rig *rig, const char *id, const Csi__V1__VolumeHealth **ret)
{
	Csi__V1__ControllerGetVolumeHealthRequest request =
		CSI__V1__CONTROLLER_GET_VOLUME_HEALTH_REQUEST__INIT;
	const void *answer;

	request.volume_id = (char *)id;
	if (rig_call(rig, "ControllerGetVolumeHealth", &request, &answer) < 0)
		return -1;
	*ret = ((const Csi__V1__ControllerGetVolumeHealthResponse *)answer)->volume_health;
	return 0;
}

static int __attribute__((unused)) ask_sick(struct rig *rig, int32_t max, const char *token,
					    const Csi__V1__ControllerListVolumeHealthResponse **ret)
{
	Csi__V1__ControllerListVolumeHealthRequest request =
		CSI__V1__CONTROLLER_LIST_VOLUME_HEALTH_REQUEST__INIT;
	const void *answer;

	request.max_entries = max;
	request.starting_token = (char *)token;
	if (rig_call(rig, "ControllerListVolumeHealth", &request, &answer) < 0)
		return -1;
	*ret = answer;
	return 0;
}
