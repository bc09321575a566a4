/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"
#include "verbs.h"

static int node_run(const struct invocation *invocation, struct fl_error *err)
{
	static const struct service_role role = { "node", .controller = false, .node = true };

	return service_run(invocation->arena, &role, invocation->options, err);
}

const struct command node_command = {
	.name = "node",
	.operands = "",
	.summary = "serve the CSI node service and the disk service",
	.details =
		"Makes volumes kernel devices and mounted file systems on this machine, and hands "
		"disks to launchers. "
		"Runs in the foreground and logs to standard error. SIGTERM ends it: calls in "
		"flight get the grace period; what is cut then is completed when it is asked "
		"for again, and the exit code is 1.",
	.sets = { SERVICE_SET },
	.options_size = sizeof(struct service_options),
	.run = node_run,
};
