/* SPDX-License-Identifier: Apache-2.0 */
/* Vm: the commands about VMs as a whole: options, list, status, resume, stop. */
#include <string.h>

#include "machine.h"
#include "node/launcher/launcher.h"
#include "output.h"
#include "verbs.h"

#define VM_ANSWER_MS 30000     /* for a launcher that is being restarted */
#define VM_STOP_EXTRA_MS 30000 /* beyond the guest's time: QEMU's own end */
#define VM_STOP_MS 3600000     /* when the specification says how long the guest may take */

static const struct output_column vm_columns[] = {
	{ "name", OUTPUT_TEXT, false },    { "state", OUTPUT_TEXT, false },
	{ "accel", OUTPUT_TEXT, false },   { "cpus", OUTPUT_TEXT, false },
	{ "memory", OUTPUT_SIZE, false },  { "disks", OUTPUT_COUNT, false },
	{ "waiting", OUTPUT_TEXT, true },  { "uuid", OUTPUT_TEXT, true },
	{ "qemu_pid", OUTPUT_TEXT, true }, { "uptime_ms", OUTPUT_TEXT, true },
};

static const struct output_column vm_disk_columns[] = {
	{ "serial", OUTPUT_TEXT, false }, { "bus", OUTPUT_TEXT, false },
	{ "size", OUTPUT_SIZE, false },   { "state", OUTPUT_TEXT, false },
	{ "volume", OUTPUT_TEXT, false }, { "path", OUTPUT_TEXT, false },
	{ "reason", OUTPUT_TEXT, false },
};

struct vm_options {
	const char *output;
};

static const struct cli_option vm_rows[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct vm_options, output),
	  .value = "FORMAT",
	  .otherwise = "table",
	  .words = output_words,
	  .help = "form of the result" },
};

static int vm_options_run(const struct invocation *invocation, struct fl_error *err)
{
	(void)invocation, (void)err;
	vm_spec_print_options(stdout);
	return 0;
}

const struct command vm_options_command = {
	.name = "vm options",
	.operands = "",
	.summary = "print what a specification of a virtual machine may say",
	.details = "The text comes from the tables that also check SPEC of `vm run`.",
	.run = vm_options_run,
};

static int vm_list_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct vm_options *options = invocation->options;
	struct output_format format = { vm_columns, FL_COUNT(vm_columns), options->output };
	struct fl_op op = { .id = "cli",
			    .deadline = fl_clock_after_ms(VM_ANSWER_MS),
			    .arena = invocation->arena };
	fl_cleanup(fl_json_release) json_t *list = NULL;

	if (vm_list(&op, &list, err) < 0)
		return -1;
	output_list(invocation->arena, &format, list);
	return 0;
}

const struct command vm_list_command = {
	.name = "vm list",
	.operands = "",
	.summary = "list virtual machines of this machine",
	.sets = { { vm_rows, FL_COUNT(vm_rows) } },
	.options_size = sizeof(struct vm_options),
	.run = vm_list_run,
};

static int vm_status_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct vm_options *options = invocation->options;
	struct output_format format = { vm_columns, FL_COUNT(vm_columns), options->output };
	struct output_format disks = { vm_disk_columns, FL_COUNT(vm_disk_columns), "table" };
	struct orchestrator waiter = machine_waiter(invocation->arena, VM_ANSWER_MS);
	fl_cleanup(fl_json_release) json_t *status = NULL;

	if (machine_call(&waiter, invocation->operands.items[0], "status", NULL, &status, err) < 0)
		return -1;
	output_object(invocation->arena, &format, status);
	if (strcmp(options->output, "table") == 0) {
		printf("\n");
		output_list(invocation->arena, &disks, json_object_get(status, "disks"));
	}
	return 0;
}

const struct command vm_status_command = {
	.name = "vm status",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "show a virtual machine and its disks",
	.sets = { { vm_rows, FL_COUNT(vm_rows) } },
	.options_size = sizeof(struct vm_options),
	.run = vm_status_run,
};

static int vm_resume_run(const struct invocation *invocation, struct fl_error *err)
{
	const char *vm = invocation->operands.items[0];
	struct orchestrator waiter = machine_waiter(invocation->arena, VM_ANSWER_MS);
	fl_cleanup(fl_json_release) json_t *answer = NULL;

	if (machine_call(&waiter, vm, "resume", NULL, &answer, err) < 0)
		return -1;
	printf("VM %s runs\n", vm);
	return 0;
}

const struct command vm_resume_command = {
	.name = "vm resume",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "let a virtual machine go on that stands still",
	.details =
		"QEMU stops a guest whose disk cannot be read or written, because its pool is full, "
		"say: `vm status` tells which disk, and so does `volume health`. When that is "
		"mended the requests that failed are made again, and the guest never sees an error. "
		"A guest that runs is left alone.",
	.run = vm_resume_run,
};

struct vm_stop_options {
	struct client_options client;
	uint64_t guest_ms;
	bool force;
};

/* A VM that has ended already, with volumes left from it, is success: the command is repeated. */
static int vm_stop_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct vm_stop_options *options = invocation->options;
	const char *vm = invocation->operands.items[0];
	uint64_t guest_ms = options->guest_ms ? options->guest_ms : VM_STOP_MS;
	struct orchestrator waiter = machine_waiter(invocation->arena, guest_ms + VM_STOP_EXTRA_MS);
	fl_cleanup(fl_json_release) json_t *params = json_pack("{s:b}", "force", options->force);
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct fl_error stop = { 0 };
	size_t n;

	if (options->guest_ms)
		json_object_set_new(params, "timeout_ms",
				    json_integer((json_int_t)options->guest_ms));
	if (machine_call(&waiter, vm, "stop", params, &answer, &stop) < 0 &&
	    stop.code != FL_NOT_FOUND) {
		*err = stop;
		return -1;
	}
	if (machine_release(invocation->arena, &options->client, vm, &n, err) < 0)
		return -1;
	if (!answer && n == 0) {
		*err = stop;
		return -1;
	}
	if (answer)
		printf("VM %s has ended: %s\n", vm,
		       json_string_value(json_object_get(answer, "how")));
	return 0;
}

static const struct cli_option vm_stop_rows[] = {
	{ .name = "grace",
	  .kind = CLI_DURATION,
	  .offset = offsetof(struct vm_stop_options, guest_ms),
	  .value = "TIME",
	  .help = "what the guest gets for powering down; default: `stop_timeout` of its "
		  "specification" },
	{ .name = "force",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct vm_stop_options, force),
	  .help = "do not ask the guest" },
};

const struct command vm_stop_command = {
	.name = "vm stop",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "power a virtual machine down and take its volumes from this machine",
	.sets = { { vm_stop_rows, FL_COUNT(vm_stop_rows) }, CLIENT_QUIET_SET },
	.options_size = sizeof(struct vm_stop_options),
	.run = vm_stop_run,
};
