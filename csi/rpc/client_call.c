/* SPDX-License-Identifier: Apache-2.0 */
#include "client_call.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/alloc.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "message.h"
#include "status.h"

#define CLIENT_TIMEOUT_MS 60000

int client_call_init(struct client_call *call, const struct rpc_request *request,
		     struct fl_error *err)
{
	const ProtobufCServiceDescriptor *service = request->service;

	*call = (struct client_call){
		.request = request,
		.types = protobuf_c_service_descriptor_get_method_by_name(service, request->method),
		.timeout_ms = request->timeout_ms ? request->timeout_ms : CLIENT_TIMEOUT_MS,
		.text = grpc_empty_slice(),
	};
	call->deadline = fl_clock_after_ms(call->timeout_ms);
	int length =
		snprintf(call->path, sizeof(call->path), "/%s/%s", service->name, request->method);
	if (!call->types || length < 0 || (size_t)length >= sizeof(call->path))
		return fl_error_set(err, FL_INTERNAL, "service %s has no method %s", service->name,
				    request->method);
	return 0;
}

void client_call_start(struct client_call *call, grpc_channel *channel)
{
	gpr_timespec until = { call->deadline.tv_sec, (int32_t)call->deadline.tv_nsec,
			       GPR_CLOCK_MONOTONIC };
	grpc_slice method = grpc_slice_from_copied_string(call->path);

	call->queue = grpc_completion_queue_create_for_pluck(NULL);
	call->grpc = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, call->queue,
					      method, NULL, until, NULL);
	grpc_slice_unref(method);
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
}

void client_call_end(struct client_call *call)
{
	grpc_slice_unref(call->text);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_call_unref(call->grpc);
	grpc_completion_queue_shutdown(call->queue);
	grpc_completion_queue_pluck(call->queue, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	grpc_completion_queue_destroy(call->queue);
}

/* Starts operations and waits for them; false when they failed: the status will say why.  The
 * call's deadline, which gRPC watches, ends every wait. */
static bool call_batch(struct client_call *call, const grpc_op *ops, size_t n)
{
	if (grpc_call_start_batch(call->grpc, ops, n, call, NULL) != GRPC_CALL_OK)
		return false;
	grpc_event event = grpc_completion_queue_pluck(call->queue, call,
						       gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	return event.success;
}

/* What every call begins with; returns how many operations that are. */
static size_t call_begin_ops(struct client_call *call, grpc_byte_buffer *body, grpc_op *ops)
{
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = body;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
	return 4;
}

/* What every call ends with. */
static void call_end_op(struct client_call *call, grpc_op *op)
{
	op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op->data.recv_status_on_client.trailing_metadata = &call->trailing;
	op->data.recv_status_on_client.status = &call->status;
	op->data.recv_status_on_client.status_details = &call->text;
}

/* All in one batch: one wait. */
grpc_byte_buffer *client_call_ask(struct client_call *call)
{
	grpc_byte_buffer *question = rpc_message_pack(call->request->message), *answer = NULL;
	grpc_op ops[6] = { { 0 } };
	size_t n = call_begin_ops(call, question, ops);

	ops[n].op = GRPC_OP_RECV_MESSAGE;
	ops[n++].data.recv_message.recv_message = &answer;
	call_end_op(call, &ops[n++]);
	if (!call_batch(call, ops, n))
		call->status = GRPC_STATUS_UNKNOWN;
	grpc_byte_buffer_destroy(question);
	return answer;
}

bool client_call_send(struct client_call *call)
{
	grpc_byte_buffer *question = rpc_message_pack(call->request->message);
	grpc_op ops[4] = { { 0 } };
	bool is_sent = call_batch(call, ops, call_begin_ops(call, question, ops));

	grpc_byte_buffer_destroy(question);
	return is_sent;
}

grpc_byte_buffer *client_call_receive(struct client_call *call)
{
	grpc_byte_buffer *body = NULL;
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &body;
	return call_batch(call, &op, 1) ? body : NULL;
}

void client_call_finish(struct client_call *call)
{
	grpc_op op = { 0 };

	call_end_op(call, &op);
	if (!call_batch(call, &op, 1))
		call->status = GRPC_STATUS_UNKNOWN;
}

int client_call_result(struct client_call *call, struct fl_error *err)
{
	enum fl_error_code code = rpc_status_error(call->status);
	char text[sizeof(err->text)];

	if (code == FL_OK)
		return 0;
	char *raw = grpc_slice_to_c_string(call->text);
	rpc_status_text(raw, text, sizeof(text));
	gpr_free(raw);
	/* gRPC's own words, in place of the server's, which never came. */
	if (call->status == GRPC_STATUS_DEADLINE_EXCEEDED && strcmp(text, "Deadline Exceeded") == 0)
		return fl_error_set(err, code,
				    "%s was not answered within %" PRIu64 " ms; it may still be at "
				    "work",
				    call->request->method, call->timeout_ms);
	if (text[0] == '\0')
		return fl_error_set(err, code, "%s failed with gRPC status %d and no text",
				    call->request->method, call->status);
	return fl_error_set(err, code, "%s", text);
}

const void *client_call_unpack(const struct client_call *call, struct fl_arena *arena,
			       grpc_byte_buffer *body, struct fl_error *err)
{
	const void *message = rpc_message_unpack(arena, call->types->output, body);

	grpc_byte_buffer_destroy(body);
	if (!message)
		fl_error_set(err, FL_INTERNAL, "the answer of %s is malformed or too large",
			     call->request->method);
	return message;
}
