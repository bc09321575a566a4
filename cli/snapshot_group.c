/* SPDX-License-Identifier: Apache-2.0 */
/* Group snapshots.  The service takes the ids of a group's snapshots to prove that it means the
 * same group as we do; they are read from the list of snapshots. */
#include <string.h>

#include "csi/rpc/map.h"
#include "describe.h"
#include "lookup.h"
#include "verbs.h"

#define GROUP_POLL_MS 250
#define GROUP_VOLUMES_MAX 64

static struct output_format group_format(const char *output)
{
	return (struct output_format){ describe_group_columns, describe_n_group_columns, output };
}

/* For people the snapshots follow as a table of their own. */
static void group_print(struct fl_arena *arena, const char *output,
			const Csi__V1__VolumeGroupSnapshot *group)
{
	struct output_format format = group_format(output);
	const struct output_format members = { describe_snapshot_columns,
					       describe_n_snapshot_columns, output };
	fl_cleanup(fl_json_release) json_t *object = describe_group(group);

	output_object(arena, &format, object);
	if (strcmp(output, "table") != 0)
		return;
	printf("\n");
	output_list(arena, &members, json_object_get(object, "snapshots"));
}

static int group_ask(struct orchestrator *o,
		     const Csi__V1__CreateVolumeGroupSnapshotRequest *request,
		     const Csi__V1__VolumeGroupSnapshot **ret, struct fl_error *err)
{
	struct orchestrator_call call = { &csi__v1__group_controller__descriptor,
					  "CreateVolumeGroupSnapshot", request, false };
	const void *reply;

	if (orchestrator_call(o, &call, &reply, err) < 0)
		return -1;
	*ret = ((const Csi__V1__CreateVolumeGroupSnapshotResponse *)reply)->group_snapshot;
	return *ret ? 0 : fl_error_set(err, FL_INTERNAL, "the service made no group snapshot");
}

/* As the snapshotter does: the same request until all snapshots are ready. */
static int group_wait(struct orchestrator *o,
		      const Csi__V1__CreateVolumeGroupSnapshotRequest *request,
		      const Csi__V1__VolumeGroupSnapshot **ret, struct fl_error *err)
{
	while (!(*ret)->ready_to_use) {
		if (fl_clock_passed(o->deadline))
			return fl_error_set(
				err, FL_TIMEOUT,
				"group snapshot %s is cut but not ready yet: repeat the "
				"command to wait for it",
				(*ret)->group_snapshot_id);
		progress_say(&o->progress, "the snapshots are cut and being copied");
		fl_clock_sleep_ms(GROUP_POLL_MS);
		if (group_ask(o, request, ret, err) < 0)
			return -1;
	}
	progress_end(&o->progress);
	return 0;
}

struct group_create_options {
	struct client_options client;
	struct cli_pairs parameters;
	bool no_wait;
};

static int group_create_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct group_create_options *options = invocation->options;
	Csi__V1__CreateVolumeGroupSnapshotRequest request =
		CSI__V1__CREATE_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	const struct fl_strings *words = &invocation->operands;
	const Csi__V1__VolumeGroupSnapshot *group;

	if (orchestrator_open(invocation->arena, &options->client, &o, err) < 0)
		return -1;
	request.name = (char *)words->items[0];
	request.source_volume_ids = fl_arena_array(o.arena, words->n, sizeof(char *));
	for (size_t i = 1; i < words->n; i++) {
		const char *id;

		if (lookup_volume_id(&o, words->items[i], &id, err) < 0)
			return -1;
		request.source_volume_ids[request.n_source_volume_ids++] = (char *)id;
	}
	request.n_parameters = options->parameters.n;
	request.parameters = rpc_map_entries(
		o.arena,
		&csi__v1__create_volume_group_snapshot_request__parameters_entry__descriptor,
		options->parameters.items, options->parameters.n);
	if (group_ask(&o, &request, &group, err) < 0 ||
	    (!options->no_wait && group_wait(&o, &request, &group, err) < 0))
		return -1;
	group_print(invocation->arena, options->client.output, group);
	return 0;
}

static const struct cli_option group_create_rows[] = {
	{ .name = "param",
	  .kind = CLI_PAIRS,
	  .offset = offsetof(struct group_create_options, parameters),
	  .value = "KEY=VALUE",
	  .help = "a parameter, as in a VolumeGroupSnapshotClass; may be repeated" },
	{ .name = "no-wait",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct group_create_options, no_wait),
	  .help = "return when the point in time is cut, not when the snapshots are ready" },
};

const struct command snapshot_group_create_command = {
	.name = "snapshot group create",
	.operands = "NAME VOLUME…",
	.min_operands = 2,
	.max_operands = 1 + GROUP_VOLUMES_MAX,
	.summary = "take snapshots of several volumes of one pool at one moment",
	.details =
		"The virtual machines that have the volumes plugged in stand still until all are cut, "
		"for some milliseconds and never for more than five seconds. A volume that the node "
		"itself has mounted is cut as a crash would leave it, at a moment of its own; a pool "
		"that can only copy refuses it. After --no-wait repeat the command, or list the "
		"snapshots, until all are ready, as with `snapshot create`.",
	.sets = { { group_create_rows, FL_COUNT(group_create_rows) }, CLIENT_SET },
	.options_size = sizeof(struct group_create_options),
	.run = group_create_run,
};

static int group_list_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	struct output_format format = group_format(options->output);
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *list = json_array();
	struct group_entries groups;

	if (orchestrator_open(invocation->arena, options, &o, err) < 0 ||
	    lookup_groups(&o, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.n; i++)
		json_array_append_new(list, describe_group(groups.items[i]));
	output_list(invocation->arena, &format, list);
	return 0;
}

const struct command snapshot_group_list_command = {
	.name = "snapshot group list",
	.operands = "",
	.summary = "list group snapshots",
	.sets = { CLIENT_SET },
	.options_size = sizeof(struct client_options),
	.run = group_list_run,
};

/* A group as the calls about it name it. */
struct group_operand {
	char *id;
	char **snapshot_ids;
	size_t n;
};

/* Connects to the service, and finds the group that the operand means. */
static int group_find(const struct invocation *invocation, struct orchestrator *o,
		      struct group_operand *ret, struct fl_error *err)
{
	const Csi__V1__VolumeGroupSnapshot *found;

	if (orchestrator_open(invocation->arena, invocation->options, o, err) < 0 ||
	    lookup_group(o, invocation->operands.items[0], &found, err) < 0)
		return -1;
	*ret = (struct group_operand){
		.id = found->group_snapshot_id,
		.snapshot_ids = fl_arena_array(o->arena, found->n_snapshots + 1, sizeof(char *)),
		.n = found->n_snapshots,
	};
	for (size_t i = 0; i < ret->n; i++)
		ret->snapshot_ids[i] = found->snapshots[i]->snapshot_id;
	return 0;
}

static int group_show_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	Csi__V1__GetVolumeGroupSnapshotRequest request =
		CSI__V1__GET_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__group_controller__descriptor,
					  "GetVolumeGroupSnapshot", &request, false };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	const Csi__V1__VolumeGroupSnapshot *found;
	struct group_operand group;
	const void *reply;

	if (group_find(invocation, &o, &group, err) < 0)
		return -1;
	request.group_snapshot_id = group.id;
	request.snapshot_ids = group.snapshot_ids;
	request.n_snapshot_ids = group.n;
	if (orchestrator_call(&o, &call, &reply, err) < 0)
		return -1;
	found = ((const Csi__V1__GetVolumeGroupSnapshotResponse *)reply)->group_snapshot;
	if (!found)
		return fl_error_set(err, FL_INTERNAL, "the service showed no group snapshot");
	group_print(invocation->arena, options->output, found);
	return 0;
}

const struct command snapshot_group_show_command = {
	.name = "snapshot group show",
	.operands = "GROUP",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "show a group snapshot and its snapshots",
	.sets = { CLIENT_SET },
	.options_size = sizeof(struct client_options),
	.run = group_show_run,
};

static int group_delete_run(const struct invocation *invocation, struct fl_error *err)
{
	Csi__V1__DeleteVolumeGroupSnapshotRequest request =
		CSI__V1__DELETE_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__group_controller__descriptor,
					  "DeleteVolumeGroupSnapshot", &request, false };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	struct group_operand group;
	const void *reply;

	if (group_find(invocation, &o, &group, err) < 0)
		return -1;
	request.group_snapshot_id = group.id;
	request.snapshot_ids = group.snapshot_ids;
	request.n_snapshot_ids = group.n;
	return orchestrator_call(&o, &call, &reply, err);
}

const struct command snapshot_group_delete_command = {
	.name = "snapshot group delete",
	.operands = "GROUP",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "delete a group snapshot with all its snapshots",
	.details = "An id (not a bare name) of what is gone already is success.",
	.sets = { CLIENT_QUIET_SET },
	.options_size = sizeof(struct client_options),
	.run = group_delete_run,
};
