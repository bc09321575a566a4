/* SPDX-License-Identifier: Apache-2.0 */
/* Volume use: the verbs that act on this machine as well: publish, unpublish, expand. */
#include "attachment.h"
#include "describe.h"
#include "expansion.h"
#include "lookup.h"
#include "verbs.h"

/* Where a volume is published: publish and unpublish share these options. */
struct volume_place {
	struct client_options client;
	const char *mount, *device, *vm;
};

static const struct cli_option volume_place_rows[] = {
	{ .name = "mount",
	  .kind = CLI_PATH,
	  .offset = offsetof(struct volume_place, mount),
	  .value = "PATH",
	  .group = 1,
	  .help = "as a file system at this directory" },
	{ .name = "device",
	  .kind = CLI_PATH,
	  .offset = offsetof(struct volume_place, device),
	  .value = "PATH",
	  .group = 1,
	  .help = "as a block device with this name" },
	{ .name = "vm",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct volume_place, vm),
	  .value = "NAME",
	  .group = 1,
	  .help = "as a disk pass for this virtual machine" },
};

struct volume_publish_options {
	struct volume_place place;
	const char *fs;
	bool readonly;
};

static const struct output_column volume_target_columns[] = {
	{ "target", OUTPUT_TEXT, false },
	{ "volume", OUTPUT_TEXT, false },
};

static int volume_publish_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct volume_publish_options *options = invocation->options;
	const struct volume_place *place = &options->place;
	struct output_format format = { volume_target_columns, FL_COUNT(volume_target_columns),
					place->client.output };
	struct attachment_wish wish = { .mount = place->mount,
					.device = place->device,
					.vm = place->vm,
					.fs = options->fs,
					.readonly = options->readonly };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *object = NULL;
	const char *target;

	if (!wish.mount && !wish.device && !wish.vm)
		return fl_error_set(err, FL_INVALID,
				    "one of --mount, --device and --vm is missing");
	if (orchestrator_open(invocation->arena, &place->client, &o, err) < 0 ||
	    attachment_find(&o, invocation->operands.items[0], &wish, err) < 0 ||
	    attachment_publish(&o, &wish, &target, err) < 0)
		return -1;
	object = json_pack("{s:s, s:s}", "target", target, "volume", wish.volume);
	output_object(invocation->arena, &format, object);
	return 0;
}

static const struct cli_option volume_publish_rows[] = {
	{ .name = "fs",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct volume_publish_options, fs),
	  .value = "TYPE",
	  .otherwise = "ext4",
	  .help = "with --mount: ext4, xfs or btrfs, made when the volume was never written to" },
	{ .name = "readonly",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct volume_publish_options, readonly),
	  .help = "nobody writes through this target" },
};

const struct command volume_publish_command = {
	.name = "volume publish",
	.operands = "VOLUME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "bring a volume to this machine: as a directory, a device or a disk pass",
	.details = "Makes the calls ControllerPublishVolume, NodeStageVolume and "
		   "NodePublishVolume. What fails for good is undone; what may still go on is "
		   "completed by repeating the command.",
	.sets = { { volume_place_rows, FL_COUNT(volume_place_rows) },
		  { volume_publish_rows, FL_COUNT(volume_publish_rows) },
		  CLIENT_SET },
	.options_size = sizeof(struct volume_publish_options),
	.run = volume_publish_run,
};

struct volume_unpublish_options {
	struct volume_place place;
	bool force;
};

static int volume_unpublish_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct volume_unpublish_options *options = invocation->options;
	const struct volume_place *place = &options->place;
	struct attachment_end end = { .target = place->mount ? place->mount : place->device,
				      .force = options->force };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };

	if (orchestrator_open(invocation->arena, &place->client, &o, err) < 0 ||
	    lookup_volume_id(&o, invocation->operands.items[0], &end.volume, err) < 0)
		return -1;
	if (place->vm)
		end.target = attachment_pass(invocation->arena, place->vm, end.volume);
	return attachment_unpublish(&o, &end, err);
}

static const struct cli_option volume_unpublish_rows[] = {
	{ .name = "force",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct volume_unpublish_options, force),
	  .help = "release a volume that this command line did not publish, although nothing "
		  "shows that it is unused here" },
};

const struct command volume_unpublish_command = {
	.name = "volume unpublish",
	.operands = "VOLUME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "take a volume from this machine: one target, or all of them",
	.details = "Makes the calls NodeUnpublishVolume and, after the last target, "
		   "NodeUnstageVolume and ControllerUnpublishVolume. What is gone already is "
		   "success.",
	.sets = { { volume_place_rows, FL_COUNT(volume_place_rows) },
		  { volume_unpublish_rows, FL_COUNT(volume_unpublish_rows) },
		  CLIENT_QUIET_SET },
	.options_size = sizeof(struct volume_unpublish_options),
	.run = volume_unpublish_run,
};

struct volume_expand_options {
	struct client_options client;
	uint64_t size_bytes, limit_bytes;
};

static int volume_expand_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct volume_expand_options *options = invocation->options;
	struct output_format format = { describe_volume_columns, describe_n_volume_columns,
					options->client.output };
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *object = NULL;
	uint64_t bytes;
	const char *id;

	if (orchestrator_open(invocation->arena, &options->client, &o, err) < 0 ||
	    lookup_volume_id(&o, invocation->operands.items[0], &id, err) < 0 ||
	    expansion_run(&o, id, options->size_bytes, options->limit_bytes, &bytes, err) < 0)
		return -1;
	object = json_pack("{s:s, s:I}", "id", id, "size", (json_int_t)bytes);
	output_object(invocation->arena, &format, object);
	return 0;
}

static const struct cli_option volume_expand_rows[] = {
	{ .name = "size",
	  .kind = CLI_SIZE,
	  .required = true,
	  .offset = offsetof(struct volume_expand_options, size_bytes),
	  .value = "SIZE",
	  .help = "the least size, such as 20Gi" },
	{ .name = "limit",
	  .kind = CLI_SIZE,
	  .offset = offsetof(struct volume_expand_options, limit_bytes),
	  .value = "SIZE",
	  .help = "the largest size, for pools that round up" },
};

const struct command volume_expand_command = {
	.name = "volume expand",
	.operands = "VOLUME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "make a volume larger, also while it is used",
	.details = "Grows the volume at the storage and, when it is published on this machine, the "
		   "device, file system or guest's disk as well. A volume never becomes smaller.",
	.sets = { { volume_expand_rows, FL_COUNT(volume_expand_rows) }, CLIENT_SET },
	.options_size = sizeof(struct volume_expand_options),
	.run = volume_expand_run,
};
