/* SPDX-License-Identifier: Apache-2.0 */
/* Service: a process that serves CSI until it is asked to end.
 *
 * Start: the configuration is checked whole, then pools are opened, sockets made, and only then is
 * the service ready.  End (SIGTERM, SIGINT): nothing new is accepted, calls in flight get the grace
 * period, then the process ends; the storage is left so that repeated calls complete what was
 * cut. */
#pragma once

#include "options.h"

struct service_options {
	const char *config;
	const char *endpoint;
	const char *node_id;
	const char *metrics;
	const char *log_level;
	uint64_t grace_ms;
	bool check;
};

extern const struct cli_option service_rows[];
#define SERVICE_SET                                                                                \
	{                                                                                          \
		service_rows, 7                                                                    \
	}

struct service_role {
	const char *name; /* "serve", "controller", "node" */
	bool controller;
	bool node;
};

/* Returns when the process shall end: 0, -1 with *err when it could not start, or an exit code. */
int service_run(struct fl_arena *arena, const struct service_role *role,
		const struct service_options *options, struct fl_error *err) fl_must_check;
