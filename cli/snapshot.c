/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "csi/rpc/map.h"
#include "describe.h"
#include "lookup.h"
#include "verbs.h"

#define SNAPSHOT_POLL_MS 250

static struct output_format snapshot_format(const char *output)
{
	return (struct output_format){ describe_snapshot_columns, describe_n_snapshot_columns,
				       output };
}

struct snapshot_create_options {
	struct client_options client;
	struct cli_pairs parameters;
	bool no_wait;
};

static int snapshot_ask(struct orchestrator *o, const Csi__V1__CreateSnapshotRequest *request,
			const Csi__V1__Snapshot **ret, struct fl_error *err)
{
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "CreateSnapshot",
					  request, false };
	const void *reply;

	if (orchestrator_call(o, &call, &reply, err) < 0)
		return -1;
	*ret = ((const Csi__V1__CreateSnapshotResponse *)reply)->snapshot;
	return *ret ? 0 : fl_error_set(err, FL_INTERNAL, "the service made no snapshot");
}

/* As the snapshotter does: the same request until the snapshot is ready. */
static int snapshot_wait(struct orchestrator *o, const Csi__V1__CreateSnapshotRequest *request,
			 const Csi__V1__Snapshot **ret, struct fl_error *err)
{
	while (!(*ret)->ready_to_use) {
		if (fl_clock_passed(o->deadline))
			return fl_error_set(err, FL_TIMEOUT,
					    "snapshot %s is cut but not ready yet: repeat the "
					    "command to wait for it",
					    (*ret)->snapshot_id);
		progress_say(&o->progress, "the snapshot is cut and being copied");
		fl_clock_sleep_ms(SNAPSHOT_POLL_MS);
		if (snapshot_ask(o, request, ret, err) < 0)
			return -1;
	}
	progress_end(&o->progress);
	return 0;
}

static int snapshot_create_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct snapshot_create_options *options = invocation->options;
	Csi__V1__CreateSnapshotRequest request = CSI__V1__CREATE_SNAPSHOT_REQUEST__INIT;
	struct output_format format = snapshot_format(options->client.output);
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *object = NULL;
	const Csi__V1__Snapshot *snapshot;
	const char *volume;

	if (orchestrator_open(invocation->arena, &options->client, &o, err) < 0 ||
	    lookup_volume_id(&o, invocation->operands.items[0], &volume, err) < 0)
		return -1;
	request.source_volume_id = (char *)volume;
	request.name = (char *)invocation->operands.items[1];
	request.n_parameters = options->parameters.n;
	request.parameters = rpc_map_entries(
		o.arena, &csi__v1__create_snapshot_request__parameters_entry__descriptor,
		options->parameters.items, options->parameters.n);
	if (snapshot_ask(&o, &request, &snapshot, err) < 0 ||
	    (!options->no_wait && snapshot_wait(&o, &request, &snapshot, err) < 0))
		return -1;
	object = describe_snapshot(snapshot);
	output_object(invocation->arena, &format, object);
	return 0;
}

static const struct cli_option snapshot_create_rows[] = {
	{ .name = "param",
	  .kind = CLI_PAIRS,
	  .offset = offsetof(struct snapshot_create_options, parameters),
	  .value = "KEY=VALUE",
	  .help = "a parameter, as in a VolumeSnapshotClass; may be repeated" },
	{ .name = "no-wait",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct snapshot_create_options, no_wait),
	  .help = "return when the point in time is cut, not when the snapshot is ready" },
};

const struct command snapshot_create_command = {
	.name = "snapshot create",
	.operands = "VOLUME NAME",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "take a snapshot of a volume, also while it is written to",
	.details =
		"Of a pool that cannot cut, the copy goes on after --no-wait, and the disk cannot be "
		"unplugged before it is settled: repeat the command, or list the snapshot, until "
		"it is ready.",
	.sets = { { snapshot_create_rows, FL_COUNT(snapshot_create_rows) }, CLIENT_SET },
	.options_size = sizeof(struct snapshot_create_options),
	.run = snapshot_create_run,
};

struct snapshot_list_options {
	struct client_options client;
	const char *volume;
};

static int snapshot_list_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct snapshot_list_options *options = invocation->options;
	struct output_format format = snapshot_format(options->client.output);
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *list = json_array();
	struct snapshot_entries entries;
	const char *volume = NULL;

	if (orchestrator_open(invocation->arena, &options->client, &o, err) < 0 ||
	    (options->volume && lookup_volume_id(&o, options->volume, &volume, err) < 0) ||
	    listing_snapshots(&o, volume, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.n; i++)
		json_array_append_new(list, describe_snapshot(entries.items[i]));
	output_list(invocation->arena, &format, list);
	return 0;
}

static const struct cli_option snapshot_list_rows[] = {
	{ .name = "volume",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct snapshot_list_options, volume),
	  .value = "VOLUME",
	  .help = "only those of this volume" },
};

const struct command snapshot_list_command = {
	.name = "snapshot list",
	.operands = "",
	.summary = "list snapshots",
	.sets = { { snapshot_list_rows, FL_COUNT(snapshot_list_rows) }, CLIENT_SET },
	.options_size = sizeof(struct snapshot_list_options),
	.run = snapshot_list_run,
};

static int snapshot_delete_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	Csi__V1__DeleteSnapshotRequest request = CSI__V1__DELETE_SNAPSHOT_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "DeleteSnapshot",
					  &request, false };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	const void *reply;
	const char *id;

	if (orchestrator_open(invocation->arena, options, &o, err) < 0 ||
	    lookup_snapshot_id(&o, invocation->operands.items[0], &id, err) < 0)
		return -1;
	request.snapshot_id = (char *)id;
	return orchestrator_call(&o, &call, &reply, err);
}

const struct command snapshot_delete_command = {
	.name = "snapshot delete",
	.operands = "SNAPSHOT",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "delete a snapshot",
	.details = "An id (not a bare name) of what is gone already is success.",
	.sets = { CLIENT_QUIET_SET },
	.options_size = sizeof(struct client_options),
	.run = snapshot_delete_run,
};
