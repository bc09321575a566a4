/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "census.h"
#include "controller/controller.h"
#include "controller/group.h"
#include "controller/place.h"
#include "csi/identity.h"
#include "csi/rpc/endpoint.h"
#include "edge.h"
#include "exit.h"
#include "gauges.h"
#include "http.h"
#include "node/node.h"
#include "notify.h"
#include "run.h"

#define SERVICE_SOCKET_MODE 0600
#define SERVICE_OPEN_MS 60000                 /* for opening all pools */
#define SERVICE_MAX (CONTROLLER_SERVICES + 2) /* with Identity and Node */
#define SERVICE_SOCKET_SPARE 16 /* for the name that the socket has before it is renamed */

static const char *const service_levels[] = { "debug", "info", "warning", "error", NULL };

const struct cli_option service_rows[] = {
	{ .name = "config",
	  .kind = CLI_PATH,
	  .offset = offsetof(struct service_options, config),
	  .value = "FILE",
	  .environment = "FAIRLEAD_CONFIG",
	  .help = "the configuration; without one there is the pool `default`" },
	{ .name = "endpoint",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct service_options, endpoint),
	  .value = "unix:///PATH",
	  .environment = "CSI_ENDPOINT",
	  .help = "the socket; default: csi.sock (serve), controller.sock or node.sock in "
		  "$FAIRLEAD_RUN" },
	{ .name = "node-id",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct service_options, node_id),
	  .value = "ID",
	  .help = "this machine's id in CSI; default: `node: id` of the configuration, else the "
		  "host name" },
	{ .name = "metrics",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct service_options, metrics),
	  .value = "HOST:PORT",
	  .help = "serve /metrics, /healthz and /readyz over HTTP; off by default" },
	{ .name = "log-level",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct service_options, log_level),
	  .value = "LEVEL",
	  .otherwise = "info",
	  .words = service_levels,
	  .help = "the least level that is logged" },
	{ .name = "grace",
	  .kind = CLI_DURATION,
	  .offset = offsetof(struct service_options, grace_ms),
	  .value = "TIME",
	  .otherwise = "10s",
	  .help = "how long calls in flight may go on when the service is asked to end" },
	{ .name = "check",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct service_options, check),
	  .help = "only check the configuration and the options" },
};

/* What runs, in the order in which it was started. */
struct service {
	const struct service_role *role;
	const struct service_options *options;
	const char *endpoint;
	struct fl_settings settings;
	sigset_t signals;
	struct http *http;
	struct fl_pools *pools;
	struct controller *controller;
	struct node *node;
	struct identity identity;
	struct rpc_service identity_service;
	const struct rpc_service *served[SERVICE_MAX];
	size_t n_served;
	struct rpc_server *server;
	struct census *census;
};

/* What /readyz waits for; NULL once the socket is served. */
static const char *_Atomic service_waits = "the pools are being opened";

static const char *service_not_ready(void)
{
	return service_waits;
}

static const struct http_content service_content = { gauges_render, service_not_ready };

static int service_check(struct fl_arena *arena, struct service *s, struct fl_error *err)
{
	const struct service_options *options = s->options;
	struct sockaddr_un address;

	if (fl_settings_load(arena, options->config, &s->settings, err) < 0)
		return -1;
	if (options->node_id && !fl_node_id_is_good(options->node_id))
		return fl_error_set(err, FL_INVALID,
				    "--node-id: \"%.80s\" is not 1 to 63 letters, digits, dots, "
				    "dashes and underscores that begin and end with a letter or "
				    "digit",
				    options->node_id);
	if (options->node_id)
		s->settings.node.id = options->node_id;
	if (options->metrics && http_check_address(options->metrics, err) < 0)
		return fl_error_prefix(err, "--metrics");
	s->endpoint = options->endpoint ? options->endpoint : run_endpoint(arena, s->role->name);
	return rpc_endpoint_address(s->endpoint, SERVICE_SOCKET_SPARE, &address, err);
}

/* Threads inherit the mask: it is set before there are any.  Two arenas and early trimming keep a
 * process of twenty threads small. */
static void service_prepare(struct service *s)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	sigemptyset(&s->signals);
	sigaddset(&s->signals, SIGTERM);
	sigaddset(&s->signals, SIGINT);
	sigaddset(&s->signals, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
	sigdelset(&s->signals, SIGPIPE);
}

static int service_open_pools(struct service *s, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { .id = "start",
			    .deadline = fl_clock_after_ms(SERVICE_OPEN_MS),
			    .arena = arena };

	if (fl_pools_open(&s->settings, &op, &s->pools, err) < 0)
		return -1;
	for (size_t i = 0; i < s->settings.n_pools; i++) {
		s->identity.can_expand |= s->settings.backends[i]->resize != NULL;
		if (s->settings.backends[i]->changes)
			s->identity.services |= 1u << IDENTITY_SNAPSHOT_METADATA_SERVICE;
		if (group_is_offered(s->settings.backends[i]))
			s->identity.services |= 1u << IDENTITY_GROUP_CONTROLLER;
	}
	if (place_is_constrained(s->pools))
		s->identity.services |= 1u << IDENTITY_VOLUME_ACCESSIBILITY;
	if (place_constrains_snapshots(s->pools))
		s->identity.services |= 1u << IDENTITY_SNAPSHOT_ACCESSIBILITY;
	return 0;
}

static int service_start_parts(struct service *s, struct fl_error *err)
{
	s->identity_service = identity_service(&s->identity);
	s->served[s->n_served++] = &s->identity_service;
	if (s->role->controller) {
		s->controller = controller_new(s->pools);
		for (size_t i = 0; i < CONTROLLER_SERVICES; i++)
			s->served[s->n_served++] = &s->controller->services[i];
	}
	if (s->role->node) {
		if (node_new(s->pools, &s->node, err) < 0)
			return -1;
		s->served[s->n_served++] = &s->node->service;
	}
	return 0;
}

static int service_listen(struct service *s, struct fl_error *err)
{
	struct rpc_server_options options = {
		.services = s->served,
		.n_services = s->n_served,
		.max_deadline_ms = s->settings.operation_timeout_ms,
		.on_done = edge_done,
	};

	if (rpc_server_new(&options, &s->server, err) < 0)
		return -1;
	gauges_init(s->server, s->pools->busy, s->node ? s->node->busy : NULL);
	s->identity.ready = true;
	return rpc_server_listen(s->server, s->endpoint, SERVICE_SOCKET_MODE, err);
}

static int service_start(struct fl_arena *arena, struct service *s, struct fl_error *err)
{
	edge_init();
	if (fl_file_make_dirs(run_directory(arena), 0755, err) < 0)
		return -1;
	if (s->options->metrics &&
	    http_start(s->options->metrics, &service_content, &s->http, err) < 0)
		return -1;
	if (service_open_pools(s, err) < 0 || service_start_parts(s, err) < 0 ||
	    service_listen(s, err) < 0)
		return -1;
	if (s->options->metrics && s->role->controller &&
	    census_start(s->pools, &s->census, err) < 0)
		return -1;
	service_waits = NULL;
	notify_manager("READY=1");
	fl_log(FL_LOG_INFO, "ready", "fairlead %s %s serves %s as node %s", FL_VERSION,
	       s->role->name, s->endpoint, s->settings.node.id);
	return 0;
}

static int service_stop_server(struct service *s)
{
	struct fl_error err = { 0 };

	if (!s->server)
		return 0;
	if (rpc_server_stop(s->server, s->options->grace_ms, &err) == 0)
		return 0;
	fl_log(FL_LOG_WARNING, "cut", "%s: ending all the same; repeated calls complete it",
	       err.text);
	return -1;
}

static int service_stop_census(struct service *s)
{
	if (census_stop(s->census) == 0)
		return 0;
	fl_log(FL_LOG_WARNING, "cut", "a pool does not answer the census: ending all the same");
	return -1;
}

/* -1: calls are still at work on what would be released. */
static int service_stop(struct service *s)
{
	service_waits = "the service is ending";
	notify_manager("STOPPING=1");
	if (service_stop_server(s) < 0 || service_stop_census(s) < 0)
		return -1;
	gauges_end();
	http_stop(s->http);
	node_free(s->node);
	controller_free(s->controller);
	fl_pools_close(s->pools);
	return 0;
}

static int service_wait(struct service *s)
{
	int signal = 0;

	while (sigwait(&s->signals, &signal) != 0)
		;
	fl_log(FL_LOG_INFO, "ending", "%s: calls in flight have %llu s", strsignal(signal),
	       (unsigned long long)s->options->grace_ms / 1000);
	if (service_stop(s) < 0)
		_exit(CLI_FAILED);
	fl_log(FL_LOG_INFO, "ended", "everything is released");
	return CLI_DONE;
}

int service_run(struct fl_arena *arena, const struct service_role *role,
		const struct service_options *options, struct fl_error *err)
{
	struct service s = { .role = role, .options = options };
	enum fl_log_level level;

	if (fl_log_parse_level(options->log_level, &level, err) < 0 ||
	    service_check(arena, &s, err) < 0)
		return -1;
	if (options->check) {
		printf("the configuration is good: %zu pool%s, node %s\n", s.settings.n_pools,
		       s.settings.n_pools == 1 ? "" : "s", s.settings.node.id);
		return CLI_DONE;
	}
	fl_log_set_level(level);
	service_prepare(&s);
	if (service_start(arena, &s, err) == 0)
		return service_wait(&s);
	if (service_stop(&s) < 0)
		_exit(CLI_FAILED);
	return -1;
}
