/* SPDX-License-Identifier: Apache-2.0 */
/* Options: what may follow a command on its line, as a table.
 *
 * One row per option drives the parser, the help text and docs/cli.md, so that they cannot differ.
 * Both "--size 10Gi" and "--size=10Gi" are read; options and operands may be mixed; "--" ends the
 * options.  All strings are the command line's or the arena's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/config.h"

enum cli_option_kind {
	CLI_FLAG,     /* bool; takes no value */
	CLI_TEXT,     /* const char *; not empty */
	CLI_PATH,     /* const char *; absolute, a relative one is completed */
	CLI_SIZE,     /* uint64_t bytes, at least 1 */
	CLI_DURATION, /* uint64_t milliseconds */
	CLI_PAIRS,    /* struct cli_pairs; KEY=VALUE, may be repeated */
};

struct cli_pairs {
	struct fl_pair *items;
	size_t n;
	size_t capacity;
};

struct cli_option {
	const char *name; /* "size", given as --size */
	char letter;      /* 'o', given as -o; 0: none */
	enum cli_option_kind kind;
	bool required;
	size_t offset;     /* of the member in the struct that is filled */
	const char *value; /* what stands for the value in help: "SIZE" */
	const char
		*environment;  /* the variable that is read when the option is not given, or NULL */
	const char *otherwise; /* default, as text, or NULL: the member stays zero */
	const char *const *words; /* for TEXT: the allowed words, NULL-terminated; NULL: any */
	char group;               /* of options with the same non-zero group at most one is given */
	const char *help;         /* one phrase */
};

/* Rows that several commands share.  Their offsets count from the start of each command's
 * struct. */
struct cli_option_set {
	const struct cli_option *rows;
	size_t n;
};

#define CLI_SETS_MAX 4 /* sets of one command */

struct cli_words {
	char **items; /* the command line after the command's name */
	size_t n;
};

/* Fills `ret` (zeroed by the caller) by the sets; a set with NULL rows is empty.  What is no option
 * goes to ret_operands.  FL_INVALID names what is wrong and the nearest right option. */
int cli_options_parse(struct fl_arena *arena, const struct cli_option_set *sets,
		      struct cli_words words, void *ret, struct fl_strings *ret_operands,
		      struct fl_error *err) fl_must_check;

/* Reads the value of an option that is no flag into its member of `ret`; pairs are added to those
 * that are there.  FL_INVALID with a phrase that goes on after the option's name. */
int cli_option_store(struct fl_arena *arena, const struct cli_option *option, const char *text,
		     void *ret, struct fl_error *err) fl_must_check;
/* "--size SIZE", "-o, --output FORMAT". */
const char *cli_option_usage(struct fl_arena *arena, const struct cli_option *option);
/* The help and, in brackets, words, default and environment variable. */
const char *cli_option_explain(struct fl_arena *arena, const struct cli_option *option);
