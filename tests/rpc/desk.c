/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define DESK_PATIENCE_MS 10000

static void desk_note_done(void *cookie, const struct rpc_done *done)
{
	struct desk *desk = cookie;

	pthread_mutex_lock(&desk->lock);
	unsigned n = atomic_load(&desk->n_done);
	if (n < DESK_DONE_MAX) {
		struct desk_done *slot = &desk->done[n];
		snprintf(slot->method, sizeof(slot->method), "%s", done->method);
		slot->code = done->error->code;
		slot->cancelled = done->cancelled;
		slot->has_request = done->request != NULL;
		slot->peer = done->peer;
		slot->queued_us = done->queued_us;
		slot->duration_us = done->duration_us;
		atomic_store(&desk->n_done, n + 1);
	}
	pthread_mutex_unlock(&desk->lock);
}

static void desk_must(int result, const struct fl_error *err)
{
	if (result == 0)
		return;
	printf("Bail out! %s: %s\n", fl_error_name(err->code), err->text);
	fflush(stdout);
	abort();
}

static void desk_serve(struct desk *desk, const struct rpc_server_options *limits)
{
	const struct rpc_service *services[] = { &desk->services[0], &desk->services[1],
						 &desk->services[2] };
	struct rpc_server_options options = limits ? *limits : (struct rpc_server_options){ 0 };
	struct fl_error err = { 0 };

	desk_set_services(desk);
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

bool desk_await(const atomic_uint *counter, unsigned n)
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
