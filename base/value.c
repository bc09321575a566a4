/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <fcntl.h>
#include <string.h>

#include "file.h"

#define VALUE_MAX_SECRET 65536

static int value_read_string(struct fl_arena *arena, const char *text, void *member,
			     struct fl_error *err)
{
	const char *copy = fl_arena_strdup(arena, text);

	if (!*text)
		return fl_error_set(err, FL_INVALID, "must not be empty");
	memcpy(member, &copy, sizeof(copy));
	return 0;
}

static int value_read_path(struct fl_arena *arena, const char *text, void *member,
			   struct fl_error *err)
{
	if (*text != '/')
		return fl_error_set(err, FL_INVALID, "must be an absolute path, not \"%.200s\"",
				    text);
	return value_read_string(arena, text, member, err);
}

static int value_read_number(struct fl_arena *arena, const char *text, void *member,
			     struct fl_error *err)
{
	(void)arena;
	if (fl_text_parse_number(text, member, err) < 0)
		return fl_error_prefix(err, "must be a whole number");
	return 0;
}

static int value_read_size(struct fl_arena *arena, const char *text, void *member,
			   struct fl_error *err)
{
	(void)arena;
	if (fl_text_parse_size(text, member, err) < 0)
		return fl_error_prefix(err, "must be a size");
	return 0;
}

static int value_read_duration(struct fl_arena *arena, const char *text, void *member,
			       struct fl_error *err)
{
	(void)arena;
	if (fl_text_parse_duration(text, member, err) < 0)
		return fl_error_prefix(err, "must be a duration");
	return 0;
}

static int value_read_bool(struct fl_arena *arena, const char *text, void *member,
			   struct fl_error *err)
{
	bool value = strcmp(text, "true") == 0;

	(void)arena;
	if (!value && strcmp(text, "false") != 0)
		return fl_error_set(err, FL_INVALID, "must be true or false, not \"%.64s\"", text);
	memcpy(member, &value, sizeof(value));
	return 0;
}

/* One text with commas: what a list is in a request's parameters and in a default. */
static int value_read_list(struct fl_arena *arena, const char *text, void *member,
			   struct fl_error *err)
{
	struct fl_strings list = { .n = 0 };
	size_t capacity = 0, length;

	for (const char *from = text;; from += length + 1) {
		length = strcspn(from, ",");
		if (length == 0)
			return fl_error_set(err, FL_INVALID,
					    "must be a list such as a,b,c without empty items");
		list.items =
			fl_arena_grow(arena, list.items, list.n, &capacity, sizeof(list.items[0]));
		list.items[list.n++] = fl_arena_strndup(arena, from, length);
		if (!from[length])
			break;
	}
	memcpy(member, &list, sizeof(list));
	return 0;
}

/* Never says what it was given: somebody may have put the secret itself there. */
static int value_read_secret(struct fl_arena *arena, const char *text, void *member,
			     struct fl_error *err)
{
	const char *content;
	size_t size;

	if (!fl_text_starts_with(text, "file:/"))
		return fl_error_set(err, FL_INVALID,
				    "must be file: and the absolute path of a file that holds the "
				    "secret");
	if (fl_file_read(arena, AT_FDCWD, text + strlen("file:"), VALUE_MAX_SECRET, &content, &size,
			 err) < 0)
		return fl_error_prefix(err, "cannot be read");
	if (size > 0 && content[size - 1] == '\n')
		size--;
	if (size == 0 || memchr(content, '\0', size))
		return fl_error_set(err, FL_INVALID, "must be a text, but %s is %s",
				    text + strlen("file:"), size == 0 ? "empty" : "binary");
	content = fl_arena_strndup(arena, content, size);
	memcpy(member, &content, sizeof(content));
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct fl_arena *arena, const char *text, void *member, struct fl_error *err);
} value_kinds[] = {
	[FL_OPTION_STRING] = { "text", value_read_string },
	[FL_OPTION_PATH] = { "path", value_read_path },
	[FL_OPTION_NUMBER] = { "number", value_read_number },
	[FL_OPTION_SIZE] = { "size", value_read_size },
	[FL_OPTION_DURATION] = { "duration", value_read_duration },
	[FL_OPTION_BOOL] = { "true|false", value_read_bool },
	[FL_OPTION_LIST] = { "list", value_read_list },
	[FL_OPTION_SECRET] = { "file:/PATH", value_read_secret },
};

int fl_value_read(struct fl_arena *arena, enum fl_option_kind kind, const char *text, void *ret,
		  struct fl_error *err)
{
	return value_kinds[kind].read(arena, text, ret, err);
}

const char *fl_value_kind_name(enum fl_option_kind kind)
{
	return value_kinds[kind].name;
}
