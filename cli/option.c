/* SPDX-License-Identifier: Apache-2.0 */
/* One row of a table of options: its value, and its words for people. */
#include <string.h>
#include <unistd.h>

#include "options.h"

static int option_text(struct fl_arena *arena, const struct cli_option *option, const char *text,
		       const char **ret, struct fl_error *err)
{
	bool is_allowed = !option->words;
	const char *list = "";

	for (size_t i = 0; option->words && option->words[i]; i++) {
		is_allowed = is_allowed || strcmp(option->words[i], text) == 0;
		list = fl_arena_printf(arena, "%s%s%s", list, i ? ", " : "", option->words[i]);
	}
	if (!is_allowed)
		return fl_error_set(err, FL_INVALID, "\"%s\" is none of %s", text, list);
	*ret = text;
	return 0;
}

/* Without empty parts and ".": services refuse those.  ".." stays: what it means, links decide. */
static const char *option_tidy(struct fl_arena *arena, const char *path)
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
static int option_path(struct fl_arena *arena, const char *text, const char **ret,
		       struct fl_error *err)
{
	fl_cleanup(fl_free) char *here = NULL;

	if (text[0] == '/') {
		*ret = option_tidy(arena, text);
		return 0;
	}
	here = getcwd(NULL, 0);
	if (!here)
		return fl_error_set(err, FL_INVALID, "the working directory is gone");
	*ret = option_tidy(arena, fl_arena_printf(arena, "%s/%s", here, text));
	return 0;
}

static int option_pair(struct fl_arena *arena, const char *text, struct cli_pairs *ret,
		       struct fl_error *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return fl_error_set(err, FL_INVALID, "wanted KEY=VALUE");
	ret->items = fl_arena_grow(arena, ret->items, ret->n, &ret->capacity, sizeof(*ret->items));
	ret->items[ret->n].key = fl_arena_strndup(arena, text, (size_t)(equals - text));
	ret->items[ret->n++].value = equals + 1;
	return 0;
}

/* Nothing that has a size has none: 0 would be taken for an option that is not given. */
static int option_size(const char *text, uint64_t *ret, struct fl_error *err)
{
	if (fl_text_parse_size(text, ret, err) < 0)
		return -1;
	return *ret ? 0 : fl_error_set(err, FL_INVALID, "the size \"%s\" is nothing", text);
}

int cli_option_store(struct fl_arena *arena, const struct cli_option *option, const char *text,
		     void *ret, struct fl_error *err)
{
	void *member = (char *)ret + option->offset;

	if (!*text)
		return fl_error_set(err, FL_INVALID, "the value is empty");
	switch (option->kind) {
	case CLI_FLAG:
		return fl_error_set(err, FL_INVALID, "takes no value");
	case CLI_TEXT:
		return option_text(arena, option, text, member, err);
	case CLI_PATH:
		return option_path(arena, text, member, err);
	case CLI_SIZE:
		return option_size(text, member, err);
	case CLI_DURATION:
		return fl_text_parse_duration(text, member, err);
	case CLI_PAIRS:
		return option_pair(arena, text, member, err);
	}
	return fl_error_set(err, FL_INTERNAL, "option of an unknown kind");
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
