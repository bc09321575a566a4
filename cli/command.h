/* SPDX-License-Identifier: Apache-2.0 */
/* Command: one verb of the program: what it is called, what it takes, what it does. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "options.h"

/* What a command gets when it runs. */
struct invocation {
	const struct command *command;
	struct fl_arena *arena;
	const void *options; /* the command's own struct, filled by its sets */
	struct fl_strings operands;
	const char *program; /* argv[0] */
};

struct command {
	const char *name;     /* "volume create" */
	const char *operands; /* "NAME", "[VOLUME]"; "" when it takes none */
	size_t min_operands, max_operands;
	const char *summary; /* one phrase, for lists of commands */
	const char *details; /* sentences for its help, or NULL */
	struct cli_option_set sets[CLI_SETS_MAX];
	size_t options_size;
	bool hidden; /* not in lists of commands */
	/* 0: done.  -1: *err says what failed, and the exit code follows from it (exit.h).  Above
	 * 0: that exit code; everything has been said. */
	int (*run)(const struct invocation *invocation, struct fl_error *err);
};

/* The table of all commands (main.c), NULL at its end. */
extern const struct command *const commands[];
