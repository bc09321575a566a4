/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "attachment.h"
#include "csi/rpc/map.h"
#include "describe.h"
#include "lookup.h"
#include "note.h"
#include "verbs.h"

static struct output_format volume_format(const char *output)
{
	return (struct output_format){ describe_volume_columns, describe_n_volume_columns, output };
}

struct volume_create_options {
	struct client_options client;
	uint64_t size_bytes, limit_bytes;
	const char *pool, *from_snapshot, *from_volume, *fs;
	bool block;
	struct cli_pairs parameters, set;
};

static int volume_source(struct orchestrator *o, const struct volume_create_options *options,
			 Csi__V1__VolumeContentSource **ret, struct fl_error *err)
{
	Csi__V1__VolumeContentSource *source = fl_arena_alloc(o->arena, sizeof(*source));
	const char *id;

	csi__v1__volume_content_source__init(source);
	*ret = NULL;
	if (options->from_snapshot) {
		if (lookup_snapshot_id(o, options->from_snapshot, &id, err) < 0)
			return -1;
		source->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT;
		source->snapshot = fl_arena_alloc(o->arena, sizeof(*source->snapshot));
		csi__v1__volume_content_source__snapshot_source__init(source->snapshot);
		source->snapshot->snapshot_id = (char *)id;
	} else if (options->from_volume) {
		if (lookup_volume_id(o, options->from_volume, &id, err) < 0)
			return -1;
		source->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME;
		source->volume = fl_arena_alloc(o->arena, sizeof(*source->volume));
		csi__v1__volume_content_source__volume_source__init(source->volume);
		source->volume->volume_id = (char *)id;
	} else {
		return 0;
	}
	*ret = source;
	return 0;
}

/* --pool is short for --param pool=POOL. */
static void volume_parameters(struct orchestrator *o, const struct volume_create_options *options,
			      Csi__V1__CreateVolumeRequest *request)
{
	size_t n = options->parameters.n;
	struct fl_pair *pairs = fl_arena_array(o->arena, n + 1, sizeof(*pairs));

	for (size_t i = 0; i < n; i++)
		pairs[i] = options->parameters.items[i];
	if (options->pool)
		pairs[n++] = (struct fl_pair){ "pool", options->pool };
	request->n_parameters = n;
	request->parameters = rpc_map_entries(
		o->arena, &csi__v1__create_volume_request__parameters_entry__descriptor, pairs, n);
	request->n_mutable_parameters = options->set.n;
	request->mutable_parameters = rpc_map_entries(
		o->arena, &csi__v1__create_volume_request__mutable_parameters_entry__descriptor,
		options->set.items, options->set.n);
}

static int volume_create(struct orchestrator *o, const struct volume_create_options *options,
			 const char *name, const Csi__V1__Volume **ret, struct fl_error *err)
{
	Csi__V1__CreateVolumeRequest request = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	Csi__V1__VolumeCapability *capability = attachment_capability(o->arena, options->fs);
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "CreateVolume",
					  &request, false };
	const void *reply;

	if (volume_source(o, options, &request.volume_content_source, err) < 0)
		return -1;
	if (!request.volume_content_source && !options->size_bytes)
		return fl_error_set(err, FL_INVALID, "--size SIZE is missing");
	range.required_bytes = (int64_t)options->size_bytes;
	range.limit_bytes = (int64_t)options->limit_bytes;
	request.name = (char *)name;
	request.capacity_range = options->size_bytes || options->limit_bytes ? &range : NULL;
	request.n_volume_capabilities = 1;
	request.volume_capabilities = &capability;
	volume_parameters(o, options, &request);
	if (orchestrator_call(o, &call, &reply, err) < 0)
		return -1;
	*ret = ((const Csi__V1__CreateVolumeResponse *)reply)->volume;
	return *ret ? 0 : fl_error_set(err, FL_INTERNAL, "the service made no volume");
}

static int volume_create_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct volume_create_options *options = invocation->options;
	struct output_format format = volume_format(options->client.output);
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *object = NULL;
	const Csi__V1__Volume *volume;

	if (orchestrator_open(invocation->arena, &options->client, &o, err) < 0 ||
	    volume_create(&o, options, invocation->operands.items[0], &volume, err) < 0)
		return -1;
	object = describe_volume(volume, NULL, 0);
	output_object(invocation->arena, &format, object);
	return 0;
}

static const struct cli_option volume_create_rows[] = {
	{ .name = "size",
	  .kind = CLI_SIZE,
	  .offset = offsetof(struct volume_create_options, size_bytes),
	  .value = "SIZE",
	  .help = "the least size, such as 10Gi; may be left out for a copy" },
	{ .name = "limit",
	  .kind = CLI_SIZE,
	  .offset = offsetof(struct volume_create_options, limit_bytes),
	  .value = "SIZE",
	  .help = "the largest size, for pools that round up" },
	{ .name = "pool",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct volume_create_options, pool),
	  .value = "POOL",
	  .help = "the pool; needed when there are several" },
	{ .name = "param",
	  .kind = CLI_PAIRS,
	  .offset = offsetof(struct volume_create_options, parameters),
	  .value = "KEY=VALUE",
	  .help = "a parameter, as in a StorageClass; may be repeated" },
	{ .name = "set",
	  .kind = CLI_PAIRS,
	  .offset = offsetof(struct volume_create_options, set),
	  .value = "KEY=VALUE",
	  .help = "a mutable parameter, as `volume modify` has them; may be repeated" },
	{ .name = "from-snapshot",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct volume_create_options, from_snapshot),
	  .value = "SNAPSHOT",
	  .group = 1,
	  .help = "start with the content of this snapshot" },
	{ .name = "from-volume",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct volume_create_options, from_volume),
	  .value = "VOLUME",
	  .group = 1,
	  .help = "start with the content of this volume" },
	{ .name = "fs",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct volume_create_options, fs),
	  .value = "TYPE",
	  .group = 2,
	  .help = "check that the pool can serve this file system (ext4, xfs, btrfs)" },
	{ .name = "block",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct volume_create_options, block),
	  .group = 2,
	  .help = "for use as a device or a disk of a VM (this is the default)" },
};

const struct command volume_create_command = {
	.name = "volume create",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "create a volume, or find the one of that name",
	.details =
		"The name is the key: repeating the command finds the volume that is there, when "
		"its size and content fit.",
	.sets = { { volume_create_rows, FL_COUNT(volume_create_rows) }, CLIENT_SET },
	.options_size = sizeof(struct volume_create_options),
	.run = volume_create_run,
};

static int volume_list_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	struct output_format format = volume_format(options->output);
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *list = json_array();
	struct volume_entries entries;

	if (orchestrator_open(invocation->arena, options, &o, err) < 0 ||
	    listing_volumes(&o, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.n; i++)
		json_array_append_new(list, describe_entry(entries.items[i]));
	output_list(invocation->arena, &format, list);
	return 0;
}

const struct command volume_list_command = {
	.name = "volume list",
	.operands = "",
	.summary = "list volumes",
	.sets = { CLIENT_SET },
	.options_size = sizeof(struct client_options),
	.run = volume_list_run,
};

/* Where this command line has published the volume. */
static int volume_published(struct fl_arena *arena, const char *id, json_t **ret,
			    struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *notes = NULL;
	json_t *paths = json_array(), *note, *target;
	size_t i, k;

	*ret = paths;
	if (note_list(arena, &notes, err) < 0)
		return -1;
	json_array_foreach(notes, i, note)
	{
		const char *volume = json_string_value(json_object_get(note, "volume"));

		if (!volume || strcmp(volume, id) != 0)
			continue;
		json_array_foreach(json_object_get(note, "targets"), k, target)
			json_array_append(paths, json_object_get(target, "path"));
	}
	return 0;
}

static int volume_show_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	struct output_format format = volume_format(options->output);
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *object = NULL;
	fl_cleanup(fl_json_release) json_t *published = NULL;
	const Csi__V1__ListVolumesResponse__Entry *entry;

	if (orchestrator_open(invocation->arena, options, &o, err) < 0 ||
	    lookup_volume(&o, invocation->operands.items[0], &entry, err) < 0 ||
	    volume_published(invocation->arena, entry->volume->volume_id, &published, err) < 0)
		return -1;
	object = describe_entry(entry);
	json_object_set(object, "published", published);
	output_object(invocation->arena, &format, object);
	return 0;
}

const struct command volume_show_command = {
	.name = "volume show",
	.operands = "VOLUME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "show one volume, where it is attached and where it is published here",
	.sets = { CLIENT_SET },
	.options_size = sizeof(struct client_options),
	.run = volume_show_run,
};

static int volume_delete_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	Csi__V1__DeleteVolumeRequest request = CSI__V1__DELETE_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "DeleteVolume",
					  &request, false };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	const void *reply;
	const char *id;

	if (orchestrator_open(invocation->arena, options, &o, err) < 0 ||
	    lookup_volume_id(&o, invocation->operands.items[0], &id, err) < 0)
		return -1;
	request.volume_id = (char *)id;
	return orchestrator_call(&o, &call, &reply, err);
}

const struct command volume_delete_command = {
	.name = "volume delete",
	.operands = "VOLUME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "delete a volume and its data",
	.details = "An id (not a bare name) of what is gone already is success.",
	.sets = { CLIENT_QUIET_SET },
	.options_size = sizeof(struct client_options),
	.run = volume_delete_run,
};
