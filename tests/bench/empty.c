/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of a call: a server on the same library, one thread, one batch of operations for each
 * call, whose answer to whatever is asked is an empty message. */
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdlib.h>

#include "bench.h"

struct empty_call {
	grpc_call *grpc;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *payload;
	int is_cancelled;
	bool is_answered;
};

static struct empty_call *empty_arm(grpc_server *server, grpc_completion_queue *queue)
{
	struct empty_call *call = calloc(1, sizeof(*call));

	if (!call)
		abort();
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	if (grpc_server_request_call(server, &call->grpc, &call->details, &call->metadata, queue,
				     queue, call) != GRPC_CALL_OK)
		bench_fail("arming a call");
	return call;
}

static void empty_answer(struct empty_call *call)
{
	grpc_byte_buffer *nothing = grpc_raw_byte_buffer_create(NULL, 0);
	grpc_op ops[] = {
		{ .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->payload },
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = nothing },
		{ .op = GRPC_OP_SEND_STATUS_FROM_SERVER },
		{ .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
		  .data.recv_close_on_server.cancelled = &call->is_cancelled },
	};

	call->is_answered = true;
	if (grpc_call_start_batch(call->grpc, ops, FL_COUNT(ops), call, NULL) != GRPC_CALL_OK)
		bench_fail("answering a call");
	grpc_byte_buffer_destroy(nothing);
}

static void empty_free(struct empty_call *call)
{
	if (call->payload)
		grpc_byte_buffer_destroy(call->payload);
	grpc_call_unref(call->grpc);
	grpc_call_details_destroy(&call->details);
	grpc_metadata_array_destroy(&call->metadata);
	free(call);
}

void empty_serve(const char *endpoint)
{
	grpc_completion_queue *queue;
	grpc_server_credentials *credentials;
	grpc_server *server;

	grpc_init();
	queue = grpc_completion_queue_create_for_next(NULL);
	credentials = grpc_insecure_server_credentials_create();
	server = grpc_server_create(NULL, NULL);
	grpc_server_register_completion_queue(server, queue, NULL);
	if (!grpc_server_add_http2_port(server, endpoint, credentials))
		bench_fail(endpoint);
	grpc_server_credentials_release(credentials);
	grpc_server_start(server);
	empty_arm(server, queue);
	for (;;) {
		struct empty_call *call =
			grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL)
				.tag;
		if (call->is_answered) {
			empty_free(call);
		} else {
			empty_answer(call);
			empty_arm(server, queue);
		}
	}
}
