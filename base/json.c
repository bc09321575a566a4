/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JSON_MAX_LEVELS 64

void fl_json_release(json_t **json)
{
	int saved = errno;

	json_decref(*json);
	*json = NULL;
	errno = saved;
}

/* jansson's own bound is a constant of its build (2,048 levels), so ours is kept before it
 * reads. */
static bool json_is_too_deep(const char *text, size_t size)
{
	size_t levels = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			levels++;
		else if (!quoted && (text[i] == '}' || text[i] == ']') && levels > 0)
			levels--;
		if (levels > JSON_MAX_LEVELS)
			return true;
	}
	return false;
}

int fl_json_parse(const char *text, size_t size, const char *what, json_t **ret,
		  struct fl_error *err)
{
	json_error_t bad;
	json_t *json;
	char *near;

	if (json_is_too_deep(text, size))
		return fl_error_set(err, FL_INTERNAL, "%s is nested deeper than %d levels", what,
				    JSON_MAX_LEVELS);
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &bad);
	if (json) {
		*ret = json;
		return 0;
	}
	/* What stands near the fault may be a secret. */
	near = strstr(bad.text, " near ");
	if (near)
		*near = '\0';
	return fl_error_set(err, FL_INTERNAL, "%s is not JSON: line %d, column %d: %s", what,
			    bad.line, bad.column, bad.text);
}

const char *fl_json_dump(struct fl_arena *arena, const json_t *json)
{
	const size_t flags = JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY;
	size_t size = json_dumpb(json, NULL, 0, flags);
	char *text = fl_arena_alloc(arena, size + 1);

	/* Fails only for want of memory, or for a value that contains itself: a fault of ours. */
	if (size == 0 || json_dumpb(json, text, size, flags) != size)
		abort();
	return text;
}

static int json_refuse(const char *key, const json_t *value, const char *wanted,
		       struct fl_error *err)
{
	static const char *const kinds[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
		[JSON_STRING] = "a text",    [JSON_INTEGER] = "a whole number",
		[JSON_REAL] = "a fraction",  [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",      [JSON_NULL] = "null",
	};

	return fl_error_set(err, FL_INTERNAL, "member \"%s\" is %s and must be %s", key,
			    kinds[json_typeof(value)], wanted);
}

/* NULL for a member that is absent or null, and for anything but an object. */
static const json_t *json_member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

int fl_json_text(const json_t *object, const char *key, const char *otherwise, const char **ret,
		 struct fl_error *err)
{
	const json_t *value = json_member(object, key);

	if (value && !json_is_string(value))
		return json_refuse(key, value, "a text", err);
	*ret = value ? json_string_value(value) : otherwise;
	return 0;
}

int fl_json_number(const json_t *object, const char *key, int64_t otherwise, int64_t *ret,
		   struct fl_error *err)
{
	const json_t *value = json_member(object, key);

	if (value && !json_is_integer(value))
		return json_refuse(key, value, "a whole number", err);
	*ret = value ? json_integer_value(value) : otherwise;
	return 0;
}

int fl_json_bool(const json_t *object, const char *key, bool otherwise, bool *ret,
		 struct fl_error *err)
{
	const json_t *value = json_member(object, key);

	if (value && !json_is_boolean(value))
		return json_refuse(key, value, "true or false", err);
	*ret = value ? json_is_true(value) : otherwise;
	return 0;
}
