/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "call.h"
#include "library.h"

#define SERVER_ARMED 4      /* calls that can arrive at one moment without waiting for us */
#define SERVER_LOOK_MS 500  /* of silence, then somebody looks at the clock */
#define SERVER_STREAMS 100  /* calls at one time on one connection */
#define SERVER_LAST_MS 1000 /* for handlers to notice that their callers were cut */
#define SERVER_PLAIN 1      /* the set of compression algorithms that holds "none" only */

static void server_set_defaults(struct rpc_server_options *options)
{
	if (options->n_workers == 0)
		options->n_workers = 8;
	if (options->queue_length == 0)
		options->queue_length = 2048;
	if (options->max_request_bytes == 0)
		options->max_request_bytes = 1024 * 1024;
	if (options->arena_budget == 0)
		options->arena_budget = 16 * 1024 * 1024;
	if (options->max_deadline_ms == 0)
		options->max_deadline_ms = 5 * 60 * 1000;
	if (options->keepalive_ms == 0)
		options->keepalive_ms = 60 * 1000;
	if (options->max_connections == 0)
		options->max_connections = 256;
	if (options->max_queued_bytes == 0)
		options->max_queued_bytes = 32 * 1024 * 1024;
	if (options->max_held_bytes == 0)
		options->max_held_bytes = 64 * 1024 * 1024;
	if (options->max_arriving_bytes == 0)
		options->max_arriving_bytes = 128 * 1024 * 1024;
	if (options->patience_ms == 0)
		options->patience_ms = 60 * 1000;
}

static grpc_arg server_number(const char *key, int value)
{
	return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value };
}

static grpc_server *server_make(const struct rpc_server_options *options)
{
	int keepalive = (int)options->keepalive_ms;
	grpc_resource_quota *quota = grpc_resource_quota_create("server");
	grpc_arg args[] = {
		server_number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->max_request_bytes),
		server_number(GRPC_ARG_MAX_CONCURRENT_STREAMS, SERVER_STREAMS),
		/* A compressed megabyte could unpack to a gigabyte before anybody counts. */
		server_number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, SERVER_PLAIN),
		/* Sidecars hold idle connections for ever and must not lose them; peers that do
		 * not answer are cut. */
		server_number(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive),
		server_number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive),
		server_number(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
		server_number(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
		/* Neither is of use on a unix socket. */
		server_number(GRPC_ARG_HTTP2_BDP_PROBE, 0),
		server_number(GRPC_ARG_ENABLE_CHANNELZ, 0),
		/* Requests that never become whole would fill it: above the quota gRPC resets their
		 * streams. */
		{ .type = GRPC_ARG_POINTER,
		  .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
		  .value.pointer = { quota, grpc_resource_quota_arg_vtable() } },
	};
	grpc_channel_args channel_args = { FL_COUNT(args), args };

	grpc_resource_quota_resize(quota, options->max_arriving_bytes);
	grpc_server *server = grpc_server_create(&channel_args, NULL);
	grpc_resource_quota_unref(quota);
	return server;
}

static bool server_is_idle(struct rpc_server *server)
{
	pthread_mutex_lock(&server->lock);
	bool is_idle = server->n_calls <= SERVER_ARMED;
	pthread_mutex_unlock(&server->lock);
	return is_idle;
}

/* Nothing has happened for a while: cuts whose time is up and, when there are no calls at all,
 * gives back to the system what a storm of them has left. */
static void server_look(struct rpc_server *server)
{
	rpc_held_expire(server);
	if (!server_is_idle(server))
		return;
	malloc_trim(0);
	server->is_resting = true;
}

/* When to look: never while nobody is there. */
static gpr_timespec server_next_look(const struct rpc_server *server)
{
	if (server->is_resting)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			    gpr_time_from_millis(SERVER_LOOK_MS, GPR_TIMESPAN));
}

/* One completion.  One thread of the pool at a time is here, and only there completions are taken:
 * every socket moves only while one waits here.  All calls are armed here too, so that what is
 * found in them was written by whoever was here before. */
static bool server_poll(void *cookie)
{
	struct rpc_server *server = cookie;

	while (server->n_armed < SERVER_ARMED) {
		rpc_call_arm(server);
		server->n_armed++;
	}
	grpc_event event =
		grpc_completion_queue_next(server->queue, server_next_look(server), NULL);
	struct rpc_tag *tag = event.tag;

	if (event.type == GRPC_QUEUE_SHUTDOWN)
		return false;
	if (event.type == GRPC_QUEUE_TIMEOUT) {
		server_look(server);
		return true;
	}
	server->is_resting = false;
	tag->done(tag, event.success);
	rpc_held_expire(server);
	return true;
}

static void server_is_shut_down(struct rpc_tag *tag, bool ok)
{
	struct rpc_server *server =
		(struct rpc_server *)((char *)tag - offsetof(struct rpc_server, shutdown));

	(void)ok;
	pthread_mutex_lock(&server->lock);
	server->is_shut_down = true;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

static void server_init_lock(struct rpc_server *server)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&server->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&server->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* Joins the threads, then releases what they have left, or never began with. */
static void server_free(struct rpc_server *server)
{
	rpc_pool_free(server->pool);
	if (server->grpc) {
		grpc_server_destroy(server->grpc);
		grpc_completion_queue_destroy(server->queue);
		rpc_library_unref();
	}
	rpc_routes_free(server->routes);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static int server_start(struct rpc_server *server, struct fl_error *err)
{
	const struct rpc_server_options *options = &server->options;

	if (rpc_routes_new(options->services, options->n_services, &server->routes, err) < 0)
		return -1;
	if (rpc_pool_new(options->n_workers, options->queue_length, &server->pool, err) < 0)
		return -1;
	rpc_library_ref();
	server->grpc = server_make(options);
	server->queue = grpc_completion_queue_create_for_next(NULL);
	grpc_server_register_completion_queue(server->grpc, server->queue, NULL);
	grpc_server_start(server->grpc);
	rpc_pool_poll(server->pool, server_poll, server);
	return 0;
}

int rpc_server_new(const struct rpc_server_options *options, struct rpc_server **ret,
		   struct fl_error *err)
{
	struct rpc_server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->options = *options;
	server_set_defaults(&server->options);
	server->shutdown.done = server_is_shut_down;
	server_init_lock(server);
	if (server_start(server, err) < 0) {
		server_free(server);
		return -1;
	}
	*ret = server;
	return 0;
}

static void server_accepted(void *cookie, int fd)
{
	struct rpc_server *server = cookie;
	grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();

	grpc_server_add_channel_from_fd(server->grpc, fd, credentials);
	grpc_server_credentials_release(credentials);
}

int rpc_server_listen(struct rpc_server *server, const char *endpoint, mode_t mode,
		      struct fl_error *err)
{
	struct rpc_listener_options options = {
		.endpoint = endpoint,
		.mode = mode,
		.max_connections = server->options.max_connections,
		.accepted = server_accepted,
		.cookie = server,
	};

	return rpc_listener_open(&server->listeners, &options, err);
}

struct rpc_server_stats rpc_server_stats(struct rpc_server *server)
{
	return rpc_pool_stats(server->pool);
}

static bool server_has_answered_locked(const struct rpc_server *server)
{
	return server->n_working == 0;
}

static bool server_is_empty_locked(const struct rpc_server *server)
{
	return server->n_calls == 0 && server->is_shut_down;
}

/* False when it has not become true within `ms`. */
static bool server_wait(struct rpc_server *server, bool (*is_true)(const struct rpc_server *),
			uint64_t ms)
{
	struct timespec deadline = fl_clock_after_ms(ms);
	int failure = 0;

	pthread_mutex_lock(&server->lock);
	while (!is_true(server) && failure == 0)
		failure = pthread_cond_timedwait(&server->changed, &server->lock, &deadline);
	bool result = is_true(server);
	pthread_mutex_unlock(&server->lock);
	return result;
}

int rpc_server_stop(struct rpc_server *server, uint64_t grace_ms, struct fl_error *err)
{
	rpc_listener_close_all(server->listeners);
	server->listeners = NULL;
	/* From here on armed calls come back unused, and new ones are refused. */
	grpc_server_shutdown_and_notify(server->grpc, server->queue, &server->shutdown);
	server_wait(server, server_has_answered_locked, grace_ms);
	/* Also cuts connections whose peers are idle, or began a request and sent no more of it. */
	grpc_server_cancel_all_calls(server->grpc);
	if (!server_wait(server, server_is_empty_locked, SERVER_LAST_MS))
		return fl_error_set(err, FL_TIMEOUT,
				    "%u calls are still at work %llu ms after the stop",
				    rpc_server_stats(server).running,
				    (unsigned long long)grace_ms + SERVER_LAST_MS);
	grpc_completion_queue_shutdown(server->queue);
	server_free(server);
	return 0;
}
