/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <string.h>

#define FIND_NAMES_MAX 256 /* of commands and groups, far more than there are */

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

/* "snapshot group": the first n of the words; NULL when there are none. */
static const char *find_join(struct fl_arena *arena, const char *const *words, size_t n)
{
	const char *name = n ? words[0] : NULL;

	for (size_t i = 1; i < n; i++)
		name = fl_arena_printf(arena, "%s %s", name, words[i]);
	return name;
}

bool command_is_in(const struct command *command, const char *group)
{
	size_t length = strlen(group);

	return !command->hidden && strncmp(command->name, group, length) == 0 &&
	       command->name[length] == ' ';
}

static bool find_is_group(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (command_is_in(commands[i], name))
			return true;
	return false;
}

/* How many of the words may belong to a command's name: the first options end it. */
static size_t find_names(const char *const *words, size_t n_words)
{
	size_t n = 0;

	while (n < n_words && n < COMMAND_WORDS_MAX && words[n][0] != '-')
		n++;
	return n;
}

const char *command_group(struct fl_arena *arena, const char *const *words, size_t n_words,
			  size_t *ret_used)
{
	for (size_t n = find_names(words, n_words); n > 0; n--) {
		const char *name = find_join(arena, words, n);

		*ret_used = n;
		if (find_is_group(name))
			return name;
	}
	*ret_used = 0;
	return NULL;
}

/* The names of all commands, and those of their groups, some more than once. */
static size_t find_all(struct fl_arena *arena, const char *ret[FIND_NAMES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; commands[i]; i++) {
		const char *name = commands[i]->name;

		for (const char *end = name; end && !commands[i]->hidden && n < FIND_NAMES_MAX;) {
			end = strchr(end, ' ');
			ret[n++] =
				end ? fl_arena_strndup(arena, name, (size_t)(end++ - name)) : name;
		}
	}
	return n;
}

int command_unknown(struct fl_arena *arena, const char *const *words, size_t n_words,
		    struct fl_error *err)
{
	const char *names[FIND_NAMES_MAX], *nearest = NULL, *wrong;
	size_t n_names = find_all(arena, names), n = find_names(words, n_words), used;

	command_group(arena, words, n_words, &used);
	if (used == n)
		return fl_error_set(err, FL_INVALID, "%s before a command means nothing", words[n]);
	wrong = find_join(arena, words, used + 1);
	/* What follows a mistyped group tells which of its commands was meant. */
	for (size_t k = n; k > used && !nearest; k--)
		nearest = fl_text_nearest(find_join(arena, words, k), names, n_names);
	if (nearest)
		return fl_error_set(err, FL_INVALID,
				    "there is no command \"%s\": did you mean \"fairlead %s\"",
				    wrong, nearest);
	return fl_error_set(err, FL_INVALID,
			    "there is no command \"%s\": \"fairlead help\" lists them", wrong);
}
