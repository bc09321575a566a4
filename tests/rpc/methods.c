/* SPDX-License-Identifier: Apache-2.0 */
/* What the desk's methods do. */
#include <string.h>

#include "base/clock.h"
#include "csi/rpc/map.h"
#include "desk.h"

static int desk_handle_probe(struct rpc_call *call, const void *request, void *response,
			     struct fl_error *err)
{
	Csi__V1__ProbeResponse *answer = response;

	(void)request;
	(void)err;
	answer->ready = fl_arena_alloc(rpc_call_arena(call), sizeof(*answer->ready));
	google__protobuf__bool_value__init(answer->ready);
	answer->ready->value = true;
	return 0;
}

static int desk_handle_info(struct rpc_call *call, const void *request, void *response,
			    struct fl_error *err)
{
	Csi__V1__GetPluginInfoResponse *answer = response;
	struct desk *desk = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);

	(void)request;
	(void)err;
	answer->name = fl_arena_strdup(op.arena, desk->name);
	answer->vendor_version = fl_arena_strdup(op.arena, op.id);
	return 0;
}

static void desk_wait_at_gate(struct desk *desk, const struct rpc_call *call)
{
	atomic_fetch_add(&desk->n_waiting, 1);
	pthread_mutex_lock(&desk->lock);
	while (!desk->gate_is_open)
		pthread_cond_wait(&desk->changed, &desk->lock);
	pthread_mutex_unlock(&desk->lock);
	atomic_fetch_sub(&desk->n_waiting, 1);
	if (rpc_call_cancelled(call))
		atomic_fetch_add(&desk->n_saw_cancel, 1);
	atomic_fetch_add(&desk->n_finished, 1);
}

static int desk_handle_create(struct rpc_call *call, const void *request, void *response,
			      struct fl_error *err)
{
	const Csi__V1__CreateVolumeRequest *req = request;
	Csi__V1__CreateVolumeResponse *answer = response;
	struct fl_arena *arena = rpc_call_arena(call);
	struct desk *desk = rpc_call_cookie(call);
	struct fl_pair *pairs;
	size_t n_pairs;

	atomic_store(&desk->deadline_left_ms,
		     (unsigned)fl_clock_left_ms(rpc_call_op(call).deadline));
	atomic_fetch_add(&desk->n_began, 1);
	if (strcmp(req->name, "wait") == 0)
		desk_wait_at_gate(desk, call);
	if (rpc_map_pairs(arena, req->parameters, req->n_parameters, &pairs, &n_pairs, err) < 0)
		return -1;
	answer->volume = fl_arena_alloc(arena, sizeof(*answer->volume));
	csi__v1__volume__init(answer->volume);
	answer->volume->volume_id = fl_arena_strdup(arena, req->name);
	answer->volume->capacity_bytes = (int64_t)n_pairs;
	answer->volume->n_volume_context = n_pairs;
	answer->volume->volume_context = rpc_map_entries(
		arena, &csi__v1__volume__volume_context_entry__descriptor, pairs, n_pairs);
	return 0;
}

/* The volume id is the word of an error code, and then what to say: "NOT_FOUND no such thing". */
static int desk_handle_delete(struct rpc_call *call, const void *request, void *response,
			      struct fl_error *err)
{
	const Csi__V1__DeleteVolumeRequest *req = request;
	const char *blank = strchr(req->volume_id, ' ');

	(void)response;
	if (!blank)
		return 0;
	const char *word = fl_arena_strndup(rpc_call_arena(call), req->volume_id,
					    (size_t)(blank - req->volume_id));
	return fl_error_set(err, fl_error_code_of(word), "%s", blank + 1);
}

static int desk_handle_validate(struct rpc_call *call, const void *request, void *response,
				struct fl_error *err)
{
	(void)call;
	(void)request;
	(void)response;
	(void)err;
	return -1;
}

static int desk_handle_allocated(struct rpc_call *call, const void *request, void *response,
				 struct fl_error *err)
{
	const Csi__V1__GetMetadataAllocatedRequest *req = request;

	if (response)
		return fl_error_set(err, FL_INTERNAL, "a stream was given a response");
	for (int32_t i = 0; i < req->max_results; i++) {
		Csi__V1__GetMetadataAllocatedResponse message =
			CSI__V1__GET_METADATA_ALLOCATED_RESPONSE__INIT;
		message.volume_capacity_bytes = req->starting_offset + i;
		if (rpc_send(call, &message.base, err) < 0)
			return -1;
	}
	if (strcmp(req->snapshot_id, "broken") == 0)
		return fl_error_set(err, FL_UNAVAILABLE, "the storage went away in the middle");
	return 0;
}

static int desk_handle_delta(struct rpc_call *call, const void *request, void *response,
			     struct fl_error *err)
{
	Csi__V1__GetMetadataDeltaResponse message = CSI__V1__GET_METADATA_DELTA_RESPONSE__INIT;
	Csi__V1__BlockMetadata block = CSI__V1__BLOCK_METADATA__INIT;
	struct desk *desk = rpc_call_cookie(call);
	size_t n = 16 * 1024 / 4;

	(void)request;
	(void)response;
	block.size_bytes = 1;
	message.n_block_metadata = n;
	message.block_metadata = fl_arena_array(rpc_call_arena(call), n, sizeof(&block));
	for (size_t i = 0; i < n; i++)
		message.block_metadata[i] = &block;
	while (rpc_send(call, &message.base, err) == 0)
		atomic_fetch_add(&desk->n_sent, 1);
	atomic_store(&desk->stream_error, (unsigned)err->code);
	return -1;
}

static const struct rpc_method desk_identity[] = {
	{ "GetPluginInfo", desk_handle_info, 0 },
	{ "GetPluginCapabilities", NULL, 0 },
	{ "Probe", desk_handle_probe, RPC_QUICK },
};

static const struct rpc_method desk_controller[] = {
	{ "CreateVolume", desk_handle_create, 0 },
	{ "DeleteVolume", desk_handle_delete, 0 },
	{ "ControllerPublishVolume", NULL, 0 },
	{ "ControllerUnpublishVolume", NULL, 0 },
	{ "ValidateVolumeCapabilities", desk_handle_validate, 0 },
	{ "ListVolumes", NULL, 0 },
	{ "GetCapacity", NULL, 0 },
	{ "ControllerGetCapabilities", NULL, 0 },
	{ "CreateSnapshot", NULL, 0 },
	{ "DeleteSnapshot", NULL, 0 },
	{ "ListSnapshots", NULL, 0 },
	{ "GetSnapshot", NULL, 0 },
	{ "ControllerExpandVolume", NULL, 0 },
	{ "ControllerGetVolume", NULL, 0 },
	{ "ControllerModifyVolume", NULL, 0 },
	{ "ControllerListVolumeHealth", NULL, 0 },
	{ "ControllerGetVolumeHealth", NULL, 0 },
};

static const struct rpc_method desk_metadata[] = {
	{ "GetMetadataAllocated", desk_handle_allocated, RPC_STREAM },
	{ "GetMetadataDelta", desk_handle_delta, RPC_STREAM },
};

void desk_set_services(struct desk *desk)
{
	desk->services[0] = (struct rpc_service){ &csi__v1__identity__descriptor, desk_identity,
						  FL_COUNT(desk_identity), desk };
	desk->services[1] = (struct rpc_service){ &csi__v1__controller__descriptor, desk_controller,
						  FL_COUNT(desk_controller), desk };
	desk->services[2] = (struct rpc_service){ &csi__v1__snapshot_metadata__descriptor,
						  desk_metadata, FL_COUNT(desk_metadata), desk };
}
