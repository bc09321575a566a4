/* SPDX-License-Identifier: Apache-2.0 */
/* Vm disk: the commands about disks of a running VM: attach, detach, resize. */
#include <string.h>

#include "attachment.h"
#include "expansion.h"
#include "lookup.h"
#include "machine.h"
#include "output.h"
#include "verbs.h"

#define VM_DISK_TRY_MS 10000 /* of one request to the launcher */

static const struct output_column vm_disk_columns[] = {
	{ "serial", OUTPUT_TEXT, false }, { "bus", OUTPUT_TEXT, false },
	{ "size", OUTPUT_SIZE, false },   { "state", OUTPUT_TEXT, false },
	{ "volume", OUTPUT_TEXT, false }, { "path", OUTPUT_TEXT, false },
};

struct vm_attach_options {
	struct client_options client;
	const char *bus, *serial;
	bool path, readonly;
};

static const char *const vm_attach_buses[] = { "scsi", "virtio", NULL };

static json_t *vm_attach_params(const struct vm_attach_options *options, const char *key,
				const char *path)
{
	json_t *params = json_pack("{s:s, s:s, s:b, s:i}", key, path, "bus", options->bus,
				   "readonly", options->readonly, "timeout_ms", VM_DISK_TRY_MS);

	if (options->serial)
		json_object_set_new(params, "serial", json_string(options->serial));
	return params;
}

/* A launcher that has refused the disk does not have it: what was published for it goes again. */
static int vm_attach_volume(struct orchestrator *o, const struct vm_attach_options *options,
			    const char *vm, const char *word, json_t **ret, struct fl_error *err)
{
	struct attachment_wish wish = { .vm = vm, .readonly = options->readonly };
	struct attachment_end end = { 0 };
	fl_cleanup(fl_json_release) json_t *params = NULL;
	struct fl_error undo = { 0 };
	const char *pass = NULL;

	if (attachment_find(o, word, &wish, err) < 0 ||
	    attachment_publish(o, &wish, &pass, err) < 0)
		return -1;
	params = vm_attach_params(options, "pass", pass);
	if (machine_call(o, vm, "attach", params, ret, err) == 0)
		return 0;
	if (err->code == FL_BUSY || err->code == FL_UNAVAILABLE || err->code == FL_TIMEOUT)
		return -1;
	end.volume = wish.volume;
	end.target = pass;
	if (attachment_unpublish(o, &end, &undo) < 0)
		fl_error_prefix(err, "%s (and it stays published)", undo.text);
	return -1;
}

static int vm_attach_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct vm_attach_options *options = invocation->options;
	const char *vm = invocation->operands.items[0], *word = invocation->operands.items[1];
	struct output_format format = { vm_disk_columns, FL_COUNT(vm_disk_columns),
					options->client.output };
	fl_cleanup(orchestrator_close) struct orchestrator o =
		machine_waiter(invocation->arena, options->client.timeout_ms);
	fl_cleanup(fl_json_release) json_t *status = NULL;
	fl_cleanup(fl_json_release) json_t *params = NULL;
	fl_cleanup(fl_json_release) json_t *disk = NULL;
	int result;

	if (machine_call(&o, vm, "status", NULL, &status, err) < 0)
		return -1;
	if (options->path) {
		params = vm_attach_params(options, "path", word);
		result = machine_call(&o, vm, "attach", params, &disk, err);
	} else {
		result = orchestrator_open(invocation->arena, &options->client, &o, err);
		if (result == 0)
			result = vm_attach_volume(&o, options, vm, word, &disk, err);
	}
	if (result == 0)
		output_object(invocation->arena, &format, disk);
	return result;
}

static const struct cli_option vm_attach_rows[] = {
	{ .name = "path",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct vm_attach_options, path),
	  .help = "VOLUME is the absolute path of a raw image or block device instead" },
	{ .name = "bus",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct vm_attach_options, bus),
	  .value = "BUS",
	  .otherwise = "scsi",
	  .words = vm_attach_buses,
	  .help = "what the guest sees" },
	{ .name = "serial",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct vm_attach_options, serial),
	  .value = "TEXT",
	  .help = "the disk's serial, at most 20 characters; default: follows from the volume's "
		  "id" },
	{ .name = "readonly",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct vm_attach_options, readonly),
	  .help = "the guest cannot write" },
};

const struct command vm_attach_command = {
	.name = "vm attach",
	.operands = "VM VOLUME",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "plug a volume into a running virtual machine",
	.details = "Publishes the volume for the VM, then tells its launcher.",
	.sets = { { vm_attach_rows, FL_COUNT(vm_attach_rows) }, CLIENT_SET },
	.options_size = sizeof(struct vm_attach_options),
	.run = vm_attach_run,
};

/* The volume's id, or NULL for a disk given by its path. */
static int vm_detach_disk(struct orchestrator *o, const struct client_options *client,
			  const char *vm, const char *word, const char **ret_volume,
			  struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *status = NULL;
	fl_cleanup(fl_json_release) json_t *params = NULL;
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	const json_t *disk;
	const char *volume = NULL, *serial;

	if (machine_call(o, vm, "status", NULL, &status, err) < 0)
		return -1;
	disk = machine_disk(status, word);
	volume = json_string_value(json_object_get(disk, "volume"));
	*ret_volume = volume ? fl_arena_strdup(o->arena, volume) : NULL;
	if (!disk) /* plugged out before, perhaps, and still published */
		return orchestrator_open(o->arena, client, o, err) < 0
			       ? -1
			       : lookup_volume_id(o, word, ret_volume, err);
	serial = json_string_value(json_object_get(disk, "serial"));
	params = json_pack("{s:s, s:i}", "disk", serial ? serial : word, "timeout_ms",
			   VM_DISK_TRY_MS);
	return machine_call(o, vm, "detach", params, &answer, err);
}

static int vm_detach_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	const char *vm = invocation->operands.items[0], *word = invocation->operands.items[1];
	fl_cleanup(orchestrator_close) struct orchestrator o =
		machine_waiter(invocation->arena, options->timeout_ms);
	struct attachment_end end = { 0 };

	if (vm_detach_disk(&o, options, vm, word, &end.volume, err) < 0)
		return -1;
	if (!end.volume)
		return 0;
	if (!o.controller && orchestrator_open(invocation->arena, options, &o, err) < 0)
		return -1;
	end.target = attachment_pass(invocation->arena, vm, end.volume);
	return attachment_unpublish(&o, &end, err);
}

const struct command vm_detach_command = {
	.name = "vm detach",
	.operands = "VM DISK",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "unplug a disk from a running virtual machine",
	.details = "DISK is a volume, a serial or a path. Ends when the guest has let go, QEMU has "
		   "closed the image and the volume is unpublished; until then it says what it "
		   "waits for.",
	.sets = { CLIENT_QUIET_SET },
	.options_size = sizeof(struct client_options),
	.run = vm_detach_run,
};

static int vm_resize_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	const char *const *words = invocation->operands.items;
	fl_cleanup(orchestrator_close) struct orchestrator o =
		machine_waiter(invocation->arena, options->timeout_ms);
	fl_cleanup(fl_json_release) json_t *status = NULL;
	fl_cleanup(fl_json_release) json_t *params = NULL;
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	const char *volume, *serial;
	const json_t *disk;
	uint64_t bytes;

	if (fl_text_parse_size(words[2], &bytes, err) < 0 ||
	    machine_call(&o, words[0], "status", NULL, &status, err) < 0)
		return -1;
	disk = machine_disk(status, words[1]);
	serial = json_string_value(json_object_get(disk, "serial"));
	volume = json_string_value(json_object_get(disk, "volume"));
	if (!serial)
		return fl_error_set(err, FL_NOT_FOUND, "VM %s has no disk %s", words[0], words[1]);
	if (volume && (orchestrator_open(invocation->arena, options, &o, err) < 0 ||
		       expansion_run(&o, volume, bytes, 0, &bytes, err) < 0))
		return -1;
	params = json_pack("{s:s, s:I}", "disk", serial, "size", (json_int_t)bytes);
	if (machine_call(&o, words[0], "resize", params, &answer, err) < 0)
		return -1;
	printf("disk %s of VM %s has %s\n", serial, words[0],
	       fl_text_format_size(invocation->arena,
				   (uint64_t)json_integer_value(json_object_get(answer, "size"))));
	return 0;
}

const struct command vm_resize_command = {
	.name = "vm resize",
	.operands = "VM DISK SIZE",
	.min_operands = 3,
	.max_operands = 3,
	.summary = "make a disk of a running virtual machine larger",
	.details = "DISK is a volume, a serial or a path. A volume is expanded first. A disk never "
		   "becomes smaller.",
	.sets = { CLIENT_QUIET_SET },
	.options_size = sizeof(struct client_options),
	.run = vm_resize_run,
};
