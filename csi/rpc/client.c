/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <grpc/support/alloc.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "connection.h"
#include "endpoint.h"
#include "library.h"
#include "message.h"
#include "status.h"

#define CLIENT_TIMEOUT_MS 60000
#define CLIENT_MESSAGE_BUDGET (64 * 1024 * 1024) /* of one message of a stream, unpacked */

struct rpc_client {
	struct sockaddr_un address;
	pthread_mutex_t lock;
	struct rpc_connection *connection; /* NULL before the first call and after a break */
};

/* One call under way. */
struct client_call {
	struct rpc_client *client;
	const struct rpc_request *request;
	const ProtobufCMethodDescriptor *types;
	uint64_t timeout_ms;
	struct rpc_connection *connection;
	grpc_completion_queue *queue;
	grpc_call *grpc;
	grpc_metadata_array initial, trailing;
	grpc_status_code status;
	grpc_slice text;
};

int rpc_client_new(const char *endpoint, struct rpc_client **ret, struct fl_error *err)
{
	struct sockaddr_un address;

	if (rpc_endpoint_address(endpoint, 0, &address, err) < 0)
		return -1;
	struct rpc_client *client = calloc(1, sizeof(*client));
	if (!client)
		abort();
	client->address = address;
	pthread_mutex_init(&client->lock, NULL);
	rpc_library_ref();
	*ret = client;
	return 0;
}

void rpc_client_free(struct rpc_client *client)
{
	if (!client)
		return;
	rpc_connection_unref(client->connection);
	rpc_library_unref();
	pthread_mutex_destroy(&client->lock);
	free(client);
}

void rpc_client_release(struct rpc_client **client)
{
	rpc_client_free(*client);
	*client = NULL;
}

static int client_connect_locked(struct rpc_client *client, struct timespec deadline,
				 struct fl_error *err)
{
	if (client->connection && rpc_connection_is_alive(client->connection))
		return 0;
	rpc_connection_unref(client->connection);
	client->connection = NULL;
	return rpc_connection_open(&client->address, deadline, &client->connection, err);
}

static int client_connect(struct client_call *call, struct timespec deadline, struct fl_error *err)
{
	struct rpc_client *client = call->client;

	pthread_mutex_lock(&client->lock);
	int result = client_connect_locked(client, deadline, err);
	if (result == 0) {
		call->connection = client->connection;
		call->connection->refs++;
	}
	pthread_mutex_unlock(&client->lock);
	return result;
}

/* A connection whose server said "unavailable" may be to one that is stopping while its successor
 * listens already: the next call makes a new one. */
static void client_disconnect(struct client_call *call)
{
	struct rpc_client *client = call->client;

	pthread_mutex_lock(&client->lock);
	if (call->status == GRPC_STATUS_UNAVAILABLE && client->connection == call->connection) {
		rpc_connection_unref(client->connection);
		client->connection = NULL;
	}
	rpc_connection_unref(call->connection);
	pthread_mutex_unlock(&client->lock);
}

static int client_open_call(struct client_call *call, struct rpc_client *client,
			    const struct rpc_request *request, struct fl_error *err)
{
	uint64_t timeout_ms = request->timeout_ms ? request->timeout_ms : CLIENT_TIMEOUT_MS;
	struct timespec deadline = fl_clock_after_ms(timeout_ms);
	char path[256];

	*call = (struct client_call){
		.client = client,
		.request = request,
		.timeout_ms = timeout_ms,
		.text = grpc_empty_slice(),
	};
	call->types =
		protobuf_c_service_descriptor_get_method_by_name(request->service, request->method);
	int length =
		snprintf(path, sizeof(path), "/%s/%s", request->service->name, request->method);
	if (!call->types || length < 0 || (size_t)length >= sizeof(path))
		return fl_error_set(err, FL_INTERNAL, "service %s has no method %s",
				    request->service->name, request->method);
	if (client_connect(call, deadline, err) < 0)
		return -1;

	gpr_timespec until = { deadline.tv_sec, (int32_t)deadline.tv_nsec, GPR_CLOCK_MONOTONIC };
	grpc_slice method = grpc_slice_from_copied_string(path);
	call->queue = grpc_completion_queue_create_for_pluck(NULL);
	call->grpc =
		grpc_channel_create_call(call->connection->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
					 call->queue, method, NULL, until, NULL);
	grpc_slice_unref(method);
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
	return 0;
}

static void client_close_call(struct client_call *call)
{
	grpc_slice_unref(call->text);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_call_unref(call->grpc);
	grpc_completion_queue_shutdown(call->queue);
	grpc_completion_queue_pluck(call->queue, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	grpc_completion_queue_destroy(call->queue);
	client_disconnect(call);
}

/* Starts operations and waits for them; false when they failed: the status will say why.  The call's
 * deadline, which gRPC watches, ends every wait. */
static bool client_batch(struct client_call *call, const grpc_op *ops, size_t n)
{
	if (grpc_call_start_batch(call->grpc, ops, n, call, NULL) != GRPC_CALL_OK)
		return false;
	grpc_event event = grpc_completion_queue_pluck(call->queue, call,
						       gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	return event.success;
}

/* What every call begins with; returns how many operations that are. */
static size_t client_send_ops(struct client_call *call, grpc_byte_buffer *body, grpc_op *ops)
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
static void client_status_op(struct client_call *call, grpc_op *op)
{
	op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op->data.recv_status_on_client.trailing_metadata = &call->trailing;
	op->data.recv_status_on_client.status = &call->status;
	op->data.recv_status_on_client.status_details = &call->text;
}

/* The whole of a call with one answer in one batch: one wait.  NULL when there was no answer. */
static grpc_byte_buffer *client_ask(struct client_call *call)
{
	grpc_byte_buffer *question = rpc_message_pack(call->request->message), *answer = NULL;
	grpc_op ops[6] = { { 0 } };
	size_t n = client_send_ops(call, question, ops);

	ops[n].op = GRPC_OP_RECV_MESSAGE;
	ops[n++].data.recv_message.recv_message = &answer;
	client_status_op(call, &ops[n++]);
	if (!client_batch(call, ops, n))
		call->status = GRPC_STATUS_UNKNOWN;
	grpc_byte_buffer_destroy(question);
	return answer;
}

static bool client_send(struct client_call *call)
{
	grpc_byte_buffer *question = rpc_message_pack(call->request->message);
	grpc_op ops[4] = { { 0 } };
	bool is_sent = client_batch(call, ops, client_send_ops(call, question, ops));

	grpc_byte_buffer_destroy(question);
	return is_sent;
}

/* The next message of a stream, or NULL at the end. */
static grpc_byte_buffer *client_receive(struct client_call *call)
{
	grpc_byte_buffer *body = NULL;
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &body;
	return client_batch(call, &op, 1) ? body : NULL;
}

static void client_receive_status(struct client_call *call)
{
	grpc_op op = { 0 };

	client_status_op(call, &op);
	if (!client_batch(call, &op, 1))
		call->status = GRPC_STATUS_UNKNOWN;
}

static int client_result(struct client_call *call, struct fl_error *err)
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

/* Releases the buffer.  NULL and *err when it holds no such message. */
static const void *client_unpack(const struct client_call *call, struct fl_arena *arena,
				 grpc_byte_buffer *body, struct fl_error *err)
{
	const void *message = rpc_message_unpack(arena, call->types->output, body);

	grpc_byte_buffer_destroy(body);
	if (!message)
		fl_error_set(err, FL_INTERNAL, "the answer of %s is malformed or too large",
			     call->request->method);
	return message;
}

int rpc_client_call(struct rpc_client *client, struct fl_arena *arena,
		    const struct rpc_request *request, const void **ret, struct fl_error *err)
{
	struct client_call call;
	const void *answer = NULL;

	if (client_open_call(&call, client, request, err) < 0)
		return -1;
	grpc_byte_buffer *body = client_ask(&call);
	int result = client_result(&call, err);
	if (result < 0)
		grpc_byte_buffer_destroy(body);
	else if (body)
		answer = client_unpack(&call, arena, body, err);
	else
		fl_error_set(err, FL_INTERNAL, "%s was answered without a message",
			     request->method);
	client_close_call(&call);
	if (!answer)
		return -1;
	*ret = answer;
	return 0;
}

static int client_deliver(const struct client_call *call, grpc_byte_buffer *body,
			  int (*each)(void *cookie, const void *message, struct fl_error *err),
			  void *cookie, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(CLIENT_MESSAGE_BUDGET);
	const void *message = client_unpack(call, arena, body, err);

	return message ? each(cookie, message, err) : -1;
}

int rpc_client_stream(struct rpc_client *client, const struct rpc_request *request,
		      int (*each)(void *cookie, const void *message, struct fl_error *err),
		      void *cookie, struct fl_error *err)
{
	struct client_call call;
	grpc_byte_buffer *body;
	int result = 0;

	if (client_open_call(&call, client, request, err) < 0)
		return -1;
	if (client_send(&call)) {
		while (result == 0 && (body = client_receive(&call)))
			result = client_deliver(&call, body, each, cookie, err);
	}
	if (result < 0)
		grpc_call_cancel(call.grpc, NULL);
	client_receive_status(&call);
	if (result == 0)
		result = client_result(&call, err);
	client_close_call(&call);
	return result;
}
