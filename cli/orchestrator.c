/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator.h"

#include <string.h>

#include "run.h"

#define ORCHESTRATOR_TRY_MS 3000 /* of one try: how often a long call can say how far it is */
#define ORCHESTRATOR_PAUSE_MS 100
#define ORCHESTRATOR_PAUSE_MAX_MS 1000

static bool orchestrator_is_later(const struct orchestrator_call *call, enum fl_error_code code)
{
	return (code == FL_BUSY && !call->busy_is_final) || code == FL_UNAVAILABLE ||
	       code == FL_TIMEOUT;
}

static struct rpc_client *orchestrator_client(const struct orchestrator *o,
					      const ProtobufCServiceDescriptor *service)
{
	return service == &csi__v1__node__descriptor ? o->node : o->controller;
}

static int orchestrator_try(struct orchestrator *o, struct rpc_client *client,
			    const struct orchestrator_call *call, const void **ret,
			    struct fl_error *err)
{
	uint64_t left_ms = fl_clock_left_ms(o->deadline);
	struct rpc_request request = {
		.service = call->service,
		.method = call->method,
		.message = call->request,
		.timeout_ms = left_ms < ORCHESTRATOR_TRY_MS ? left_ms + 1 : ORCHESTRATOR_TRY_MS,
	};

	return rpc_client_call(client, o->arena, &request, ret, err);
}

static int orchestrator_late(const struct orchestrator *o, struct fl_error *err)
{
	struct fl_error last = *err;

	return fl_error_set(err, FL_TIMEOUT,
			    "not settled after %llu s (%s): repeat the command to go on",
			    (unsigned long long)o->timeout_ms / 1000, last.text);
}

static int orchestrator_call_at(struct orchestrator *o, struct rpc_client *client,
				const struct orchestrator_call *call, const void **ret,
				struct fl_error *err)
{
	uint64_t pause_ms = ORCHESTRATOR_PAUSE_MS;
	struct fl_error failure = { 0 };
	int result;

	while ((result = orchestrator_try(o, client, call, ret, &failure)) < 0) {
		if (!orchestrator_is_later(call, failure.code))
			break;
		if (fl_clock_passed(o->deadline)) {
			orchestrator_late(o, &failure);
			break;
		}
		progress_say(&o->progress, failure.text);
		fl_clock_sleep_ms(pause_ms);
		if (pause_ms < ORCHESTRATOR_PAUSE_MAX_MS)
			pause_ms *= 2;
	}
	progress_end(&o->progress);
	if (result < 0)
		*err = failure;
	return result;
}

int orchestrator_call(struct orchestrator *o, const struct orchestrator_call *call,
		      const void **ret, struct fl_error *err)
{
	return orchestrator_call_at(o, orchestrator_client(o, call->service), call, ret, err);
}

/* Nobody there is said at once; who is there but not ready yet is waited for. */
static int orchestrator_probe(struct orchestrator *o, struct rpc_client *client,
			      struct fl_error *err)
{
	Csi__V1__ProbeRequest request = CSI__V1__PROBE_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__identity__descriptor, "Probe", &request,
					  false };
	const void *reply;

	if (orchestrator_try(o, client, &call, &reply, err) < 0)
		return -1;
	for (;;) {
		const Csi__V1__ProbeResponse *answer = reply;

		if (!answer->ready || answer->ready->value)
			return 0;
		if (fl_clock_passed(o->deadline))
			return fl_error_set(err, FL_TIMEOUT, "the service is not ready");
		progress_say(&o->progress, "the service is not ready yet");
		fl_clock_sleep_ms(ORCHESTRATOR_PAUSE_MS);
		if (orchestrator_call_at(o, client, &call, &reply, err) < 0)
			return -1;
	}
}

static int orchestrator_ask_controller(struct orchestrator *o, struct fl_error *err)
{
	Csi__V1__ControllerGetCapabilitiesRequest request =
		CSI__V1__CONTROLLER_GET_CAPABILITIES_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerGetCapabilities", &request, false };
	const Csi__V1__ControllerGetCapabilitiesResponse *answer;
	const void *reply;

	if (orchestrator_call(o, &call, &reply, err) < 0) {
		if (err->code == FL_UNSUPPORTED)
			return fl_error_set(err, FL_UNSUPPORTED,
					    "%s serves no controller: name one with --endpoint",
					    o->controller_endpoint);
		return -1;
	}
	answer = reply;
	for (size_t i = 0; i < answer->n_capabilities; i++) {
		const Csi__V1__ControllerServiceCapability *c = answer->capabilities[i];

		if (c->type_case == CSI__V1__CONTROLLER_SERVICE_CAPABILITY__TYPE_RPC)
			o->controller_can |= 1ULL << ((unsigned)c->rpc->type & 63);
	}
	return 0;
}

static int orchestrator_ask_node(struct orchestrator *o, struct fl_error *err)
{
	Csi__V1__NodeGetCapabilitiesRequest request = CSI__V1__NODE_GET_CAPABILITIES_REQUEST__INIT;
	Csi__V1__NodeGetInfoRequest info = CSI__V1__NODE_GET_INFO_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodeGetCapabilities",
					  &request, false };
	struct orchestrator_call who = { &csi__v1__node__descriptor, "NodeGetInfo", &info, false };
	const Csi__V1__NodeGetCapabilitiesResponse *answer;
	const void *reply;

	if (orchestrator_call(o, &call, &reply, err) < 0) {
		if (err->code == FL_UNSUPPORTED)
			return fl_error_set(err, FL_UNSUPPORTED,
					    "%s serves no node: name one with --node-endpoint",
					    o->node_endpoint);
		return -1;
	}
	answer = reply;
	for (size_t i = 0; i < answer->n_capabilities; i++) {
		const Csi__V1__NodeServiceCapability *c = answer->capabilities[i];

		if (c->type_case == CSI__V1__NODE_SERVICE_CAPABILITY__TYPE_RPC)
			o->node_can |= 1ULL << ((unsigned)c->rpc->type & 63);
	}
	if (orchestrator_call(o, &who, &reply, err) < 0)
		return -1;
	o->node_id = ((const Csi__V1__NodeGetInfoResponse *)reply)->node_id;
	return 0;
}

int orchestrator_open(struct fl_arena *arena, const struct client_options *options,
		      struct orchestrator *ret, struct fl_error *err)
{
	ret->arena = arena;
	ret->timeout_ms = options->timeout_ms;
	ret->deadline = fl_clock_after_ms(options->timeout_ms);
	ret->controller_endpoint =
		options->endpoint ? options->endpoint : run_endpoint_of(arena, "controller");
	ret->node_endpoint = options->node_endpoint ? options->node_endpoint
			     : options->endpoint    ? options->endpoint
						    : run_endpoint_of(arena, "node");
	if (rpc_client_new(ret->controller_endpoint, &ret->controller, err) < 0 ||
	    orchestrator_probe(ret, ret->controller, err) < 0)
		return -1;
	return orchestrator_ask_controller(ret, err);
}

int orchestrator_open_node(struct orchestrator *o, struct fl_error *err)
{
	if (o->node)
		return 0;
	if (strcmp(o->controller_endpoint, o->node_endpoint) == 0)
		o->node = o->controller;
	else if (rpc_client_new(o->node_endpoint, &o->node, err) < 0)
		return -1;
	if (orchestrator_probe(o, o->node, err) < 0)
		return -1;
	return orchestrator_ask_node(o, err);
}

void orchestrator_close(struct orchestrator *o)
{
	progress_end(&o->progress);
	if (o->node != o->controller)
		rpc_client_release(&o->node);
	rpc_client_release(&o->controller);
}

bool orchestrator_controller_can(const struct orchestrator *o, int type)
{
	return o->controller_can & (1ULL << ((unsigned)type & 63));
}

bool orchestrator_node_can(const struct orchestrator *o, int type)
{
	return o->node_can & (1ULL << ((unsigned)type & 63));
}
