/* SPDX-License-Identifier: Apache-2.0 */
/* Client call: one call over a connection, as its caller sees it.
 *
 * init ─▶ start ─▶ ask ─▶ result ─▶ end			(one answer)
 * init ─▶ start ─▶ send ─▶ receive … ─▶ finish ─▶ result ─▶ end	(many)
 *
 * By one thread.  Every step waits for the server at most until the call's deadline, which gRPC
 * watches. */
#pragma once

#include <grpc/grpc.h>
#include <stdbool.h>
#include <time.h>

#include "client.h"

struct client_call {
	const struct rpc_request *request; /* the caller's */
	const ProtobufCMethodDescriptor *types;
	char path[256]; /* "/csi.v1.Controller/CreateVolume" */
	uint64_t timeout_ms;
	struct timespec deadline;
	grpc_completion_queue *queue;
	grpc_call *grpc;
	grpc_metadata_array initial, trailing;
	grpc_status_code status; /* after ask or finish */
	grpc_slice text;
};

/* From here on its time counts.  Asks for nothing yet, and needs no end; FL_INTERNAL when the
 * service has no such method. */
int client_call_init(struct client_call *call, const struct rpc_request *request,
		     struct fl_error *err) fl_must_check;
void client_call_start(struct client_call *call, grpc_channel *channel);
/* Releases what `start` has made; the channel stays the caller's, and needed until here. */
void client_call_end(struct client_call *call);

/* Sends the request and waits for answer and status.  NULL: no answer came.  The caller releases
 * the buffer, or unpacks it. */
grpc_byte_buffer *client_call_ask(struct client_call *call);

/* Sends the request; false when it did not get through: `finish` then says why. */
bool client_call_send(struct client_call *call);
/* The next message, for the caller as above; NULL after the last one. */
grpc_byte_buffer *client_call_receive(struct client_call *call);
/* Waits for the status. */
void client_call_finish(struct client_call *call);

/* The status as our error; 0: it is OK. */
int client_call_result(struct client_call *call, struct fl_error *err) fl_must_check;
/* Releases the buffer.  NULL and FL_INTERNAL when it holds no such message. */
const void *client_call_unpack(const struct client_call *call, struct fl_arena *arena,
			       grpc_byte_buffer *body, struct fl_error *err);
