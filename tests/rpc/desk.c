/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "csi/rpc/map.h"

#define DESK_PATIENCE_MS 10000

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
	pthread_mutex_lock(&desk->lock);
	desk->n_waiting++;
	pthread_cond_broadcast(&desk->changed);
	while (!desk->gate_is_open)
		pthread_cond_wait(&desk->changed, &desk->lock);
	desk->n_waiting--;
	desk->n_finished++;
	pthread_cond_broadcast(&desk->changed);
	pthread_mutex_unlock(&desk->lock);
	if (rpc_call_cancelled(call))
		atomic_fetch_add(&desk->n_saw_cancel, 1);
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

	atomic_store(&desk->deadline_left_ms, (unsigned)fl_clock_left_ms(rpc_call_deadline(call)));
	pthread_mutex_lock(&desk->lock);
	desk->n_began++;
	pthread_mutex_unlock(&desk->lock);
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

static void desk_note_done(void *cookie, const struct rpc_done *done)
{
	struct desk *desk = cookie;

	pthread_mutex_lock(&desk->lock);
	if (desk->n_done < DESK_DONE_MAX) {
		struct desk_done *slot = &desk->done[desk->n_done++];
		snprintf(slot->method, sizeof(slot->method), "%s", done->method);
		slot->code = done->error->code;
		slot->cancelled = done->cancelled;
		slot->has_request = done->request != NULL;
		slot->peer = done->peer;
		slot->queued_us = done->queued_us;
		slot->duration_us = done->duration_us;
	}
	pthread_cond_broadcast(&desk->changed);
	pthread_mutex_unlock(&desk->lock);
}

static void desk_must(int result, const struct fl_error *err)
{
	if (result == 0)
		return;
	printf("Bail out! %s: %s\n", fl_error_name(err->code), err->text);
	exit(1);
}

static void desk_serve(struct desk *desk, const struct rpc_server_options *limits)
{
	const struct rpc_service *services[] = { &desk->services[0], &desk->services[1],
						 &desk->services[2] };
	struct rpc_server_options options = limits ? *limits : (struct rpc_server_options){ 0 };
	struct fl_error err = { 0 };

	desk->services[0] = (struct rpc_service){ &csi__v1__identity__descriptor, desk_identity,
						  FL_COUNT(desk_identity), desk };
	desk->services[1] = (struct rpc_service){ &csi__v1__controller__descriptor, desk_controller,
						  FL_COUNT(desk_controller), desk };
	desk->services[2] = (struct rpc_service){ &csi__v1__snapshot_metadata__descriptor,
						  desk_metadata, FL_COUNT(desk_metadata), desk };
	options.services = services;
	options.n_services = FL_COUNT(services);
	options.on_done = desk_note_done;
	options.cookie = desk;
	desk_must(rpc_server_new(&options, &desk->server, &err), &err);
	desk_must(rpc_server_listen(desk->server, desk->path, 0600, &err), &err);
	desk_must(rpc_client_new(desk->path, &desk->client, &err), &err);
	desk->arena = fl_arena_new(0);
}

static void desk_init(struct desk *desk, const char *name)
{
	memset(desk, 0, sizeof(*desk));
	desk->name = name;
	pthread_mutex_init(&desk->lock, NULL);
	pthread_cond_init(&desk->changed, NULL);
}

void desk_open(struct desk *desk, const char *name, const struct rpc_server_options *limits)
{
	struct fl_error err = { 0 };

	desk_init(desk, name);
	snprintf(desk->folder, sizeof(desk->folder), "/tmp/fairlead-rpc-XXXXXX");
	if (!mkdtemp(desk->folder))
		desk_must(fl_error_set(&err, FL_INTERNAL, "no folder %s", desk->folder), &err);
	snprintf(desk->path, sizeof(desk->path), "%s/csi.sock", desk->folder);
	desk_serve(desk, limits);
}

void desk_open_at(struct desk *desk, const char *name, const char *path)
{
	desk_init(desk, name);
	snprintf(desk->path, sizeof(desk->path), "%s", path);
	desk_serve(desk, NULL);
}

int desk_close(struct desk *desk)
{
	struct fl_error err = { 0 };

	desk_open_gate(desk);
	int result = rpc_server_stop(desk->server, DESK_PATIENCE_MS, &err);
	desk_must(result, &err);
	desk_forget(desk);
	return result;
}

void desk_forget(struct desk *desk)
{
	rpc_client_release(&desk->client);
	fl_arena_release(&desk->arena);
	if (desk->folder[0])
		rmdir(desk->folder);
	pthread_cond_destroy(&desk->changed);
	pthread_mutex_destroy(&desk->lock);
}

void desk_open_gate(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->gate_is_open = true;
	pthread_cond_broadcast(&desk->changed);
	pthread_mutex_unlock(&desk->lock);
}

bool desk_await(struct desk *desk, const unsigned *counter, unsigned n)
{
	struct timespec deadline = fl_clock_after_ms(DESK_PATIENCE_MS);

	for (;;) {
		pthread_mutex_lock(&desk->lock);
		unsigned now = *counter;
		pthread_mutex_unlock(&desk->lock);
		if (now >= n)
			return true;
		if (fl_clock_passed(deadline))
			return false;
		fl_clock_sleep_ms(2);
	}
}

bool desk_await_atomic(const atomic_uint *counter, unsigned n)
{
	struct timespec deadline = fl_clock_after_ms(DESK_PATIENCE_MS);

	while (atomic_load(counter) < n) {
		if (fl_clock_passed(deadline))
			return false;
		fl_clock_sleep_ms(2);
	}
	return true;
}

static bool desk_find_done(struct desk *desk, const char *method, struct desk_done *ret)
{
	bool is_there = false;

	pthread_mutex_lock(&desk->lock);
	for (unsigned i = 0; i < desk->n_done; i++) {
		if (strcmp(desk->done[i].method, method) == 0) {
			*ret = desk->done[i];
			is_there = true;
		}
	}
	pthread_mutex_unlock(&desk->lock);
	return is_there;
}

struct desk_done desk_last_done(struct desk *desk, const char *method)
{
	struct timespec deadline = fl_clock_after_ms(DESK_PATIENCE_MS);
	struct desk_done done = { .code = FL_ERROR_COUNT };

	while (!desk_find_done(desk, method, &done) && !fl_clock_passed(deadline))
		fl_clock_sleep_ms(2);
	return done;
}

int desk_probe(struct desk *desk, struct fl_error *err)
{
	Csi__V1__ProbeRequest message = CSI__V1__PROBE_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__identity__descriptor, "Probe", &message, 10000 };
	const void *answer;

	if (rpc_client_call(desk->client, desk->arena, &request, &answer, err) < 0)
		return -1;
	const Csi__V1__ProbeResponse *probe = answer;
	if (!probe->ready || !probe->ready->value)
		return fl_error_set(err, FL_INTERNAL, "the probe does not say ready");
	return 0;
}

int desk_info(struct desk *desk, const Csi__V1__GetPluginInfoResponse **ret, struct fl_error *err)
{
	Csi__V1__GetPluginInfoRequest message = CSI__V1__GET_PLUGIN_INFO_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__identity__descriptor, "GetPluginInfo", &message,
				       10000 };
	const void *answer;

	if (rpc_client_call(desk->client, desk->arena, &request, &answer, err) < 0)
		return -1;
	*ret = answer;
	return 0;
}

static int desk_create_by(struct rpc_client *client, const char *name, uint64_t timeout_ms,
			  struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	Csi__V1__CreateVolumeRequest message = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__controller__descriptor, "CreateVolume", &message,
				       timeout_ms };
	const void *answer;

	message.name = fl_arena_strdup(arena, name);
	if (rpc_client_call(client, arena, &request, &answer, err) < 0)
		return -1;
	const Csi__V1__CreateVolumeResponse *created = answer;
	if (strcmp(created->volume->volume_id, name) != 0)
		return fl_error_set(err, FL_INTERNAL, "volume %s was made", name);
	return 0;
}

int desk_create(struct desk *desk, const char *name, uint64_t timeout_ms, struct fl_error *err)
{
	return desk_create_by(desk->client, name, timeout_ms, err);
}

static void *desk_wait(void *arg)
{
	struct desk_waiter *waiter = arg;
	struct rpc_client *client = NULL;

	waiter->result = rpc_client_new(waiter->desk->path, &client, &waiter->err);
	if (waiter->result == 0)
		waiter->result = desk_create_by(client, "wait", waiter->timeout_ms, &waiter->err);
	rpc_client_free(client);
	return NULL;
}

void desk_waiter_start(struct desk_waiter *waiter, struct desk *desk, uint64_t timeout_ms)
{
	*waiter = (struct desk_waiter){ .desk = desk, .timeout_ms = timeout_ms };
	if (pthread_create(&waiter->thread, NULL, desk_wait, waiter) != 0)
		abort();
}

void desk_waiter_join(struct desk_waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
}
