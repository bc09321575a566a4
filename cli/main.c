/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "find.h"
#include "help.h"
#include "verbs.h"

const struct command *const commands[] = {
	&serve_command,
	&controller_command,
	&node_command,
	&volume_create_command,
	&volume_list_command,
	&volume_show_command,
	&volume_health_command,
	&volume_expand_command,
	&volume_modify_command,
	&volume_publish_command,
	&volume_unpublish_command,
	&volume_delete_command,
	&snapshot_create_command,
	&snapshot_list_command,
	&snapshot_delete_command,
	&snapshot_diff_command,
	&snapshot_group_create_command,
	&snapshot_group_list_command,
	&snapshot_group_show_command,
	&snapshot_group_delete_command,
	&vm_run_command,
	&vm_options_command,
	&vm_list_command,
	&vm_status_command,
	&vm_attach_command,
	&vm_detach_command,
	&vm_resize_command,
	&vm_resume_command,
	&vm_console_command,
	&vm_stop_command,
	&vm_launcher_command,
	&backend_list_command,
	&backend_options_command,
	&backend_check_command,
	&doctor_command,
	&help_command_row,
	NULL,
};

static int main_failed(const struct fl_error *err, const char *command)
{
	fprintf(stderr, "fairlead: %s\n", err->text);
	if (command)
		fprintf(stderr, "\"fairlead help %s\" says more\n", command);
	return (int)cli_exit_of(err->code);
}

/* --help and --version anywhere before "--". */
static bool main_has(struct cli_words words, const char *name, const char *letter)
{
	for (size_t i = 0; i < words.n && strcmp(words.items[i], "--") != 0; i++) {
		if (strcmp(words.items[i], name) == 0 || strcmp(words.items[i], letter) == 0)
			return true;
	}
	return false;
}

static int main_version(void)
{
	printf("fairlead %s\n", FL_VERSION);
	return CLI_DONE;
}

static int main_operands(const struct command *command, const struct fl_strings *operands,
			 struct fl_error *err)
{
	if (operands->n < command->min_operands)
		return fl_error_set(err, FL_INVALID, "%s wants %s", command->name,
				    command->operands);
	if (operands->n > command->max_operands)
		return fl_error_set(err, FL_INVALID, "%s does not know what \"%s\" is for",
				    command->name, operands->items[command->max_operands]);
	return 0;
}

static int main_run(struct fl_arena *arena, const struct command *command, struct cli_words words,
		    const char *program)
{
	struct invocation invocation = { .command = command, .arena = arena, .program = program };
	struct fl_error err = { 0 };
	void *options = fl_arena_alloc(arena, command->options_size + 1);
	int result;

	if (cli_options_parse(arena, command->sets, words, options, &invocation.operands, &err) <
		    0 ||
	    main_operands(command, &invocation.operands, &err) < 0)
		return main_failed(&err, command->name);
	invocation.options = options;
	result = command->run(&invocation, &err);
	if (result < 0)
		return main_failed(&err, NULL);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "fairlead: cannot write the result\n");
		return CLI_FAILED;
	}
	return result;
}

/* What is left when the words name no command: --help, --version, a group, or a mistake. */
static int main_other(struct fl_arena *arena, struct cli_words words)
{
	const char *const *items = (const char *const *)words.items;
	size_t used;
	const char *group = command_group(arena, items, words.n, &used);
	bool is_named = used == words.n || items[used][0] == '-';

	if (words.n && main_has(words, "--version", "-V"))
		return main_version();
	if (is_named && main_has(words, "--help", "-h")) {
		help_overview(stdout, arena, group);
		return CLI_DONE;
	}
	if (used == words.n) {
		help_overview(stderr, arena, group);
		return CLI_USAGE;
	}
	return help_unknown(arena, items, words.n);
}

int main(int argc, char **argv)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct cli_words words = { argv + 1, argc > 0 ? (size_t)argc - 1 : 0 };
	const struct command *command;
	size_t used;

	setlocale(LC_CTYPE, "C.UTF-8");
	command = command_find((const char *const *)words.items, words.n, &used);
	if (!command)
		return main_other(arena, words);
	words.items += used;
	words.n -= used;
	if (main_has(words, "--help", "-h")) {
		help_command(stdout, arena, command);
		return CLI_DONE;
	}
	if (main_has(words, "--version", "-V"))
		return main_version();
	return main_run(arena, command, words, argv[0]);
}
