/* SPDX-License-Identifier: Apache-2.0 */
/* The part of config.h that knows tables of options: fills structs by them and prints them. */
#include <string.h>

#include "config.h"
#include "value.h"

/* What is filled, by which table. */
struct option_filling {
	struct fl_arena *arena;
	const char *what;
	const struct fl_option *options;
	size_t n_options;
	const char *const *others;
	char *base;
	bool *given; /* for each option: it had a value */
};

static const char *option_join(struct fl_arena *arena, const char *const *words, size_t n,
			       const char *between)
{
	const char *text = "";

	for (size_t i = 0; i < n; i++)
		text = fl_arena_printf(arena, "%s%s%s", text, i ? between : "", words[i]);
	return text;
}

static size_t option_count(const char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

static int option_check_word(struct fl_arena *arena, const struct fl_option *option,
			     const char *text, struct fl_error *err)
{
	size_t n = option_count(option->words);

	for (size_t i = 0; i < n; i++)
		if (strcmp(option->words[i], text) == 0)
			return 0;
	if (n == 0)
		return 0;
	return fl_error_set(err, FL_INVALID, "must be one of %s, not \"%.64s\"",
			    option_join(arena, option->words, n, ", "), text);
}

/* Stores the text in the option's member.  The error begins with the key. */
static int option_store(const struct option_filling *f, const struct fl_option *option,
			const char *text, struct fl_error *err)
{
	if (option_check_word(f->arena, option, text, err) == 0 &&
	    fl_value_read(f->arena, option->kind, text, f->base + option->offset, err) == 0)
		return 0;
	/* Whatever lies behind it (a file that is not there): what is wrong is the
	 * configuration. */
	if (err->code != FL_UNAVAILABLE)
		err->code = FL_INVALID;
	fl_error_set(err, err->code, "\"%s\" in %s %s", option->key, f->what, err->text);
	return -1;
}

static const struct fl_option *option_find(const struct option_filling *f, const char *key)
{
	for (size_t i = 0; i < f->n_options; i++)
		if (strcmp(f->options[i].key, key) == 0)
			return &f->options[i];
	return NULL;
}

static bool option_is_other(const struct option_filling *f, const char *key)
{
	for (size_t i = 0; f->others && f->others[i]; i++)
		if (strcmp(f->others[i], key) == 0)
			return true;
	return false;
}

static int option_refuse_key(const struct option_filling *f, const char *key, struct fl_error *err)
{
	size_t n_others = option_count(f->others), n = f->n_options + n_others;
	const char **known = fl_arena_array(f->arena, n + 1, sizeof(known[0]));
	const char *nearest;

	for (size_t i = 0; i < f->n_options; i++)
		known[i] = f->options[i].key;
	for (size_t i = 0; i < n_others; i++)
		known[f->n_options + i] = f->others[i];
	nearest = fl_text_nearest(key, known, n);
	if (nearest)
		return fl_error_set(err, FL_INVALID,
				    "unknown key \"%.64s\" in %s: did you mean \"%s\"?", key,
				    f->what, nearest);
	if (n == 0)
		return fl_error_set(err, FL_INVALID, "unknown key \"%.64s\" in %s: it has no keys",
				    key, f->what);
	return fl_error_set(err, FL_INVALID, "unknown key \"%.64s\" in %s: there are %s", key,
			    f->what, option_join(f->arena, known, n, ", "));
}

static struct option_filling option_begin(struct option_filling filling, size_t size)
{
	filling.given = fl_arena_array(filling.arena, filling.n_options + 1, sizeof(bool));
	memset(filling.base, 0, size);
	return filling;
}

/* Defaults, and what is missing. */
static int option_finish(const struct option_filling *f, struct fl_error *err)
{
	for (size_t i = 0; i < f->n_options; i++) {
		const struct fl_option *option = &f->options[i];

		if (f->given[i])
			continue;
		if (option->required)
			return fl_error_set(err, FL_INVALID, "%s lacks the key \"%s\" (%s)",
					    f->what, option->key, option->help);
		if (option->otherwise && option_store(f, option, option->otherwise, err) < 0)
			return fl_error_prefix(err, "the default");
	}
	return 0;
}

static int option_store_sequence(const struct option_filling *f, const struct fl_option *option,
				 const struct fl_config_node *list, struct fl_error *err)
{
	struct fl_strings strings = { .n = fl_config_count(list) };

	strings.items = fl_arena_array(f->arena, strings.n + 1, sizeof(strings.items[0]));
	for (size_t i = 0; i < strings.n; i++) {
		const struct fl_config_node *item = fl_config_at(list, i, NULL);

		strings.items[i] = fl_config_scalar(item);
		if (!strings.items[i] || !*strings.items[i])
			return fl_config_fail(item, err, "\"%s\" in %s must be a list of texts",
					      option->key, f->what);
	}
	memcpy(f->base + option->offset, &strings, sizeof(strings));
	return 0;
}

static int option_store_node(const struct option_filling *f, const struct fl_option *option,
			     const struct fl_config_node *node, struct fl_error *err)
{
	const char *text = fl_config_scalar(node);

	if (option->kind == FL_OPTION_LIST && fl_config_kind(node) == FL_CONFIG_LIST)
		return option_store_sequence(f, option, node, err);
	if (option->kind == FL_OPTION_LIST)
		return fl_config_fail(node, err, "\"%s\" in %s must be a list, such as [a, b]",
				      option->key, f->what);
	if (!text)
		return fl_config_fail(node, err, "\"%s\" in %s must be one value, not a %s",
				      option->key, f->what,
				      fl_config_kind(node) == FL_CONFIG_MAP ? "map" : "list");
	if (option_store(f, option, text, err) == 0)
		return 0;
	return err->code == FL_INVALID ? fl_config_fail(node, err, "%s", err->text) : -1;
}

int fl_config_fill(struct fl_arena *arena, const struct fl_config_node *map, const char *what,
		   const struct fl_option *options, size_t n_options, const char *const *others,
		   void *ret, size_t size, struct fl_error *err)
{
	struct option_filling f = option_begin(
		(struct option_filling){ arena, what, options, n_options, others, ret, NULL },
		size);

	if (fl_config_kind(map) != FL_CONFIG_MAP)
		return fl_config_fail(map, err, "%s must be a map of keys and values", what);
	for (size_t i = 0; i < fl_config_count(map); i++) {
		const char *key;
		const struct fl_config_node *node = fl_config_at(map, i, &key);
		const struct fl_option *option = option_find(&f, key);

		if (!option && option_is_other(&f, key))
			continue;
		if (!option) {
			option_refuse_key(&f, key, err);
			return fl_config_fail(node, err, "%s", err->text);
		}
		if (option_store_node(&f, option, node, err) < 0)
			return -1;
		f.given[option - options] = true;
	}
	if (option_finish(&f, err) == 0)
		return 0;
	return err->code == FL_INVALID ? fl_config_fail(map, err, "%s", err->text) : -1;
}

int fl_config_fill_pairs(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
			 const char *what, const struct fl_option *options, size_t n_options,
			 void *ret, size_t size, struct fl_error *err)
{
	struct option_filling f = option_begin(
		(struct option_filling){ arena, what, options, n_options, NULL, ret, NULL }, size);

	for (size_t i = 0; i < n_pairs; i++) {
		const struct fl_option *option = option_find(&f, pairs[i].key);

		if (!option)
			return option_refuse_key(&f, pairs[i].key, err);
		if (f.given[option - options])
			continue;
		if (option_store(&f, option, fl_pair_get(pairs, n_pairs, option->key), err) < 0)
			return -1;
		f.given[option - options] = true;
	}
	return option_finish(&f, err);
}

static const char *option_kind_text(struct fl_arena *arena, const struct fl_option *option)
{
	if (option->words)
		return option_join(arena, option->words, option_count(option->words), "|");
	return fl_value_kind_name(option->kind);
}

static const char *option_need_text(struct fl_arena *arena, const struct fl_option *option)
{
	if (option->required)
		return "required";
	return option->otherwise ? fl_arena_printf(arena, "default %s", option->otherwise)
				 : "optional";
}

static void option_widen(size_t *width, const char *text)
{
	if (strlen(text) > *width)
		*width = strlen(text);
}

void fl_config_print_options(FILE *out, const struct fl_option *options, size_t n_options)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	size_t widths[3] = { 0 };

	for (size_t i = 0; i < n_options; i++) {
		option_widen(&widths[0], options[i].key);
		option_widen(&widths[1], option_kind_text(arena, &options[i]));
		option_widen(&widths[2], option_need_text(arena, &options[i]));
	}
	for (size_t i = 0; i < n_options; i++)
		fprintf(out, "%-*s  %-*s  %-*s  %s\n", (int)widths[0], options[i].key,
			(int)widths[1], option_kind_text(arena, &options[i]), (int)widths[2],
			option_need_text(arena, &options[i]), options[i].help);
}
