/* SPDX-License-Identifier: Apache-2.0 */
/* Vm run: starts a VM, with its volumes published for it before and taken down after. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "attachment.h"
#include "base/file.h"
#include "exit.h"
#include "machine.h"
#include "run.h"
#include "self.h"
#include "verbs.h"

#define VM_RUN_ASK_MS 2000 /* for a launcher that may be there */
#define VM_RUN_POLL_MS 100
#define VM_RUN_LOG_MAX ((size_t)1 << 20)

struct vm_run_options {
	struct client_options client;
	const char *accel;
	bool detach, check;
};

static const char *const vm_run_accels[] = { "auto", "kvm", "tcg", NULL };

/* Options of the command that its children get too. */
static size_t vm_run_client_words(struct fl_arena *arena, const struct client_options *client,
				  const char **words)
{
	size_t n = 0;

	if (client->endpoint) {
		words[n++] = "--endpoint";
		words[n++] = client->endpoint;
	}
	if (client->node_endpoint) {
		words[n++] = "--node-endpoint";
		words[n++] = client->node_endpoint;
	}
	words[n++] = "--timeout";
	words[n++] = fl_arena_printf(arena, "%llums", (unsigned long long)client->timeout_ms);
	return n;
}

/* In another process, because the supervisor must have no threads and gRPC makes some.  Above 0:
 * its exit code; it has said why. */
static int vm_run_publish(struct fl_arena *arena, const struct client_options *client,
			  const char *vm, struct vm_disk_spec *disk, struct fl_error *err)
{
	const char *words[16] = { "volume", "publish", disk->volume, "--vm", vm, "--output", "id" };
	size_t n = 7;
	const char *target;
	int status;

	if (disk->readonly)
		words[n++] = "--readonly";
	n += vm_run_client_words(arena, client, words + n);
	words[n] = NULL;
	if (self_run(arena, words, &status, &target, err) < 0)
		return -1;
	if (status != CLI_DONE)
		return status;
	disk->pass = target;
	disk->volume = NULL;
	return 0;
}

static int vm_run_load(const struct invocation *invocation, struct vm_spec *ret,
		       struct fl_error *err)
{
	const struct vm_run_options *options = invocation->options;

	if (vm_spec_load(invocation->arena, invocation->operands.items[0], ret, err) < 0)
		return -1;
	if (options->accel)
		ret->accel = options->accel;
	return vm_spec_check_host(ret, err);
}

static int vm_run_publish_all(struct fl_arena *arena, const struct client_options *client,
			      struct vm_spec *spec, struct fl_error *err)
{
	int result = 0;

	for (size_t i = 0; i < spec->n_disks && result == 0; i++) {
		if (spec->disks[i].volume)
			result = vm_run_publish(arena, client, spec->name, &spec->disks[i], err);
	}
	return result;
}

/* Before anything is published: what is published for a VM that runs must stay. */
static int vm_run_check_free(struct fl_arena *arena, const char *vm, struct fl_error *err)
{
	struct fl_op op = { .id = "cli",
			    .deadline = fl_clock_after_ms(VM_RUN_ASK_MS),
			    .arena = arena };
	struct fl_error answer = { 0 };
	json_t *status = NULL;

	if (vm_call(&op, vm, "status", NULL, &status, &answer) < 0 && answer.code == FL_NOT_FOUND)
		return 0;
	fl_json_release(&status);
	return fl_error_set(err, FL_IN_USE, "VM %s runs already", vm);
}

static int vm_run_here(const struct invocation *invocation, struct vm_spec *spec,
		       struct fl_error *err)
{
	const struct vm_run_options *options = invocation->options;
	struct fl_arena *arena = invocation->arena;
	struct fl_error release = { 0 };
	int status = 0, result;
	size_t n;

	if (vm_run_check_free(arena, spec->name, err) < 0)
		return -1;
	result = vm_run_publish_all(arena, &options->client, spec, err);
	if (result == 0)
		result = vm_run(spec, &status, err);
	/* Another one of this name was faster: the volumes are its. */
	if (result < 0 && err->code == FL_IN_USE)
		return -1;
	if (result == 0 && status != 0)
		result = fl_error_set(err, FL_INTERNAL, "VM %s failed with status %d", spec->name,
				      status);
	if (machine_release(arena, &options->client, spec->name, &n, &release) == 0)
		return result;
	if (result != 0) {
		fprintf(stderr, "fairlead: %s\n", release.text);
		return result;
	}
	*err = release;
	return -1;
}

/* What the background process wrote last, which is why it ended. */
static int vm_run_ended(struct fl_arena *arena, const char *log, int status)
{
	struct fl_error ignored;
	const char *text = "", *line = "";

	if (fl_file_read(arena, AT_FDCWD, log, VM_RUN_LOG_MAX, &text, NULL, &ignored) < 0)
		text = "";
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		line = *at != '\n' ? fl_arena_strndup(arena, at, strcspn(at, "\n")) : line;
	fprintf(stderr, "%s\n", line);
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

static int vm_run_detached(const struct invocation *invocation, const struct vm_spec *spec,
			   struct fl_error *err)
{
	const struct vm_run_options *options = invocation->options;
	struct fl_arena *arena = invocation->arena;
	const char *words[16] = { "vm", "run", invocation->operands.items[0], "--accel",
				  spec->accel };
	struct fl_op op = { .id = "cli",
			    .deadline = fl_clock_after_ms(options->client.timeout_ms),
			    .arena = arena };
	const char *log = run_path(arena, "log/vm-%s.log", spec->name);
	struct fl_error later = { 0 };
	json_t *status = NULL;
	int how;
	pid_t pid;

	words[5 + vm_run_client_words(arena, &options->client, words + 5)] = NULL;
	if (fl_file_make_dirs(run_path(arena, "log"), 0700, err) < 0 ||
	    self_detach(arena, words, log, &pid, err) < 0)
		return -1;
	while (vm_call(&op, spec->name, "status", NULL, &status, &later) < 0) {
		if (waitpid(pid, &how, WNOHANG) == pid)
			return vm_run_ended(arena, log, how);
		if (fl_clock_passed(op.deadline))
			return fl_error_set(err, FL_TIMEOUT, "VM %s does not answer yet; see %s",
					    spec->name, log);
		fl_clock_sleep_ms(VM_RUN_POLL_MS);
	}
	fl_json_release(&status);
	printf("VM %s runs; its log is %s\n", spec->name, log);
	return 0;
}

static int vm_run_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct vm_run_options *options = invocation->options;
	struct vm_spec spec;

	if (vm_run_load(invocation, &spec, err) < 0)
		return -1;
	if (options->check) {
		printf("the specification is good: VM %s, %zu disks\n", spec.name, spec.n_disks);
		return 0;
	}
	if (options->detach)
		return vm_run_detached(invocation, &spec, err);
	return vm_run_here(invocation, &spec, err);
}

static const struct cli_option vm_run_rows[] = {
	{ .name = "detach",
	  .letter = 'd',
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct vm_run_options, detach),
	  .help = "run in the background, with the log in $FAIRLEAD_RUN/log" },
	{ .name = "accel",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct vm_run_options, accel),
	  .value = "ACCEL",
	  .words = vm_run_accels,
	  .help = "overrules `accel` of the specification" },
	{ .name = "check",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct vm_run_options, check),
	  .help = "only check the specification" },
};

const struct command vm_run_command = {
	.name = "vm run",
	.operands = "SPEC",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "run a virtual machine until it ends",
	.details =
		"SPEC is a YAML file (docs/launcher.md). Volumes that it names are published for "
		"the VM first and taken down after its end, also those that were attached "
		"meanwhile. SIGTERM powers the guest down.",
	.sets = { { vm_run_rows, FL_COUNT(vm_run_rows) }, CLIENT_QUIET_SET },
	.options_size = sizeof(struct vm_run_options),
	.run = vm_run_run,
};

static int vm_launcher_run(const struct invocation *invocation, struct fl_error *err)
{
	(void)err;
	return launcher_main(invocation->operands.items[0]);
}

const struct command vm_launcher_command = {
	.name = "vm launcher",
	.operands = "DIRECTORY",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "the launcher of a VM; only the supervisor starts it",
	.hidden = true,
	.run = vm_launcher_run,
};
