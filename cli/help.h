/* SPDX-License-Identifier: Apache-2.0 */
/* Help: the commands' tables as text, for people at a terminal and for docs/cli.md. */
#pragma once

#include <stdio.h>

#include "command.h"

/* The whole program, or the commands that start with `group` ("volume",
 * "snapshot group"). */
void help_overview(FILE *out, struct fl_arena *arena, const char *group);
/* One command. */
void help_command(FILE *out, struct fl_arena *arena, const struct command *command);

/* Says on standard error what is wrong with words that name no command (command_unknown), and lists
 * the commands of the group that they begin with.  The exit code. */
int help_unknown(struct fl_arena *arena, const char *const *words, size_t n_words);

extern const struct command help_command_row;
