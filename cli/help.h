/* SPDX-License-Identifier: Apache-2.0 */
/* Help: the commands' tables as text, for people at a terminal and for docs/cli.md. */
#pragma once

#include <stdio.h>

#include "command.h"

/* The whole program, or the commands that start with `group` ("volume"). */
void help_overview(FILE *out, struct fl_arena *arena, const char *group);
/* One command. */
void help_command(FILE *out, struct fl_arena *arena, const struct command *command);

/* Whether some visible command starts with the word `group` and has more words. */
bool help_is_group(const char *group);

extern const struct command help_command_row;
