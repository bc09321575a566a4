/* SPDX-License-Identifier: Apache-2.0 */
/* Find: from the words of a command line to the command that is meant. */
#pragma once

#include "command.h"

/* The command whose name the first words are (the longest such name); *ret_used is how many they
 * are.  NULL: there is none. */
const struct command *command_find(const char *const *words, size_t n_words, size_t *ret_used);

/* FL_INVALID, with the nearest command. */
int command_unknown(struct fl_arena *arena, const char *const *words, size_t n_words,
		    struct fl_error *err) fl_must_check;
