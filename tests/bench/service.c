/* SPDX-License-Identifier: Apache-2.0 */
/* CSI calls of one client, for block volumes with a single writer. */
#include <stdlib.h>

#include "bench.h"
#include "csi/rpc/map.h"

static const void *service_call(struct service *s, const ProtobufCServiceDescriptor *service,
				const char *method, const void *message)
{
	struct rpc_request request = { .service = service, .method = method, .message = message };
	struct fl_error err = { 0 };
	const void *answer = NULL;

	if (rpc_client_call(s->client, s->arena, &request, &answer, &err) == 0)
		return answer;
	fprintf(stderr, "bench: %s: %s: %s\n", method, fl_error_name(err.code), err.text);
	exit(1);
}

#define CONTROLLER(s, method, message)                                                             \
	service_call(s, &csi__v1__controller__descriptor, method, message)
#define NODE(s, method, message) service_call(s, &csi__v1__node__descriptor, method, message)

static Csi__V1__VolumeCapability *capability(void)
{
	static Csi__V1__VolumeCapability__BlockVolume block =
		CSI__V1__VOLUME_CAPABILITY__BLOCK_VOLUME__INIT;
	static Csi__V1__VolumeCapability__AccessMode mode =
		CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__INIT;
	static Csi__V1__VolumeCapability message = CSI__V1__VOLUME_CAPABILITY__INIT;

	mode.mode = CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__MODE__SINGLE_NODE_WRITER;
	message.access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
	message.block = &block;
	message.access_mode = &mode;
	return &message;
}

void service_open(struct service *service, const char *endpoint)
{
	struct fl_error err = { 0 };

	service->arena = fl_arena_new(0);
	if (rpc_client_new(endpoint, &service->client, &err) < 0)
		bench_fail(err.text);
}

void service_close(struct service *service)
{
	rpc_client_free(service->client);
	fl_arena_free(service->arena);
}

void service_forget(struct service *service)
{
	fl_arena_free(service->arena);
	service->arena = fl_arena_new(0);
}

const char *service_create(struct service *service, const char *name, int64_t bytes)
{
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	Csi__V1__CreateVolumeRequest request = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	Csi__V1__VolumeCapability *capabilities[] = { capability() };
	const Csi__V1__CreateVolumeResponse *answer;

	range.required_bytes = bytes;
	request.name = (char *)name;
	request.capacity_range = &range;
	request.volume_capabilities = capabilities;
	request.n_volume_capabilities = 1;
	answer = CONTROLLER(service, "CreateVolume", &request);
	return answer->volume->volume_id;
}

void service_delete(struct service *service, const char *id)
{
	Csi__V1__DeleteVolumeRequest request = CSI__V1__DELETE_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	CONTROLLER(service, "DeleteVolume", &request);
}

static char *node_id(struct service *service)
{
	Csi__V1__NodeGetInfoRequest request = CSI__V1__NODE_GET_INFO_REQUEST__INIT;
	const Csi__V1__NodeGetInfoResponse *answer = NODE(service, "NodeGetInfo", &request);

	return answer->node_id;
}

Csi__V1__ControllerPublishVolumeResponse *service_grant(struct service *service, const char *id)
{
	Csi__V1__ControllerPublishVolumeRequest request =
		CSI__V1__CONTROLLER_PUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.node_id = node_id(service);
	request.volume_capability = capability();
	return (Csi__V1__ControllerPublishVolumeResponse *)CONTROLLER(
		service, "ControllerPublishVolume", &request);
}

void service_revoke(struct service *service, const char *id)
{
	Csi__V1__ControllerUnpublishVolumeRequest request =
		CSI__V1__CONTROLLER_UNPUBLISH_VOLUME_REQUEST__INIT;

	request.volume_id = (char *)id;
	request.node_id = node_id(service);
	CONTROLLER(service, "ControllerUnpublishVolume", &request);
}

void service_stage(struct service *service, const char *id,
		   const Csi__V1__ControllerPublishVolumeResponse *granted)
{
	Csi__V1__NodeStageVolumeRequest stage = CSI__V1__NODE_STAGE_VOLUME_REQUEST__INIT;
	Csi__V1__NodePublishVolumeRequest publish = CSI__V1__NODE_PUBLISH_VOLUME_REQUEST__INIT;
	struct fl_error err = { 0 };
	struct fl_pair *pairs;
	size_t n;

	if (rpc_map_pairs(service->arena, granted->publish_context, granted->n_publish_context,
			  &pairs, &n, &err) < 0)
		bench_fail(err.text);
	stage.volume_id = publish.volume_id = (char *)id;
	stage.staging_target_path = publish.staging_target_path = (char *)service->staging;
	stage.volume_capability = publish.volume_capability = capability();
	stage.n_publish_context = publish.n_publish_context = n;
	stage.publish_context = rpc_map_entries(
		service->arena,
		&csi__v1__node_stage_volume_request__publish_context_entry__descriptor, pairs, n);
	NODE(service, "NodeStageVolume", &stage);

	publish.target_path = (char *)service->target;
	publish.publish_context = rpc_map_entries(
		service->arena,
		&csi__v1__node_publish_volume_request__publish_context_entry__descriptor, pairs, n);
	NODE(service, "NodePublishVolume", &publish);
}

void service_unstage(struct service *service, const char *id)
{
	Csi__V1__NodeUnpublishVolumeRequest unpublish =
		CSI__V1__NODE_UNPUBLISH_VOLUME_REQUEST__INIT;
	Csi__V1__NodeUnstageVolumeRequest unstage = CSI__V1__NODE_UNSTAGE_VOLUME_REQUEST__INIT;

	unpublish.volume_id = unstage.volume_id = (char *)id;
	unpublish.target_path = (char *)service->target;
	unstage.staging_target_path = (char *)service->staging;
	NODE(service, "NodeUnpublishVolume", &unpublish);
	NODE(service, "NodeUnstageVolume", &unstage);
}

bool service_answers(struct service *service)
{
	Csi__V1__ProbeRequest probe = CSI__V1__PROBE_REQUEST__INIT;
	struct rpc_request request = { .service = &csi__v1__identity__descriptor,
				       .method = "Probe",
				       .message = &probe };
	struct fl_error err = { 0 };
	const void *answer;

	return rpc_client_call(service->client, service->arena, &request, &answer, &err) == 0;
}
