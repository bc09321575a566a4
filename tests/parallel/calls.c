/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "csi/rpc/map.h"

#define CALLS_TIMEOUT_MS 120000

void calls_open(struct calls *calls, const char *socket)
{
	memset(calls, 0, sizeof(*calls));
	calls->arena = fl_arena_new(0);
	if (rpc_client_new(socket, &calls->client, &calls->error) == 0)
		return;
	fprintf(stderr, "%s\n", calls->error.text);
	exit(2);
}

void calls_close(struct calls *calls)
{
	rpc_client_free(calls->client);
	fl_arena_free(calls->arena);
}

void calls_forget(struct calls *calls)
{
	fl_arena_free(calls->arena);
	calls->arena = fl_arena_new(0);
}

static int calls_make_of(struct calls *calls, const ProtobufCServiceDescriptor *service,
			 const char *method, const void *message, const void **ret)
{
	const struct rpc_request request = { service, method, message, CALLS_TIMEOUT_MS };
	uint64_t start = fl_clock_us();
	const void *answer;
	int result;

	memset(&calls->error, 0, sizeof(calls->error));
	result = rpc_client_call(calls->client, calls->arena, &request, &answer, &calls->error);
	calls->took_us = fl_clock_us() - start;
	if (result == 0 && ret)
		*ret = answer;
	return result;
}

static int calls_make(struct calls *calls, const char *method, const void *message,
		      const void **ret)
{
	return calls_make_of(calls, &csi__v1__controller__descriptor, method, message, ret);
}

static Csi__V1__VolumeCapability *calls_capability(struct calls *calls)
{
	Csi__V1__VolumeCapability *capability = fl_arena_alloc(calls->arena, sizeof(*capability));

	csi__v1__volume_capability__init(capability);
	capability->access_mode = fl_arena_alloc(calls->arena, sizeof(*capability->access_mode));
	csi__v1__volume_capability__access_mode__init(capability->access_mode);
	capability->access_mode->mode =
		CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__MODE__SINGLE_NODE_WRITER;
	capability->access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
	capability->block = fl_arena_alloc(calls->arena, sizeof(*capability->block));
	csi__v1__volume_capability__block_volume__init(capability->block);
	return capability;
}

static Csi__V1__VolumeContentSource *calls_content(struct calls *calls,
						   const struct calls_create *wish)
{
	Csi__V1__VolumeContentSource *content;

	if (!wish->volume && !wish->snapshot)
		return NULL;
	content = fl_arena_alloc(calls->arena, sizeof(*content));
	csi__v1__volume_content_source__init(content);
	if (wish->volume) {
		content->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME;
		content->volume = fl_arena_alloc(calls->arena, sizeof(*content->volume));
		csi__v1__volume_content_source__volume_source__init(content->volume);
		content->volume->volume_id = (char *)wish->volume;
	} else {
		content->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT;
		content->snapshot = fl_arena_alloc(calls->arena, sizeof(*content->snapshot));
		csi__v1__volume_content_source__snapshot_source__init(content->snapshot);
		content->snapshot->snapshot_id = (char *)wish->snapshot;
	}
	return content;
}

int calls_create(struct calls *calls, const struct calls_create *wish, const Csi__V1__Volume **ret)
{
	Csi__V1__CreateVolumeRequest request = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	Csi__V1__VolumeCapability *capability = calls_capability(calls);
	const void *answer;

	range.required_bytes = wish->bytes;
	range.limit_bytes = wish->limit;
	request.name = (char *)wish->name;
	request.capacity_range = &range;
	request.n_volume_capabilities = 1;
	request.volume_capabilities = &capability;
	request.volume_content_source = calls_content(calls, wish);
	if (calls_make(calls, "CreateVolume", &request, &answer) < 0)
		return -1;
	if (ret)
		*ret = ((const Csi__V1__CreateVolumeResponse *)answer)->volume;
	return 0;
}

int calls_delete(struct calls *calls, const char *id)
{
	Csi__V1__DeleteVolumeRequest request = CSI__V1__DELETE_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	return calls_make(calls, "DeleteVolume", &request, NULL);
}

int calls_get(struct calls *calls, const char *id, const Csi__V1__ControllerGetVolumeResponse **ret)
{
	Csi__V1__ControllerGetVolumeRequest request = CSI__V1__CONTROLLER_GET_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	return calls_make(calls, "ControllerGetVolume", &request, (const void **)ret);
}

int calls_publish(struct calls *calls, const char *id, const char *node,
		  const Csi__V1__ControllerPublishVolumeResponse **ret)
{
	Csi__V1__ControllerPublishVolumeRequest request =
		CSI__V1__CONTROLLER_PUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.node_id = (char *)node;
	request.volume_capability = calls_capability(calls);
	return calls_make(calls, "ControllerPublishVolume", &request, (const void **)ret);
}

int calls_unpublish(struct calls *calls, const char *id, const char *node)
{
	Csi__V1__ControllerUnpublishVolumeRequest request =
		CSI__V1__CONTROLLER_UNPUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.node_id = (char *)node;
	return calls_make(calls, "ControllerUnpublishVolume", &request, NULL);
}

int calls_expand(struct calls *calls, const char *id, int64_t bytes, int64_t *ret_bytes)
{
	Csi__V1__ControllerExpandVolumeRequest request =
		CSI__V1__CONTROLLER_EXPAND_VOLUME_REQUEST__INIT;
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	const void *answer;

	range.required_bytes = bytes;
	request.volume_id = (char *)id;
	request.capacity_range = &range;
	if (calls_make(calls, "ControllerExpandVolume", &request, &answer) < 0)
		return -1;
	*ret_bytes = ((const Csi__V1__ControllerExpandVolumeResponse *)answer)->capacity_bytes;
	return 0;
}

int calls_snapshot(struct calls *calls, const char *name, const char *id,
		   const Csi__V1__Snapshot **ret)
{
	Csi__V1__CreateSnapshotRequest request = CSI__V1__CREATE_SNAPSHOT_REQUEST__INIT;
	const void *answer;

	request.name = (char *)name;
	request.source_volume_id = (char *)id;
	if (calls_make(calls, "CreateSnapshot", &request, &answer) < 0)
		return -1;
	*ret = ((const Csi__V1__CreateSnapshotResponse *)answer)->snapshot;
	return 0;
}

int calls_delete_snapshot(struct calls *calls, const char *id)
{
	Csi__V1__DeleteSnapshotRequest request = CSI__V1__DELETE_SNAPSHOT_REQUEST__INIT;

	request.snapshot_id = (char *)id;
	return calls_make(calls, "DeleteSnapshot", &request, NULL);
}

int calls_volumes(struct calls *calls, int32_t max, const char *token,
		  const Csi__V1__ListVolumesResponse **ret)
{
	Csi__V1__ListVolumesRequest request = CSI__V1__LIST_VOLUMES_REQUEST__INIT;

	request.max_entries = max;
	request.starting_token = (char *)token;
	return calls_make(calls, "ListVolumes", &request, (const void **)ret);
}

int calls_snapshots(struct calls *calls, int32_t max, const char *token,
		    const Csi__V1__ListSnapshotsResponse **ret)
{
	Csi__V1__ListSnapshotsRequest request = CSI__V1__LIST_SNAPSHOTS_REQUEST__INIT;

	request.max_entries = max;
	request.starting_token = (char *)token;
	return calls_make(calls, "ListSnapshots", &request, (const void **)ret);
}

int calls_modify(struct calls *calls, const char *id, const char *iops)
{
	Csi__V1__ControllerModifyVolumeRequest request =
		CSI__V1__CONTROLLER_MODIFY_VOLUME_REQUEST__INIT;
	const struct fl_pair pair = { "iops", iops };

	request.volume_id = (char *)id;
	request.n_mutable_parameters = 1;
	request.mutable_parameters = rpc_map_entries(
		calls->arena,
		&csi__v1__controller_modify_volume_request__mutable_parameters_entry__descriptor,
		&pair, 1);
	return calls_make(calls, "ControllerModifyVolume", &request, NULL);
}

static int calls_make_group(struct calls *calls, const char *method, const void *message,
			    const void **ret)
{
	return calls_make_of(calls, &csi__v1__group_controller__descriptor, method, message, ret);
}

int calls_group(struct calls *calls, const struct calls_group *group,
		const Csi__V1__VolumeGroupSnapshot **ret)
{
	Csi__V1__CreateVolumeGroupSnapshotRequest request =
		CSI__V1__CREATE_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;
	const void *answer;

	request.name = (char *)group->name_or_id;
	request.source_volume_ids = group->ids;
	request.n_source_volume_ids = group->n;
	if (calls_make_group(calls, "CreateVolumeGroupSnapshot", &request, &answer) < 0)
		return -1;
	*ret = ((const Csi__V1__CreateVolumeGroupSnapshotResponse *)answer)->group_snapshot;
	return 0;
}

int calls_get_group(struct calls *calls, const struct calls_group *group)
{
	Csi__V1__GetVolumeGroupSnapshotRequest request =
		CSI__V1__GET_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;

	request.group_snapshot_id = (char *)group->name_or_id;
	request.snapshot_ids = group->ids;
	request.n_snapshot_ids = group->n;
	return calls_make_group(calls, "GetVolumeGroupSnapshot", &request, NULL);
}

int calls_delete_group(struct calls *calls, const struct calls_group *group)
{
	Csi__V1__DeleteVolumeGroupSnapshotRequest request =
		CSI__V1__DELETE_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;

	request.group_snapshot_id = (char *)group->name_or_id;
	request.snapshot_ids = group->ids;
	request.n_snapshot_ids = group->n;
	return calls_make_group(calls, "DeleteVolumeGroupSnapshot", &request, NULL);
}

/* The context of a ControllerPublishVolume as the entries of another message. */
static void *calls_context(struct calls *calls,
			   const Csi__V1__ControllerPublishVolumeResponse *granted,
			   const ProtobufCMessageDescriptor *type, size_t *ret_n)
{
	struct fl_pair *pairs;

	if (rpc_map_pairs(calls->arena, granted->publish_context, granted->n_publish_context,
			  &pairs, ret_n, &calls->error) < 0)
		abort();
	return rpc_map_entries(calls->arena, type, pairs, *ret_n);
}

static int calls_make_node(struct calls *calls, const char *method, const void *message)
{
	return calls_make_of(calls, &csi__v1__node__descriptor, method, message, NULL);
}

int calls_stage(struct calls *calls, const char *id, const char *path,
		const Csi__V1__ControllerPublishVolumeResponse *granted)
{
	Csi__V1__NodeStageVolumeRequest request = CSI__V1__NODE_STAGE_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.staging_target_path = (char *)path;
	request.volume_capability = calls_capability(calls);
	request.publish_context = calls_context(
		calls, granted,
		&csi__v1__node_stage_volume_request__publish_context_entry__descriptor,
		&request.n_publish_context);
	return calls_make_node(calls, "NodeStageVolume", &request);
}

int calls_node_publish(struct calls *calls, const char *id, const char *staging, const char *path,
		       const Csi__V1__ControllerPublishVolumeResponse *granted)
{
	Csi__V1__NodePublishVolumeRequest request = CSI__V1__NODE_PUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.staging_target_path = (char *)staging;
	request.target_path = (char *)path;
	request.volume_capability = calls_capability(calls);
	request.publish_context = calls_context(
		calls, granted,
		&csi__v1__node_publish_volume_request__publish_context_entry__descriptor,
		&request.n_publish_context);
	return calls_make_node(calls, "NodePublishVolume", &request);
}

int calls_node_unpublish(struct calls *calls, const char *id, const char *path)
{
	Csi__V1__NodeUnpublishVolumeRequest request = CSI__V1__NODE_UNPUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.target_path = (char *)path;
	return calls_make_node(calls, "NodeUnpublishVolume", &request);
}

int calls_unstage(struct calls *calls, const char *id, const char *path)
{
	Csi__V1__NodeUnstageVolumeRequest request = CSI__V1__NODE_UNSTAGE_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.staging_target_path = (char *)path;
	return calls_make_node(calls, "NodeUnstageVolume", &request);
}
