/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <string.h>

#include "exit.h"
#include "find.h"
#include "manual.h"

#define HELP_COLUMN 30
#define HELP_WIDTH 96

/* Prints `text` in lines of at most HELP_WIDTH columns, the following ones indented. */
static void help_wrap(FILE *out, const char *text, size_t indent)
{
	size_t column = indent;

	while (*text) {
		size_t word = strcspn(text, " \n");

		if (column + word > HELP_WIDTH && column > indent) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		fwrite(text, 1, word, out);
		column += word + 1;
		text += word;
		if (*text == '\n')
			fprintf(out, "\n%*s", (int)(column = indent), "");
		else if (*text && column + strcspn(text + 1, " \n") <= HELP_WIDTH)
			fputc(' ', out);
		if (*text)
			text++;
	}
	fputc('\n', out);
}

static void help_row(FILE *out, const char *left, const char *right)
{
	int used = fprintf(out, "  %s", left);

	if (used >= HELP_COLUMN - 1)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", HELP_COLUMN - used, "");
	help_wrap(out, right, HELP_COLUMN);
}

void help_overview(FILE *out, struct fl_arena *arena, const char *group)
{
	if (group) {
		fprintf(out, "usage: fairlead %s COMMAND [options]\n\ncommands:\n", group);
	} else {
		fprintf(out, "fairlead brings disks to virtual machines: a CSI driver with its own "
			     "launcher.\n\nusage: fairlead COMMAND [options]\n\ncommands:\n");
	}
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		if (group ? command_is_in(c, group) : !c->hidden)
			help_row(out, fl_arena_printf(arena, "%s %s", c->name, c->operands),
				 c->summary);
	}
	if (!group) {
		fprintf(out, "\nexit codes:\n");
		for (size_t i = 0; i < cli_exit_n_meanings; i++)
			help_row(out, fl_arena_printf(arena, "%d", cli_exit_meanings[i].code),
				 cli_exit_meanings[i].meaning);
	}
	fprintf(out, "\n\"fairlead help COMMAND\" says more about one command.\n");
}

void help_command(FILE *out, struct fl_arena *arena, const struct command *command)
{
	bool any = false;

	fprintf(out, "usage: fairlead %s%s%s%s\n\n", command->name, *command->operands ? " " : "",
		command->operands, command->sets[0].n ? " [options]" : "");
	fprintf(out, "%s\n", command->summary);
	if (command->details) {
		fputc('\n', out);
		help_wrap(out, command->details, 0);
	}
	for (size_t s = 0; s < CLI_SETS_MAX; s++) {
		for (size_t i = 0; i < command->sets[s].n; i++) {
			const struct cli_option *row = &command->sets[s].rows[i];

			fputs(any ? "" : "\noptions:\n", out);
			any = true;
			help_row(out, cli_option_usage(arena, row), cli_option_explain(arena, row));
		}
	}
}

int help_unknown(struct fl_arena *arena, const char *const *words, size_t n_words)
{
	size_t used;
	const char *group = command_group(arena, words, n_words, &used);
	struct fl_error err = { 0 };

	if (command_unknown(arena, words, n_words, &err) < 0)
		fprintf(stderr, "fairlead: %s\n", err.text);
	if (group) {
		fputc('\n', stderr);
		help_overview(stderr, arena, group);
	}
	return CLI_USAGE;
}

struct help_options {
	bool markdown;
};

static int help_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct help_options *options = invocation->options;
	const struct fl_strings *words = &invocation->operands;
	const struct command *command;
	const char *group;
	size_t used;

	if (options->markdown) {
		manual_print(stdout, invocation->arena);
		return 0;
	}
	group = command_group(invocation->arena, words->items, words->n, &used);
	if (used == words->n) {
		help_overview(stdout, invocation->arena, group);
		return 0;
	}
	command = command_find(words->items, words->n, &used);
	if (!command)
		return help_unknown(invocation->arena, words->items, words->n);
	if (used != words->n)
		return fl_error_set(err, FL_INVALID, "help %s does not know what \"%s\" is for",
				    command->name, words->items[used]);
	help_command(stdout, invocation->arena, command);
	return 0;
}

static const struct cli_option help_options[] = {
	{ .name = "markdown",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct help_options, markdown),
	  .help = "print docs/cli.md" },
};

const struct command help_command_row = {
	.name = "help",
	.operands = "[COMMAND]",
	.max_operands = COMMAND_WORDS_MAX,
	.summary = "explain a command",
	.sets = { { help_options, FL_COUNT(help_options) } },
	.options_size = sizeof(struct help_options),
	.run = help_run,
};
