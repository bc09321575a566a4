/* SPDX-License-Identifier: Apache-2.0 */
/* Find: from the words of a command line to the command that is meant. */
#pragma once

#include "command.h"

#define COMMAND_WORDS_MAX 3 /* of a command's name */

/* The command whose name the first words are (the longest such name); *ret_used is how many they
 * are.  NULL: there is none. */
const struct command *command_find(const char *const *words, size_t n_words, size_t *ret_used);

/* A group is what several commands' names begin with: "snapshot", "snapshot group".  Whether a
 * command is of this one and not hidden. */
bool command_is_in(const struct command *command, const char *group);
/* The longest group that the first words name, and of how many words; NULL and 0: none. */
const char *command_group(struct fl_arena *arena, const char *const *words, size_t n_words,
			  size_t *ret_used);

/* FL_INVALID for words that command_find does not know and that are no group either: with the
 * nearest command or group, or the option that stands where a command should.  At least one
 * word. */
int command_unknown(struct fl_arena *arena, const char *const *words, size_t n_words,
		    struct fl_error *err) fl_must_check;
