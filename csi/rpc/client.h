/* SPDX-License-Identifier: Apache-2.0 */
/* Client: calling a gRPC service on a unix socket, as kubelet and the sidecars would.
 *
 * One client is one connection, made at the first call and made again when it has broken.  It may
 * be used from several threads.  A call blocks until its answer or its deadline; there is no retry
 * and no waiting for a server that is not there. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct rpc_client;

/* `endpoint` as for rpc_server_listen.  Does not connect yet; FL_INVALID for an endpoint that is no
 * unix socket. */
int rpc_client_new(const char *endpoint, struct rpc_client **ret, struct fl_error *err)
	fl_must_check;
/* No call may be running.  NULL is fine. */
void rpc_client_free(struct rpc_client *client);
/* For fl_cleanup. */
void rpc_client_release(struct rpc_client **client);

struct rpc_request {
	const ProtobufCServiceDescriptor *service;
	const char *method;  /* "CreateVolume": must be one of the service's */
	const void *message; /* of the method's input type */
	uint64_t timeout_ms; /* 0: one minute */
};

/* One request, one answer.  *ret is of the method's output type and lives in `arena`.
 *
 * The server's status becomes our code (FAILED_PRECONDITION → FL_IN_USE and so on) and its text.
 * FL_UNAVAILABLE when nobody listens ("no fairlead at unix:///…"), at once. */
int rpc_client_call(struct rpc_client *client, struct fl_arena *arena,
		    const struct rpc_request *request, const void **ret, struct fl_error *err)
	fl_must_check;

/* One request, many answers: `each` gets one after the other, in an arena of its own that is
 * released after it returns.  -1 from `each` (with *err filled) cancels the call and is
 * returned. */
int rpc_client_stream(struct rpc_client *client, const struct rpc_request *request,
		      int (*each)(void *cookie, const void *message, struct fl_error *err),
		      void *cookie, struct fl_error *err) fl_must_check;
