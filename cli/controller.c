/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"
#include "verbs.h"

static int controller_run(const struct invocation *invocation, struct fl_error *err)
{
	static const struct service_role role = { "controller", .controller = true, .node = false };

	return service_run(invocation->arena, &role, invocation->options, err);
}

const struct command controller_command = {
	.name = "controller",
	.operands = "",
	.summary = "serve the CSI controller service",
	.details =
		"Creates, deletes, grows and snapshots volumes, and grants a node the right to write. "
		"Runs in the foreground and logs to standard error. SIGTERM ends it: calls in "
		"flight get the grace period; what is cut then is completed when it is asked "
		"for again, and the exit code is 1.",
	.sets = { SERVICE_SET },
	.options_size = sizeof(struct service_options),
	.run = controller_run,
};
