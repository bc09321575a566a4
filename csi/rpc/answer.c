/* SPDX-License-Identifier: Apache-2.0 */
/* What goes back to the caller: messages of a stream, the answer, the status. */
#include <grpc/byte_buffer.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "call.h"
#include "message.h"
#include "status.h"

#define CALL_HANG_UP_MS 1000 /* after its cancelling */

static void call_report(const struct rpc_call *call, const struct fl_error *result)
{
	const struct rpc_server_options *options = &call->server->options;
	const struct rpc_route *route = call->route;
	uint64_t now = fl_clock_us();
	struct rpc_done done = {
		.id = call->id,
		.service = route ? route->service->descriptor->name : "",
		.request = call->request,
		.error = result,
		.queued_us = (call->started_us ? call->started_us : now) - call->arrived_us,
		.duration_us = now - call->arrived_us,
		.cancelled = atomic_load(&call->cancelled),
		.peer = call->peer,
	};

	if (!options->on_done)
		return;
	if (route)
		done.method = route->types->name;
	else
		done.method = fl_arena_strndup(
			call->arena, (const char *)GRPC_SLICE_START_PTR(call->details.method),
			GRPC_SLICE_LENGTH(call->details.method));
	options->on_done(options->cookie, &done);
}

void rpc_call_finish(struct rpc_call *call, const struct fl_error *result,
		     const ProtobufCMessage *answer)
{
	grpc_byte_buffer *body = answer ? rpc_message_pack(answer) : NULL;
	char text[sizeof(result->text)];
	grpc_op ops[3] = { { 0 } };
	size_t n = 0;

	call_report(call, result);
	rpc_status_text(result->text, text, sizeof(text));
	grpc_slice details = grpc_slice_from_copied_string(text);
	if (!call->has_sent)
		ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (body) {
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = body;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[n].data.send_status_from_server.status = rpc_status_of(result->code);
	ops[n++].data.send_status_from_server.status_details = &details;

	/* All that was needed of it is in the answer, which the caller may leave unread. */
	fl_arena_free(call->arena);
	call->arena = NULL;
	rpc_held_add(call, body ? grpc_byte_buffer_length(body) : 0, "take the answer");
	rpc_call_start(call, ops, n, &call->finished);
	if (body)
		grpc_byte_buffer_destroy(body);
	grpc_slice_unref(details);
	rpc_call_unref(call);
}

void rpc_call_refuse(struct rpc_call *call, enum fl_error_code code, const char *format, ...)
{
	char text[sizeof(((struct fl_error *)0)->text)];
	struct fl_error refusal = { 0 };
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fl_error_set(&refusal, code, "%s", text);
	rpc_call_finish(call, &refusal, NULL);
}

void rpc_call_sent(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, sent);
	struct rpc_server *server = call->server;

	pthread_mutex_lock(&server->lock);
	call->sending = ok ? CALL_SENT : CALL_NOT_SENT;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

static void call_cut(struct rpc_call *call)
{
	grpc_call_cancel(call->grpc, NULL);
}

/* True when gRPC took the message.  A caller that reads nothing for patience_ms is cut, because it
 * holds a worker, and hung up when that does not help. */
static bool call_wait_sent(struct rpc_call *call)
{
	struct rpc_server *server = call->server;
	struct timespec patience = fl_clock_after_ms(server->options.patience_ms);
	void (*const ends[])(struct rpc_call * call) = { call_cut, rpc_call_hang_up };
	size_t n_ends = 0;

	pthread_mutex_lock(&server->lock);
	while (call->sending == CALL_SENDING) {
		if (n_ends == FL_COUNT(ends)) {
			pthread_cond_wait(&server->changed, &server->lock);
		} else if (pthread_cond_timedwait(&server->changed, &server->lock, &patience)) {
			pthread_mutex_unlock(&server->lock);
			ends[n_ends++](call);
			patience = fl_clock_after_ms(CALL_HANG_UP_MS);
			pthread_mutex_lock(&server->lock);
		}
	}
	bool is_sent = call->sending == CALL_SENT;
	call->sending = CALL_IDLE;
	pthread_mutex_unlock(&server->lock);
	return is_sent;
}

int rpc_send(struct rpc_call *call, const ProtobufCMessage *message, struct fl_error *err)
{
	grpc_byte_buffer *body = rpc_message_pack(message);
	grpc_op ops[2] = { { 0 } };
	size_t n = 0;

	if (!call->has_sent)
		ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[n].op = GRPC_OP_SEND_MESSAGE;
	ops[n++].data.send_message.send_message = body;
	call->has_sent = true;
	pthread_mutex_lock(&call->server->lock);
	call->sending = CALL_SENDING;
	pthread_mutex_unlock(&call->server->lock);

	grpc_call_error failure = grpc_call_start_batch(call->grpc, ops, n, &call->sent, NULL);
	grpc_byte_buffer_destroy(body);
	if (failure != GRPC_CALL_OK)
		return fl_error_set(err, FL_INTERNAL, "sending a message of %s: %s", call->id,
				    grpc_call_error_to_string(failure));
	if (call_wait_sent(call))
		return 0;
	atomic_store(&call->cancelled, true); /* `closed` will say so too, perhaps later */
	return fl_error_set(err, FL_TIMEOUT, "the caller of %s left", call->route->types->name);
}
