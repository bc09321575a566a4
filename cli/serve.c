/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"
#include "verbs.h"

static int serve_run(const struct invocation *invocation, struct fl_error *err)
{
	static const struct service_role role = { "serve", .controller = true, .node = true };

	return service_run(invocation->arena, &role, invocation->options, err);
}

const struct command serve_command = {
	.name = "serve",
	.operands = "",
	.summary = "serve controller and node on one socket: for one machine",
	.details =
		"The embedded default: the CSI controller and node services and the disk service "
		"in one process. "
		"Runs in the foreground and logs to standard error. SIGTERM ends it: calls in "
		"flight get the grace period; what is cut then is completed when it is asked "
		"for again, and the exit code is 1.",
	.sets = { SERVICE_SET },
	.options_size = sizeof(struct service_options),
	.run = serve_run,
};
