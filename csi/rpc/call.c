/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <grpc/support/alloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "message.h"
#include "queue.h"

void rpc_call_unref(struct rpc_call *call)
{
	struct rpc_server *server = call->server;
	bool was_working = call->is_working, was_stream = call->is_stream;

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
	server->n_working -= was_working;
	server->n_streams -= was_stream;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

void rpc_call_start(struct rpc_call *call, const grpc_op *ops, size_t n, struct rpc_tag *tag)
{
	atomic_fetch_add(&call->refs, 1);
	/* An error means that nothing was started, so no completion will come. */
	if (grpc_call_start_batch(call->grpc, ops, n, tag, NULL) != GRPC_CALL_OK)
		tag->done(tag, false);
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
	rpc_call_finish(call, &result, answer);
}

static void call_run(struct rpc_job *job)
{
	struct rpc_call *call = CALL_OF(job, job);
	const struct rpc_server_options *options = &call->server->options;

	call->started_us = fl_clock_us();
	rpc_queue_leave(call);
	if (atomic_load(&call->cancelled) || fl_clock_passed(call->deadline)) {
		rpc_call_refuse(call, FL_TIMEOUT, "the caller left before %s began",
				call->route->types->name);
		return;
	}
	call->deadline =
		fl_clock_earlier(call->deadline, fl_clock_after_ms(options->max_deadline_ms));
	call->request = rpc_message_unpack(call->arena, call->route->types->input, call->payload);
	if (!call->request) {
		rpc_call_refuse(call, FL_INVALID,
				"the request of %s is malformed, has a NUL byte in a text, or "
				"unpacks to more than %zu bytes",
				call->route->types->name, options->arena_budget);
		return;
	}
	call_handle(call);
}

static void call_received(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, received);
	struct rpc_server *server = call->server;
	const char *name = call->route->types->name;

	rpc_held_remove(call);
	pthread_mutex_lock(&server->lock);
	call->is_working = true;
	server->n_working++;
	pthread_mutex_unlock(&server->lock);
	if (!ok || !call->payload)
		/* Too large: gRPC has said so to the caller already; this is for the log. */
		rpc_call_refuse(
			call, FL_INVALID,
			"the request of %s did not arrive whole: it is larger than %zu bytes, "
			"absent, or its caller left",
			name, server->options.max_request_bytes);
	else if (call->route->method->flags & RPC_QUICK)
		call_run(&call->job);
	else
		rpc_queue_enter(call);
}

static void call_closed(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, closed);

	(void)ok; /* always true: the answer is in closed_early */
	if (call->closed_early)
		atomic_store(&call->cancelled, true);
	rpc_call_unref(call);
}

static void call_finished(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, finished);

	(void)ok; /* false: the caller is gone, which `closed` tells */
	rpc_held_remove(call);
	rpc_call_unref(call);
}

/* gRPC names a connection that was handed over as "fd:N". */
static int call_socket(grpc_call *grpc)
{
	char *name = grpc_call_get_peer(grpc);
	int fd = -1;

	if (name && sscanf(name, "fd:%d", &fd) != 1)
		fd = -1;
	gpr_free(name);
	return fd;
}

/* The process at its other end is for the log only. */
static pid_t call_peer(int fd)
{
	struct ucred credentials = { 0 };
	socklen_t size = sizeof(credentials);

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
	return credentials.pid;
}

void rpc_call_hang_up(struct rpc_call *call)
{
	fl_log(FL_LOG_WARNING, "cut", "%s: its caller takes nothing: its connection is closed",
	       call->id);
	/* If gRPC closed it in this very moment, what has its number now is at most another
	 * connection of that process. */
	if (call->peer && call_peer(call->socket_fd) == call->peer)
		(void)shutdown(call->socket_fd, SHUT_RDWR);
}

/* What gRPC filled in while the call was armed becomes ours. */
static void call_begin(struct rpc_call *call)
{
	static atomic_ulong last_id;
	gpr_timespec deadline = call->details.deadline;
	/* Saturates: a caller without a deadline has weeks. */
	int32_t left = gpr_time_to_millis(gpr_time_sub(deadline, gpr_now(deadline.clock_type)));
	grpc_slice path = call->details.method;
	struct rpc_server *server = call->server;

	call->arrived_us = fl_clock_us();
	call->deadline = fl_clock_after_ms(left > 0 ? (uint64_t)left : 0);
	call->socket_fd = call_socket(call->grpc);
	call->peer = call_peer(call->socket_fd);
	call->arena = fl_arena_new(server->options.arena_budget);
	snprintf(call->id, sizeof(call->id), "r%lu", atomic_fetch_add(&last_id, 1) + 1);
	call->route = rpc_routes_find(server->routes, (const char *)GRPC_SLICE_START_PTR(path),
				      GRPC_SLICE_LENGTH(path));
}

static void call_watch_close(struct rpc_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	/* Its own batch: together with the status it would tell of a leaving caller only after the
	 * answer. */
	op.data.recv_close_on_server.cancelled = &call->closed_early;
	rpc_call_start(call, &op, 1, &call->closed);
}

static void call_accepted(struct rpc_tag *tag, bool ok)
{
	struct rpc_call *call = CALL_OF(tag, accepted);
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (!ok) { /* the server shuts down */
		rpc_call_unref(call);
		return;
	}
	rpc_call_arm(call->server);
	call_begin(call);
	call_watch_close(call);
	if (!call->route) {
		rpc_call_refuse(call, FL_UNSUPPORTED, "%.*s is not served here",
				(int)GRPC_SLICE_LENGTH(call->details.method),
				(const char *)GRPC_SLICE_START_PTR(call->details.method));
	} else if (!call->route->method->handler) {
		rpc_call_refuse(call, FL_UNSUPPORTED,
				"%s is not offered here: see what the plugin and its "
				"services say they can do",
				call->route->types->name);
	} else {
		op.data.recv_message.recv_message = &call->payload;
		rpc_held_add(call, 0, "send the whole request");
		rpc_call_start(call, &op, 1, &call->received);
		rpc_call_unref(call);
	}
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
	call->sent.done = rpc_call_sent;
	call->finished.done = call_finished;
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	pthread_mutex_lock(&server->lock);
	server->n_calls++;
	pthread_mutex_unlock(&server->lock);
	if (grpc_server_request_call(server->grpc, &call->grpc, &call->details, &call->metadata,
				     server->queue, server->queue, &call->accepted) != GRPC_CALL_OK)
		rpc_call_unref(call);
}

struct fl_arena *rpc_call_arena(const struct rpc_call *call)
{
	return call->arena;
}

bool rpc_call_cancelled(const struct rpc_call *call)
{
	return atomic_load(&call->cancelled);
}

void *rpc_call_cookie(const struct rpc_call *call)
{
	return call->route->service->cookie;
}

struct fl_op rpc_call_op(struct rpc_call *call)
{
	return (struct fl_op){ call->id, call->deadline, call->arena, &call->progress };
}
