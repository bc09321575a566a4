/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <string.h>

/* How many words the name has when they are the first of `words`, else 0. */
static size_t find_match(const char *name, const char *const *words, size_t n_words)
{
	size_t used = 0;

	for (;;) {
		size_t length = strcspn(name, " ");

		if (used == n_words || strlen(words[used]) != length ||
		    strncmp(words[used], name, length) != 0)
			return 0;
		used++;
		if (!name[length])
			return used;
		name += length + 1;
	}
}

const struct command *command_find(const char *const *words, size_t n_words, size_t *ret_used)
{
	const struct command *best = NULL;

	*ret_used = 0;
	for (size_t i = 0; commands[i]; i++) {
		size_t used = find_match(commands[i]->name, words, n_words);

		if (used > *ret_used) {
			*ret_used = used;
			best = commands[i];
		}
	}
	return best;
}

int command_unknown(struct fl_arena *arena, const char *const *words, size_t n_words,
		    struct fl_error *err)
{
	const char *names[128] = { NULL }, *nearest = NULL;
	const char *two = n_words > 1 ? fl_arena_printf(arena, "%s %s", words[0], words[1]) : NULL;
	size_t n = 0;

	for (size_t i = 0; commands[i] && n + 1 < FL_COUNT(names); i++) {
		size_t length = strcspn(commands[i]->name, " ");

		if (commands[i]->hidden)
			continue;
		names[n++] = commands[i]->name;
		if (commands[i]->name[length] && n < FL_COUNT(names))
			names[n++] = fl_arena_strndup(arena, commands[i]->name, length);
	}
	if (two)
		nearest = fl_text_nearest(two, names, n);
	if (!nearest)
		nearest = fl_text_nearest(words[0], names, n);
	if (nearest)
		return fl_error_set(err, FL_INVALID,
				    "there is no command \"%s\": did you mean \"fairlead %s\"",
				    two ? two : words[0], nearest);
	return fl_error_set(err, FL_INVALID,
			    "there is no command \"%s\": \"fairlead help\" lists them",
			    two ? two : words[0]);
}
