/* SPDX-License-Identifier: Apache-2.0 */
#include "manual.h"

#include "command.h"
#include "exit.h"

static const char manual_intro[] =
	"# The command line\n"
	"\n"
	"This page is made by `fairlead help --markdown`; a test checks that it is current.\n"
	"\n"
	"`fairlead serve` (or `controller` and `node`) serves CSI on unix sockets. The commands\n"
	"`volume`, `snapshot` and `vm` play the orchestrator: they make the calls that kubelet and\n"
	"the sidecars would make, in the same order, and repeat them until they are settled.\n"
	"Repeating a command that was interrupted is always right.\n"
	"\n"
	"Where a command takes a VOLUME or SNAPSHOT, its id (`default/n1/data`) or its bare name\n"
	"(`data`) is accepted; a name that stands for several is refused with their ids.\n"
	"\n"
	"Results go to standard output, everything else to standard error; an error is one line\n"
	"`fairlead: TEXT`. `--output json` prints one JSON document, `--output id` bare ids.\n"
	"Tables fit the terminal (`COLUMNS` overrules its width); what does not fit ends in `…`.\n"
	"\n"
	"`FAIRLEAD_RUN` (default `/run/fairlead`) is where sockets, staging directories and the\n"
	"notes about published volumes are; `FAIRLEAD_BACKENDS` names a directory of backends.\n";

static void manual_options(FILE *out, struct fl_arena *arena, const struct command *command)
{
	bool any = false;

	for (size_t s = 0; s < CLI_SETS_MAX; s++) {
		for (size_t i = 0; i < command->sets[s].n; i++) {
			const struct cli_option *row = &command->sets[s].rows[i];

			fputs(any ? "" : "\n| option | meaning |\n|---|---|\n", out);
			any = true;
			fprintf(out, "| `%s` | %s |\n", cli_option_usage(arena, row),
				cli_option_explain(arena, row));
		}
	}
}

void manual_print(FILE *out, struct fl_arena *arena)
{
	fputs(manual_intro, out);
	fputs("\n## Exit codes\n\n| code | meaning |\n|---|---|\n", out);
	for (size_t i = 0; i < cli_exit_n_meanings; i++)
		fprintf(out, "| %d | %s |\n", cli_exit_meanings[i].code,
			cli_exit_meanings[i].meaning);
	fputs("\n`fairlead doctor` ends with 1 when something that is needed is missing.\n", out);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		if (c->hidden)
			continue;
		fprintf(out, "\n## fairlead %s%s%s\n\n%s\n", c->name, *c->operands ? " " : "",
			c->operands, c->summary);
		if (c->details)
			fprintf(out, "\n%s\n", c->details);
		manual_options(out, arena, c);
	}
}
