/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options_parser {
	struct fl_arena *arena;
	const struct cli_option_set *sets;
	struct cli_words words;
	size_t at; /* the next word */
	char *base;
	bool given[CLI_SETS_MAX][64];
	struct fl_error *err;
};

static const struct cli_option *options_find(const struct options_parser *p, const char *name,
					     size_t length, char letter)
{
	for (size_t s = 0; s < CLI_SETS_MAX; s++) {
		for (size_t i = 0; i < p->sets[s].n; i++) {
			const struct cli_option *row = &p->sets[s].rows[i];

			if (letter ? row->letter == letter
				   : strlen(row->name) == length &&
					     strncmp(row->name, name, length) == 0)
				return row;
		}
	}
	return NULL;
}

static bool *options_given(struct options_parser *p, const struct cli_option *row)
{
	for (size_t s = 0; s < CLI_SETS_MAX; s++) {
		if (row >= p->sets[s].rows && row < p->sets[s].rows + p->sets[s].n)
			return &p->given[s][row - p->sets[s].rows];
	}
	return NULL;
}

static int options_unknown(struct options_parser *p, const char *name, size_t length)
{
	const char *word = fl_arena_strndup(p->arena, name, length);
	const char *names[CLI_SETS_MAX * 64] = { NULL };
	const char *nearest;
	size_t n = 0;

	for (size_t s = 0; s < CLI_SETS_MAX; s++) {
		for (size_t i = 0; i < p->sets[s].n; i++)
			names[n++] = p->sets[s].rows[i].name;
	}
	nearest = fl_text_nearest(word, names, n);
	if (nearest)
		return fl_error_set(p->err, FL_INVALID,
				    "there is no option --%s: did you mean --%s", word, nearest);
	return fl_error_set(p->err, FL_INVALID, "there is no option --%s", word);
}

static int options_word(struct options_parser *p, const struct cli_option *row, const char *text)
{
	const char *list = "";

	for (size_t i = 0; row->words[i]; i++) {
		if (strcmp(row->words[i], text) == 0)
			return 0;
		list = fl_arena_printf(p->arena, "%s%s%s", list, i ? ", " : "", row->words[i]);
	}
	return fl_error_set(p->err, FL_INVALID, "\"%s\" is none of %s", text, list);
}

static int options_text(struct options_parser *p, const struct cli_option *row, const char *text)
{
	const char **member = (const char **)(p->base + row->offset);

	if (row->words && options_word(p, row, text) < 0)
		return -1;
	*member = text;
	return 0;
}

/* Without empty parts and ".": services refuse those.  ".." stays: what it means, links decide. */
static const char *options_tidy(struct fl_arena *arena, const char *path)
{
	char *tidy = fl_arena_alloc(arena, strlen(path) + 2);
	size_t n = 0;

	while (*path) {
		size_t length = strcspn(path, "/");

		if (length && !(length == 1 && path[0] == '.')) {
			tidy[n++] = '/';
			memcpy(tidy + n, path, length);
			n += length;
		}
		path += length + (path[length] == '/');
	}
	return n ? tidy : "/";
}

/* A path is completed here, because the service that gets it has another working directory. */
static int options_path(struct options_parser *p, const struct cli_option *row, const char *text)
{
	const char **member = (const char **)(p->base + row->offset);
	fl_cleanup(fl_free) char *here = NULL;

	if (text[0] == '/') {
		*member = options_tidy(p->arena, text);
		return 0;
	}
	here = getcwd(NULL, 0);
	if (!here)
		return fl_error_set(p->err, FL_INVALID, "the working directory is gone");
	*member = options_tidy(p->arena, fl_arena_printf(p->arena, "%s/%s", here, text));
	return 0;
}

static int options_pair(struct options_parser *p, const struct cli_option *row, const char *text)
{
	struct cli_pairs *pairs = (struct cli_pairs *)(p->base + row->offset);
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return fl_error_set(p->err, FL_INVALID, "wanted KEY=VALUE");
	pairs->items = fl_arena_grow(p->arena, pairs->items, pairs->n, &pairs->capacity,
				     sizeof(*pairs->items));
	pairs->items[pairs->n].key = fl_arena_strndup(p->arena, text, (size_t)(equals - text));
	pairs->items[pairs->n++].value = equals + 1;
	return 0;
}

/* Nothing that has a size has none: 0 would be taken for an option that is not given. */
static int options_size(struct options_parser *p, const char *text, uint64_t *ret)
{
	if (fl_text_parse_size(text, ret, p->err) < 0)
		return -1;
	return *ret ? 0 : fl_error_set(p->err, FL_INVALID, "the size \"%s\" is nothing", text);
}

static int options_store(struct options_parser *p, const struct cli_option *row, const char *text)
{
	void *member = p->base + row->offset;

	if (!*text)
		return fl_error_set(p->err, FL_INVALID, "the value is empty");
	switch (row->kind) {
	case CLI_FLAG:
		return fl_error_set(p->err, FL_INVALID, "takes no value");
	case CLI_TEXT:
		return options_text(p, row, text);
	case CLI_PATH:
		return options_path(p, row, text);
	case CLI_SIZE:
		return options_size(p, text, member);
	case CLI_DURATION:
		return fl_text_parse_duration(text, member, p->err);
	case CLI_PAIRS:
		return options_pair(p, row, text);
	}
	return fl_error_set(p->err, FL_INTERNAL, "option of an unknown kind");
}

/* The value: what follows "=" or the letter, else the next word. */
static int options_take(struct options_parser *p, const struct cli_option *row, const char *value)
{
	bool *given = options_given(p, row);

	if (*given && row->kind != CLI_PAIRS)
		return fl_error_set(p->err, FL_INVALID, "--%s is given twice", row->name);
	*given = true;
	if (row->kind == CLI_FLAG && !value) {
		*(bool *)(p->base + row->offset) = true;
		return 0;
	}
	if (!value && p->at == p->words.n)
		return fl_error_set(p->err, FL_INVALID, "--%s wants a value: %s", row->name,
				    cli_option_usage(p->arena, row));
	if (!value)
		value = p->words.items[p->at++];
	if (options_store(p, row, value) < 0)
		return fl_error_prefix(p->err, "--%s", row->name);
	return 0;
}

static int options_long(struct options_parser *p, const char *name)
{
	size_t length = strcspn(name, "=");
	const struct cli_option *row = options_find(p, name, length, 0);

	if (!row)
		return options_unknown(p, name, length);
	return options_take(p, row, name[length] ? name + length + 1 : NULL);
}

static int options_short(struct options_parser *p, const char *word)
{
	const struct cli_option *row = options_find(p, NULL, 0, word[1]);

	if (!row)
		return fl_error_set(p->err, FL_INVALID, "there is no option -%c", word[1]);
	return options_take(p, row, word[2] ? word + 2 : NULL);
}

/* At most one option of a group; the required ones; defaults for the rest. */
static int options_finish(struct options_parser *p, const struct cli_option *row)
{
	const char *text = row->environment ? getenv(row->environment) : NULL;

	if (*options_given(p, row))
		return 0;
	if (row->required && !(text && *text))
		return fl_error_set(p->err, FL_INVALID, "%s is missing",
				    cli_option_usage(p->arena, row));
	if (text && *text && options_store(p, row, text) < 0)
		return fl_error_prefix(p->err, "%s in the environment", row->environment);
	if (!(text && *text) && row->otherwise)
		return options_store(p, row, row->otherwise);
	return 0;
}

static int options_groups(struct options_parser *p, const struct cli_option_set *set)
{
	const struct cli_option *first[128] = { NULL };

	for (size_t i = 0; i < set->n; i++) {
		const struct cli_option *row = &set->rows[i];
		size_t group = (size_t)row->group & 127;

		if (!group || !*options_given(p, row))
			continue;
		if (first[group])
			return fl_error_set(p->err, FL_INVALID, "--%s and --%s exclude each other",
					    first[group]->name, row->name);
		first[group] = row;
	}
	return 0;
}

static int options_close(struct options_parser *p)
{
	for (size_t s = 0; s < CLI_SETS_MAX; s++) {
		for (size_t i = 0; i < p->sets[s].n; i++) {
			if (options_finish(p, &p->sets[s].rows[i]) < 0)
				return -1;
		}
		if (options_groups(p, &p->sets[s]) < 0)
			return -1;
	}
	return 0;
}

int cli_options_parse(struct fl_arena *arena, const struct cli_option_set *sets,
		      struct cli_words words, void *ret, struct fl_strings *ret_operands,
		      struct fl_error *err)
{
	struct options_parser p = {
		.arena = arena, .sets = sets, .words = words, .base = ret, .err = err
	};
	const char **operands = fl_arena_array(arena, words.n + 1, sizeof(*operands));
	size_t n = 0;
	bool ended = false;

	while (p.at < words.n) {
		const char *word = words.items[p.at++];
		int result = 0;

		if (ended || word[0] != '-' || !word[1])
			operands[n++] = word;
		else if (strcmp(word, "--") == 0)
			ended = true;
		else if (word[1] == '-')
			result = options_long(&p, word + 2);
		else
			result = options_short(&p, word);
		if (result < 0)
			return -1;
	}
	if (options_close(&p) < 0)
		return -1;
	ret_operands->items = operands;
	ret_operands->n = n;
	return 0;
}

const char *cli_option_usage(struct fl_arena *arena, const struct cli_option *option)
{
	const char *letter = option->letter ? fl_arena_printf(arena, "-%c, ", option->letter) : "";

	return fl_arena_printf(arena, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
			       option->value ? option->value : "");
}

const char *cli_option_explain(struct fl_arena *arena, const struct cli_option *option)
{
	const char *more = "";

	for (size_t i = 0; option->words && option->words[i]; i++)
		more = fl_arena_printf(arena, "%s%s%s", more, i ? ", " : "", option->words[i]);
	if (option->environment)
		more = fl_arena_printf(arena, "%s%s$%s", more, *more ? "; " : "",
				       option->environment);
	if (option->otherwise)
		more = fl_arena_printf(arena, "%s%sdefault %s", more, *more ? "; " : "",
				       option->otherwise);
	if (option->required)
		more = fl_arena_printf(arena, "%s%srequired", more, *more ? "; " : "");
	return *more ? fl_arena_printf(arena, "%s (%s)", option->help, more) : option->help;
}
