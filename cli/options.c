/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

struct options_parser {
	struct fl_arena *arena;
	const struct cli_option_set *sets;
	struct cli_words words;
	size_t at; /* the next word */
	void *base;
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

/* The value: what follows "=" or the letter, else the next word. */
static int options_take(struct options_parser *p, const struct cli_option *row, const char *value)
{
	bool *given = options_given(p, row);

	if (*given && row->kind != CLI_PAIRS)
		return fl_error_set(p->err, FL_INVALID, "--%s is given twice", row->name);
	*given = true;
	if (row->kind == CLI_FLAG && !value) {
		*(bool *)((char *)p->base + row->offset) = true;
		return 0;
	}
	if (!value && p->at == p->words.n)
		return fl_error_set(p->err, FL_INVALID, "--%s wants a value: %s", row->name,
				    cli_option_usage(p->arena, row));
	if (!value)
		value = p->words.items[p->at++];
	if (cli_option_store(p->arena, row, value, p->base, p->err) < 0)
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
	if (text && *text && cli_option_store(p->arena, row, text, p->base, p->err) < 0)
		return fl_error_prefix(p->err, "%s in the environment", row->environment);
	if (!(text && *text) && row->otherwise)
		return cli_option_store(p->arena, row, row->otherwise, p->base, p->err);
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
