/* SPDX-License-Identifier: Apache-2.0 */
/* Orchestrator: makes CSI calls as kubelet and the sidecars make them.
 *
 * Each try has a short deadline.  "Busy", "unavailable" and "deadline exceeded" say that work may
 * still go on: the call is made again, and again, until it is settled or the command's time is up,
 * and the service's text, which says how far it is, is shown meanwhile.  Every other error is
 * final.  What a service does not advertise is not called.  Used by one thread. */
#pragma once

#include "base/clock.h"
#include "client.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"
#include "progress.h"

struct orchestrator {
	struct fl_arena *arena; /* what calls return lives here */
	struct rpc_client *controller;
	struct rpc_client *node; /* the controller's where both are one socket */
	struct timespec deadline;
	uint64_t timeout_ms;
	uint64_t controller_can; /* a bit per ControllerServiceCapability.RPC.Type */
	uint64_t node_can;       /* a bit per NodeServiceCapability.RPC.Type */
	const char *node_id;     /* what NodeGetInfo says */
	struct progress progress;
	const char *controller_endpoint, *node_endpoint;
};

/* Waits until the controller service is ready and asks what it can.  FL_UNAVAILABLE at once when
 * nobody listens. */
int orchestrator_open(struct fl_arena *arena, const struct client_options *options,
		      struct orchestrator *ret, struct fl_error *err) fl_must_check;
/* The same for the node service; again is success. */
int orchestrator_open_node(struct orchestrator *orchestrator, struct fl_error *err) fl_must_check;
/* For fl_cleanup; a zeroed one is fine. */
void orchestrator_close(struct orchestrator *orchestrator);

/* One settled call.  Calls of the Node service go to the node, all others to the controller. */
struct orchestrator_call {
	const ProtobufCServiceDescriptor *service;
	const char *method;
	const void *request;
	bool busy_is_final; /* for a listing's next page: there it means that the token is stale */
};
int orchestrator_call(struct orchestrator *orchestrator, const struct orchestrator_call *call,
		      const void **ret, struct fl_error *err) fl_must_check;

bool orchestrator_controller_can(const struct orchestrator *orchestrator, int type);
bool orchestrator_node_can(const struct orchestrator *orchestrator, int type);
