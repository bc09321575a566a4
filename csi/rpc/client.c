/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <pthread.h>
#include <stdlib.h>

#include "client_call.h"
#include "connection.h"
#include "endpoint.h"
#include "library.h"

#define CLIENT_MESSAGE_BUDGET (64 * 1024 * 1024) /* of one message of a stream, unpacked */

struct rpc_client {
	struct sockaddr_un address;
	pthread_mutex_t lock;
	struct rpc_connection *connection; /* NULL before the first call and after a break */
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

static int client_connect(struct rpc_client *client, struct timespec deadline,
			  struct rpc_connection **ret, struct fl_error *err)
{
	pthread_mutex_lock(&client->lock);
	int result = client_connect_locked(client, deadline, err);
	if (result == 0) {
		*ret = client->connection;
		(*ret)->refs++;
	}
	pthread_mutex_unlock(&client->lock);
	return result;
}

/* A connection whose server said "unavailable" may be to one that is stopping while its successor
 * listens already: the next call makes a new one. */
static void client_disconnect(struct rpc_client *client, struct rpc_connection *connection,
			      grpc_status_code status)
{
	pthread_mutex_lock(&client->lock);
	if (status == GRPC_STATUS_UNAVAILABLE && client->connection == connection) {
		rpc_connection_unref(client->connection);
		client->connection = NULL;
	}
	rpc_connection_unref(connection);
	pthread_mutex_unlock(&client->lock);
}

int rpc_client_call(struct rpc_client *client, struct fl_arena *arena,
		    const struct rpc_request *request, const void **ret, struct fl_error *err)
{
	struct rpc_connection *connection;
	struct client_call call;
	const void *answer = NULL;

	if (client_call_init(&call, request, err) < 0 ||
	    client_connect(client, call.deadline, &connection, err) < 0)
		return -1;
	client_call_start(&call, connection->channel);
	grpc_byte_buffer *body = client_call_ask(&call);
	if (client_call_result(&call, err) < 0)
		grpc_byte_buffer_destroy(body);
	else if (body)
		answer = client_call_unpack(&call, arena, body, err);
	else
		fl_error_set(err, FL_INTERNAL, "%s was answered without a message",
			     request->method);
	client_call_end(&call);
	client_disconnect(client, connection, call.status);
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
	const void *message = client_call_unpack(call, arena, body, err);

	return message ? each(cookie, message, err) : -1;
}

int rpc_client_stream(struct rpc_client *client, const struct rpc_request *request,
		      int (*each)(void *cookie, const void *message, struct fl_error *err),
		      void *cookie, struct fl_error *err)
{
	struct rpc_connection *connection;
	struct client_call call;
	grpc_byte_buffer *body;
	int result = 0;

	if (client_call_init(&call, request, err) < 0 ||
	    client_connect(client, call.deadline, &connection, err) < 0)
		return -1;
	client_call_start(&call, connection->channel);
	if (client_call_send(&call)) {
		while (result == 0 && (body = client_call_receive(&call)))
			result = client_deliver(&call, body, each, cookie, err);
	}
	if (result < 0)
		grpc_call_cancel(call.grpc, NULL);
	client_call_finish(&call);
	if (result == 0)
		result = client_call_result(&call, err);
	client_call_end(&call);
	client_disconnect(client, connection, call.status);
	return result;
}
