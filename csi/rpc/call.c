/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <grpc/support/alloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "message.h"
#include "status.h"

struct rpc_call {
	struct rpc_job job;
	struct rpc_server *server;
	grpc_call *grpc; /* NULL while armed */
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *payload;
	const struct rpc_route *route;
	struct fl_arena *arena;
	const ProtobufCMessage *request;
	struct fl_progress progress;
	struct timespec deadline; /* the caller's until the handler runs, then the earlier one */
	uint64_t arrived_us, started_us;
	pid_t peer;
	char id[24];
	bool has_sent; /* the initial metadata is out */
	enum { CALL_IDLE, CALL_SENDING, CALL_SENT, CALL_NOT_SENT } sending; /* server's lock */
	int closed_early; /* written by gRPC before `closed` */
	atomic_bool cancelled;
	atomic_int refs; /* one for the way to `finished`, one for `closed` */
	struct rpc_tag accepted, received, closed, sent, finished;
};

#define CALL_OF(pointer, member)                                                                   \
	((struct rpc_call *)((char *)(pointer)-offsetof(struct rpc_call, member)))

static void call_unref(struct rpc_call *call)
{
	struct rpc_server *server = call->server;

	if (atomic_fetch_sub(&call->refs, 1) != 1)
		return;
	if (call->payload)
		grpc_byte_buffer_destroy(call->payload);
	if (call->grpc)
		grpc_call_unref(call->grpc);
	grpc_call_details_destroy(&call->details);
	grpc_metadata_array_destroy(&call->metadata);
	fl_arena_free(call->arena);
	free(call);

	pthread_mutex_lock(&server->lock);
	server->n_calls--;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

/* Starts operations whose completion takes over a reference that the caller holds. */
static void call_start(struct rpc_call *call, const grpc_op *ops, size_t n, struct rpc_tag *tag)
{
	/* An error means that nothing was started, so no completion will come. */
	if (grpc_call_start_batch(call->grpc, ops, n, tag, NULL) != GRPC_CALL_OK)
		call_unref(call);
}

static void call_report(const struct rpc_call *call, const struct fl_error *result)
{
	const struct rpc_server_options *options = &call->server->options;
	const struct rpc_route *route = call->route;
	uint64_t now = fl_clock_us();
	struct rpc_done done = {
		.id = call->id,
		.service = route ? route->service->name : "",
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

/* The end of every call: the answer (NULL for none) when result->code is FL_OK, then the status.
 * Works on a call that is dead already. */
static void call_finish(struct rpc_call *call, const struct fl_error *result,
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

	call_start(call, ops, n, &call->finished);
	if (body)
		grpc_byte_buffer_destroy(body);
	grpc_slice_unref(details);
}

static void call_refuse(struct rpc_call *call, enum fl_error_code code, const char *format, ...)
	fl_printf_like(3, 4);

static void call_refuse(struct rpc_call *call, enum fl_error_code code, const char *format, ...)
{
	char text[sizeof(((struct fl_error *)0)->text)];
	struct fl_error refusal = { 0 };
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fl_error_set(&refusal, code, "%s", text);
	call_finish(call, &refusal, NULL);
}

static void call_handle(struct rpc_call *call)
{
	const struct rpc_method *method = call->route->method;
	struct fl_error result = { 0 };
	ProtobufCMessage *answer = NULL;

	if (!(method->flags & RPC_STREAM))
		answer = rpc_message_new(call->arena, call->route->types->output);
	if (method->handler(call, call->request, answer, &result) < 0) {
		if (result.code == FL_OK)
			fl_error_set(&result, FL_INTERNAL, "%s failed and did not say why",
				     method->name);
		answer = NULL;
	} else {
		result = (struct fl_error){ 0 };
	}
	call_finish(call, &result, answer);
}

static void call_run(struct rpc_job *job)
{
	struct rpc_call *call = CALL_OF(job, job);
	const struct rpc_server_options *options = &call->server->options;

	call->started_us = fl_clock_us();
	if (atomic_load(&call->cancelled) || fl_clock_passed(call->deadline)) {
		call_refuse(call, FL_TIMEOUT, "the caller left before %s began",
			    call->route->types->name);
		return;
	}
	call->deadline =
		fl_clock_earlier(call->deadline, fl_clock_after_ms(options->max_deadline_ms));
	call->request = rpc_message_unpack(call->arena, call->route->types->input, call->payload);
	if (!call->request) {
		call_refuse(call, FL_INVALID,
			    "the request of %s is malformed, or unpacks to more than %zu bytes",
			    call->route->types->name, options->arena_budget);
		return;
	}
	call_handle(call);
}

static void call_received(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, received);
	const char *name = call->route->types->name;

	if (!ok || !call->payload)
		/* Too large: gRPC has said so to the caller already; this is for the log. */
		call_refuse(call, FL_INVALID,
			    "the request of %s did not arrive whole: it is larger than %zu bytes, "
			    "absent, or its caller left",
			    name, call->server->options.max_request_bytes);
	else if (call->route->method->flags & RPC_QUICK)
		call_run(&call->job);
	else if (rpc_pool_submit(call->server->pool, &call->job) < 0)
		call_refuse(call, FL_UNAVAILABLE,
			    "%s has to come again: %u calls wait for a worker already", name,
			    call->server->options.queue_length);
}

static void call_closed(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, closed);

	(void)ok; /* always true: the answer is in closed_early */
	if (call->closed_early)
		atomic_store(&call->cancelled, true);
	call_unref(call);
}

static void call_finished(struct rpc_tag *tag, bool ok)
{
	(void)ok; /* false: the caller is gone, which `closed` tells */
	call_unref(CALL_OF(tag, finished));
}

/* gRPC names a connection that was handed over as "fd:N".  The process at its other end is for the
 * log only: nothing is decided by it. */
static pid_t call_peer(grpc_call *grpc)
{
	char *name = grpc_call_get_peer(grpc);
	struct ucred credentials = { 0 };
	socklen_t size = sizeof(credentials);
	int fd = -1;

	if (name && sscanf(name, "fd:%d", &fd) == 1)
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
	gpr_free(name);
	return credentials.pid;
}

/* What gRPC filled in while the call was armed becomes ours. */
static void call_begin(struct rpc_call *call)
{
	gpr_timespec deadline = call->details.deadline;
	/* Saturates: a caller without a deadline has weeks. */
	int32_t left = gpr_time_to_millis(gpr_time_sub(deadline, gpr_now(deadline.clock_type)));
	grpc_slice path = call->details.method;
	struct rpc_server *server = call->server;

	call->arrived_us = fl_clock_us();
	call->deadline = fl_clock_after_ms(left > 0 ? (uint64_t)left : 0);
	call->peer = call_peer(call->grpc);
	call->arena = fl_arena_new(server->options.arena_budget);
	snprintf(call->id, sizeof(call->id), "r%lu", atomic_fetch_add(&server->last_id, 1) + 1);
	call->route = rpc_routes_find(server->routes, (const char *)GRPC_SLICE_START_PTR(path),
				      GRPC_SLICE_LENGTH(path));
}

static void call_watch_close(struct rpc_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	/* Its own batch: together with the status it would tell of a leaving caller only after the
	 * answer. */
	op.data.recv_close_on_server.cancelled = &call->closed_early;
	atomic_fetch_add(&call->refs, 1);
	call_start(call, &op, 1, &call->closed);
}

static void call_accepted(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, accepted);
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (!ok) { /* the server shuts down */
		call_unref(call);
		return;
	}
	rpc_call_arm(call->server);
	call_begin(call);
	call_watch_close(call);
	if (!call->route) {
		call_refuse(call, FL_UNSUPPORTED, "%.*s is not served here",
			    (int)GRPC_SLICE_LENGTH(call->details.method),
			    (const char *)GRPC_SLICE_START_PTR(call->details.method));
	} else if (!call->route->method->handler) {
		call_refuse(call, FL_UNSUPPORTED, "%s is not offered by this version of fairlead",
			    call->route->types->name);
	} else {
		op.data.recv_message.recv_message = &call->payload;
		call_start(call, &op, 1, &call->received);
	}
}

static void call_sent(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, sent);
	struct rpc_server *server = call->server;

	pthread_mutex_lock(&server->lock);
	call->sending = ok ? CALL_SENT : CALL_NOT_SENT;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

void rpc_call_arm(struct rpc_server *server)
{
	struct rpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		abort();
	call->job.run = call_run;
	call->server = server;
	call->refs = 1;
	call->accepted.done = call_accepted;
	call->received.done = call_received;
	call->closed.done = call_closed;
	call->sent.done = call_sent;
	call->finished.done = call_finished;
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	pthread_mutex_lock(&server->lock);
	server->n_calls++;
	pthread_mutex_unlock(&server->lock);
	if (grpc_server_request_call(server->grpc, &call->grpc, &call->details, &call->metadata,
				     server->queue, server->queue, &call->accepted) != GRPC_CALL_OK)
		call_unref(call);
}

/* True when gRPC took the message.  A caller that reads nothing for max_deadline_ms is cut, because
 * it holds a worker. */
static bool call_wait_sent(struct rpc_call *call)
{
	struct rpc_server *server = call->server;
	struct timespec patience = fl_clock_after_ms(server->options.max_deadline_ms);
	bool is_cut = false;

	pthread_mutex_lock(&server->lock);
	while (call->sending == CALL_SENDING) {
		if (is_cut) {
			pthread_cond_wait(&server->changed, &server->lock);
		} else if (pthread_cond_timedwait(&server->changed, &server->lock, &patience)) {
			is_cut = true;
			pthread_mutex_unlock(&server->lock);
			grpc_call_cancel(call->grpc, NULL);
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
	if (!call_wait_sent(call))
		return fl_error_set(err, FL_TIMEOUT, "the caller of %s left",
				    call->route->types->name);
	return 0;
}

struct fl_arena *rpc_call_arena(const struct rpc_call *call)
{
	return call->arena;
}

struct timespec rpc_call_deadline(const struct rpc_call *call)
{
	return call->deadline;
}

bool rpc_call_cancelled(const struct rpc_call *call)
{
	return atomic_load(&call->cancelled);
}

const char *rpc_call_id(const struct rpc_call *call)
{
	return call->id;
}

const char *rpc_call_method(const struct rpc_call *call)
{
	return call->route->types->name;
}

struct fl_op rpc_call_op(struct rpc_call *call)
{
	return (struct fl_op){ call->id, call->deadline, call->arena, &call->progress };
}
