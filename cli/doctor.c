/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include "exit.h"
#include "output.h"
#include "run.h"
#include "verbs.h"

struct doctor_options {
	const char *config, *output;
};

static const struct {
	const char *name;
	struct doctor_finding (*check)(struct doctor *doctor);
	bool is_needed;
	const char *way_out;
} doctor_checks[] = {
	{ "kernel", doctor_kernel, true, "boot a newer kernel" },
	{ "privilege", doctor_admin, true, "run it as root" },
	{ "growing ext4", doctor_resource, false, "grant CAP_SYS_RESOURCE, or take xfs" },
	{ "configuration", doctor_configuration, true, "see docs/configuration.md" },
	{ "run directory", doctor_directory, true, "set FAIRLEAD_RUN, or its permissions" },
	{ "loop devices", doctor_loop, true, "modprobe loop" },
	{ "ext4", doctor_ext4, true, "a kernel with ext4" },
	{ "ext4 tools", doctor_ext4_tools, true, "apt-get install e2fsprogs" },
	{ "xfs", doctor_xfs, false, "modprobe xfs" },
	{ "xfs tools", doctor_xfs_tools, false, "apt-get install xfsprogs" },
	{ "btrfs", doctor_btrfs, false, "modprobe btrfs" },
	{ "btrfs tools", doctor_btrfs_tools, false, "apt-get install btrfs-progs" },
	{ "qemu", doctor_qemu, false, "apt-get install qemu-system-x86 qemu-utils" },
	{ "kvm", doctor_kvm, false, "guests are translated (slow) without it" },
	{ "controller", doctor_controller, false, "start fairlead serve" },
	{ "node", doctor_node, false, "start fairlead serve" },
	{ "disk service", doctor_disks, false, "start fairlead serve" },
};

static const struct output_column doctor_columns[] = {
	{ "check", OUTPUT_TEXT, false },
	{ "state", OUTPUT_TEXT, false },
	{ "finding", OUTPUT_TEXT, false },
	{ "way_out", OUTPUT_TEXT, false },
};

static const char *doctor_state(const struct doctor_finding *finding, bool is_needed)
{
	if (!finding->bad)
		return "ok";
	return is_needed ? "missing" : "absent";
}

static int doctor_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct doctor_options *options = invocation->options;
	struct output_format format = { doctor_columns, FL_COUNT(doctor_columns), options->output };
	struct doctor doctor = { .arena = invocation->arena,
				 .config = options->config,
				 .run = run_directory(invocation->arena) };
	fl_cleanup(fl_json_release) json_t *list = json_array();
	int result = CLI_DONE;

	(void)err;
	for (size_t i = 0; i < FL_COUNT(doctor_checks); i++) {
		struct doctor_finding finding = doctor_checks[i].check(&doctor);
		bool is_needed = doctor_checks[i].is_needed;

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:b, s:s, s:s}", "check", doctor_checks[i].name,
				  "state", doctor_state(&finding, is_needed), "needed", is_needed,
				  "finding", finding.bad ? finding.bad : finding.good, "way_out",
				  finding.bad ? doctor_checks[i].way_out : ""));
		if (finding.bad && is_needed)
			result = CLI_FAILED;
	}
	output_list(invocation->arena, &format, list);
	return result;
}

static const struct cli_option doctor_rows[] = {
	{ .name = "config",
	  .kind = CLI_PATH,
	  .offset = offsetof(struct doctor_options, config),
	  .value = "FILE",
	  .environment = "FAIRLEAD_CONFIG",
	  .help = "the configuration to check; default: the embedded one" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct doctor_options, output),
	  .value = "FORMAT",
	  .otherwise = "table",
	  .words = output_words,
	  .help = "form of the result" },
};

const struct command doctor_command = {
	.name = "doctor",
	.operands = "",
	.summary = "say what this machine has and lacks, and the way out",
	.details =
		"`missing` is needed by every installation and makes the exit code 1; `absent` is "
		"needed by some. Changes nothing.",
	.sets = { { doctor_rows, FL_COUNT(doctor_rows) } },
	.options_size = sizeof(struct doctor_options),
	.run = doctor_run,
};
