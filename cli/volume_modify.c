/* SPDX-License-Identifier: Apache-2.0 */
#include "csi/rpc/map.h"
#include "lookup.h"
#include "verbs.h"

struct volume_modify_options {
	struct client_options client;
	struct cli_pairs set;
};

static int volume_modify_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct volume_modify_options *options = invocation->options;
	Csi__V1__ControllerModifyVolumeRequest request =
		CSI__V1__CONTROLLER_MODIFY_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerModifyVolume", &request, false };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	const void *reply;
	const char *id;

	if (options->set.n == 0)
		return fl_error_set(err, FL_INVALID, "--set KEY=VALUE is missing");
	if (orchestrator_open(invocation->arena, &options->client, &o, err) < 0 ||
	    lookup_volume_id(&o, invocation->operands.items[0], &id, err) < 0)
		return -1;
	request.volume_id = (char *)id;
	request.n_mutable_parameters = options->set.n;
	request.mutable_parameters = rpc_map_entries(
		o.arena,
		&csi__v1__controller_modify_volume_request__mutable_parameters_entry__descriptor,
		options->set.items, options->set.n);
	return orchestrator_call(&o, &call, &reply, err);
}

static const struct cli_option volume_modify_rows[] = {
	{ .name = "set",
	  .kind = CLI_PAIRS,
	  .offset = offsetof(struct volume_modify_options, set),
	  .value = "KEY=VALUE",
	  .help = "a mutable parameter, as in a VolumeAttributesClass; may be repeated" },
};

const struct command volume_modify_command = {
	.name = "volume modify",
	.operands = "VOLUME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "change how fast a VM may use a volume, also while it does",
	.details =
		"Keys are iops, iops_read, iops_write (requests per second), bandwidth, "
		"bandwidth_read and bandwidth_write (bytes per second, such as 100Mi). 0 takes a "
		"limit away; keys that are not named stay as they are.",
	.sets = { { volume_modify_rows, FL_COUNT(volume_modify_rows) }, CLIENT_QUIET_SET },
	.options_size = sizeof(struct volume_modify_options),
	.run = volume_modify_run,
};
