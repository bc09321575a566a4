/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exit.h"
#include "lookup.h"
#include "output.h"
#include "verbs.h"

static const struct output_column health_columns[] = {
	{ "volume", OUTPUT_TEXT, false },
	{ "status", OUTPUT_TEXT, false },
	{ "reason", OUTPUT_TEXT, false },
	{ "message", OUTPUT_TEXT, false },
};

static const char *health_word(Csi__V1__VolumeHealthErrorType status)
{
	switch (status) {
	case CSI__V1__VOLUME_HEALTH_ERROR_TYPE__DEGRADED:
		return "degraded";
	case CSI__V1__VOLUME_HEALTH_ERROR_TYPE__INACCESSIBLE:
		return "inaccessible";
	case CSI__V1__VOLUME_HEALTH_ERROR_TYPE__DATA_LOSS:
		return "data-loss";
	default:
		return "unknown";
	}
}

static bool health_is_there(const json_t *rows, const json_t *row)
{
	static const char *const keys[] = { "volume", "status", "reason" };
	const json_t *other;
	size_t i, same;

	json_array_foreach(rows, i, other)
	{
		same = 0;
		for (size_t k = 0; k < FL_COUNT(keys); k++)
			same += json_equal(json_object_get(row, keys[k]),
					   json_object_get(other, keys[k])) == 1;
		if (same == FL_COUNT(keys))
			return true;
	}
	return false;
}

/* A row for each status; controller and node may see the same thing. */
static void health_add(json_t *rows, const Csi__V1__VolumeHealth *health)
{
	for (size_t i = 0; health && i < health->n_health_statuses; i++) {
		const Csi__V1__VolumeHealth__VolumeHealthEntry *entry = health->health_statuses[i];
		fl_cleanup(fl_json_release) json_t *row =
			json_pack("{s:s, s:s, s:s, s:s}", "volume", health->volume_id, "status",
				  health_word(entry->status), "reason", entry->reason, "message",
				  entry->message);

		if (row && !health_is_there(rows, row))
			json_array_append(rows, row);
	}
}

/* *ret false where there is no node service, or none that tells.  One that is there and does not
 * answer may see what nobody else sees: that fails. */
static int health_open_node(struct orchestrator *o, bool *ret, struct fl_error *err)
{
	struct fl_error why;

	*ret = false;
	if (orchestrator_open_node(o, &why) < 0) {
		if (why.code == FL_UNAVAILABLE || why.code == FL_UNSUPPORTED)
			return 0;
		*err = why;
		return -1;
	}
	*ret = orchestrator_node_can(
		o, CSI__V1__NODE_SERVICE_CAPABILITY__RPC__TYPE__GET_VOLUME_HEALTH);
	return 0;
}

/* What the node sees of the volume: nothing, when it has nothing to do with it. */
static int health_ask_node(struct orchestrator *o, const char *id, json_t *rows,
			   struct fl_error *err)
{
	Csi__V1__NodeGetVolumeHealthRequest request = CSI__V1__NODE_GET_VOLUME_HEALTH_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodeGetVolumeHealth",
					  &request, false };
	struct fl_error why;
	const void *reply;

	request.volume_id = (char *)id;
	if (orchestrator_call(o, &call, &reply, &why) == 0) {
		health_add(rows,
			   ((const Csi__V1__NodeGetVolumeHealthResponse *)reply)->volume_health);
		return 0;
	}
	if (why.code == FL_NOT_FOUND)
		return 0;
	*err = why;
	return -1;
}

static int health_ask_one(struct orchestrator *o, const char *word, json_t *rows,
			  struct fl_error *err)
{
	Csi__V1__ControllerGetVolumeHealthRequest request =
		CSI__V1__CONTROLLER_GET_VOLUME_HEALTH_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerGetVolumeHealth", &request, false };
	const void *reply;
	bool has_node;
	const char *id;

	if (!orchestrator_controller_can(
		    o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__GET_VOLUME_HEALTH))
		return fl_error_set(err, FL_UNSUPPORTED,
				    "the service does not tell whether a volume is healthy");
	if (lookup_volume_id(o, word, &id, err) < 0)
		return -1;
	request.volume_id = (char *)id;
	if (orchestrator_call(o, &call, &reply, err) < 0)
		return -1;
	health_add(rows,
		   ((const Csi__V1__ControllerGetVolumeHealthResponse *)reply)->volume_health);
	if (health_open_node(o, &has_node, err) < 0)
		return -1;
	return has_node ? health_ask_node(o, id, rows, err) : 0;
}

static bool health_is_attached(const Csi__V1__ListVolumesResponse__Entry *entry, const char *node)
{
	for (size_t i = 0; entry->status && i < entry->status->n_published_node_ids; i++)
		if (strcmp(entry->status->published_node_ids[i], node) == 0)
			return true;
	return false;
}

/* What the storage says of all, and this node of those that it has. */
static int health_ask_all(struct orchestrator *o, json_t *rows, struct fl_error *err)
{
	struct volume_entries volumes;
	struct health_entries sick;
	bool has_node;

	if (listing_health(o, &sick, err) < 0)
		return -1;
	for (size_t i = 0; i < sick.n; i++)
		health_add(rows, sick.items[i]);
	if (health_open_node(o, &has_node, err) < 0)
		return -1;
	if (!has_node)
		return 0;
	if (listing_volumes(o, &volumes, err) < 0)
		return -1;
	for (size_t i = 0; i < volumes.n; i++)
		if (health_is_attached(volumes.items[i], o->node_id) &&
		    health_ask_node(o, volumes.items[i]->volume->volume_id, rows, err) < 0)
			return -1;
	return 0;
}

static int volume_health_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	const struct output_format format = { health_columns, FL_COUNT(health_columns),
					      options->output };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *rows = json_array();
	int asked;

	if (orchestrator_open(invocation->arena, options, &o, err) < 0)
		return -1;
	if (invocation->operands.n)
		asked = health_ask_one(&o, invocation->operands.items[0], rows, err);
	else
		asked = health_ask_all(&o, rows, err);
	if (asked < 0)
		return -1;
	output_list(invocation->arena, &format, rows);
	return json_array_size(rows) ? CLI_UNHEALTHY : CLI_DONE;
}

const struct command volume_health_command = {
	.name = "volume health",
	.operands = "[VOLUME]",
	.max_operands = 1,
	.summary = "show what is wrong with a volume, or with all volumes",
	.details =
		"Asks the storage, and this node about volumes that are attached to it. Healthy "
		"volumes are not shown. A status is degraded (usable, not as it should be), "
		"inaccessible, or data-loss (known or suspected). The exit code is 0 when nothing "
		"is wrong and 7 when something is.",
	.sets = { CLIENT_SET },
	.options_size = sizeof(struct client_options),
	.run = volume_health_run,
};
