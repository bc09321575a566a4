/* SPDX-License-Identifier: Apache-2.0 */
#include "describe.h"

#include <time.h>

const struct output_column describe_volume_columns[] = {
	{ "id", OUTPUT_TEXT, false },       { "size", OUTPUT_SIZE, false },
	{ "nodes", OUTPUT_LIST, false },    { "source", OUTPUT_TEXT, false },
	{ "published", OUTPUT_LIST, true }, { "topology", OUTPUT_MAP, true },
	{ "context", OUTPUT_MAP, true },    { "condition", OUTPUT_TEXT, true },
};
const size_t describe_n_volume_columns = FL_COUNT(describe_volume_columns);

const struct output_column describe_snapshot_columns[] = {
	{ "id", OUTPUT_TEXT, false },    { "volume", OUTPUT_TEXT, false },
	{ "size", OUTPUT_SIZE, false },  { "created", OUTPUT_TEXT, false },
	{ "ready", OUTPUT_TEXT, false },
};
const size_t describe_n_snapshot_columns = FL_COUNT(describe_snapshot_columns);

const struct output_column describe_group_columns[] = {
	{ "id", OUTPUT_TEXT, false },
	{ "created", OUTPUT_TEXT, false },
	{ "ready", OUTPUT_TEXT, false },
	{ "snapshots", OUTPUT_COUNT, false },
};
const size_t describe_n_group_columns = FL_COUNT(describe_group_columns);

static const char *describe_source(const Csi__V1__VolumeContentSource *source)
{
	if (!source)
		return "";
	if (source->type_case == CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT)
		return source->snapshot->snapshot_id;
	if (source->type_case == CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME)
		return source->volume->volume_id;
	return "";
}

json_t *describe_volume(const Csi__V1__Volume *volume, char *const *nodes, size_t n_nodes)
{
	json_t *object = json_pack("{s:s, s:I}", "id", volume->volume_id, "size",
				   (json_int_t)volume->capacity_bytes);
	json_t *list = json_array(), *context = json_object(), *topology = json_object();

	for (size_t i = 0; i < n_nodes; i++)
		json_array_append_new(list, json_string(nodes[i]));
	for (size_t i = 0; i < volume->n_volume_context; i++)
		json_object_set_new(context, volume->volume_context[i]->key,
				    json_string(volume->volume_context[i]->value));
	for (size_t i = 0; i < volume->n_accessible_topology; i++) {
		const Csi__V1__Topology *place = volume->accessible_topology[i];

		for (size_t k = 0; k < place->n_segments; k++)
			json_object_set_new(topology, place->segments[k]->key,
					    json_string(place->segments[k]->value));
	}
	json_object_set_new(object, "nodes", list);
	json_object_set_new(object, "source", json_string(describe_source(volume->content_source)));
	json_object_set_new(object, "context", context);
	json_object_set_new(object, "topology", topology);
	return object;
}

json_t *describe_entry(const Csi__V1__ListVolumesResponse__Entry *entry)
{
	const Csi__V1__ListVolumesResponse__VolumeStatus *status = entry->status;
	const Csi__V1__VolumeCondition *condition = status ? status->volume_condition : NULL;
	json_t *object = describe_volume(entry->volume, status ? status->published_node_ids : NULL,
					 status ? status->n_published_node_ids : 0);

	if (condition)
		json_object_set_new(
			object, "condition",
			json_string(condition->abnormal ? condition->message : "healthy"));
	return object;
}

#define DESCRIBE_TIME_SIZE sizeof("2000-01-01T00:00:00Z")

static void describe_time(const Google__Protobuf__Timestamp *time, char ret[DESCRIBE_TIME_SIZE])
{
	time_t seconds = time ? time->seconds : 0;
	struct tm parts;

	ret[0] = '\0';
	if (seconds && gmtime_r(&seconds, &parts))
		strftime(ret, DESCRIBE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

json_t *describe_snapshot(const Csi__V1__Snapshot *snapshot)
{
	char created[DESCRIBE_TIME_SIZE];
	json_t *object;

	describe_time(snapshot->creation_time, created);
	object = json_pack("{s:s, s:s, s:I, s:s, s:b}", "id", snapshot->snapshot_id, "volume",
			   snapshot->source_volume_id, "size", (json_int_t)snapshot->size_bytes,
			   "created", created, "ready", snapshot->ready_to_use);
	if (*snapshot->group_snapshot_id)
		json_object_set_new(object, "group", json_string(snapshot->group_snapshot_id));
	return object;
}

json_t *describe_group(const Csi__V1__VolumeGroupSnapshot *group)
{
	json_t *snapshots = json_array();
	char created[DESCRIBE_TIME_SIZE];

	describe_time(group->creation_time, created);
	for (size_t i = 0; i < group->n_snapshots; i++)
		json_array_append_new(snapshots, describe_snapshot(group->snapshots[i]));
	return json_pack("{s:s, s:s, s:b, s:o}", "id", group->group_snapshot_id, "created", created,
			 "ready", group->ready_to_use, "snapshots", snapshots);
}
