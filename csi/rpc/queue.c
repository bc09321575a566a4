/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <grpc/byte_buffer.h>

#include "call.h"

/* The payload counts; false when it would be too much. */
static bool queue_add_bytes(struct rpc_call *call)
{
	struct rpc_server *server = call->server;
	size_t bytes = grpc_byte_buffer_length(call->payload);

	pthread_mutex_lock(&server->lock);
	bool fits = server->queued_bytes + bytes <= server->options.max_queued_bytes;
	if (fits) {
		call->payload_bytes = bytes;
		server->queued_bytes += bytes;
	}
	pthread_mutex_unlock(&server->lock);
	return fits;
}

/* Half of the workers: each stream holds one for as long as its caller takes to read. */
static unsigned queue_max_streams(const struct rpc_server *server)
{
	return (server->options.n_workers + 1) / 2;
}

static bool queue_add_stream(struct rpc_call *call)
{
	struct rpc_server *server = call->server;

	if (!(call->route->method->flags & RPC_STREAM))
		return true;
	pthread_mutex_lock(&server->lock);
	call->is_stream = server->n_streams < queue_max_streams(server);
	server->n_streams += call->is_stream;
	pthread_mutex_unlock(&server->lock);
	return call->is_stream;
}

void rpc_queue_enter(struct rpc_call *call)
{
	const struct rpc_server_options *options = &call->server->options;
	const char *name = call->route->types->name;

	if (!queue_add_stream(call)) {
		rpc_call_refuse(call, FL_UNAVAILABLE,
				"%s has to come again: %u streams are being read already", name,
				queue_max_streams(call->server));
	} else if (!queue_add_bytes(call)) {
		rpc_call_refuse(call, FL_UNAVAILABLE,
				"%s has to come again: %zu bytes of requests wait for a worker "
				"already",
				name, options->max_queued_bytes);
	} else if (rpc_pool_submit(call->server->pool, &call->job) < 0) {
		rpc_queue_leave(call);
		rpc_call_refuse(call, FL_UNAVAILABLE,
				"%s has to come again: %u calls wait for a worker already", name,
				options->queue_length);
	}
}

void rpc_queue_leave(struct rpc_call *call)
{
	struct rpc_server *server = call->server;

	pthread_mutex_lock(&server->lock);
	server->queued_bytes -= call->payload_bytes;
	call->payload_bytes = 0;
	pthread_mutex_unlock(&server->lock);
}
