/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <ctype.h>
#include <string.h>

#include "table.h"

const char *const output_words[] = { "table", "json", "id", NULL };

static const char *output_list_text(struct fl_arena *arena, const json_t *list)
{
	const char *text = "";

	for (size_t i = 0; i < json_array_size(list); i++)
		text = fl_arena_printf(arena, "%s%s%s", text, i ? ", " : "",
				       json_string_value(json_array_get(list, i)));
	return text;
}

static const char *output_map_text(struct fl_arena *arena, const json_t *map)
{
	const char *text = "", *key;
	json_t *value;

	json_object_foreach((json_t *)map, key, value) text = fl_arena_printf(
		arena, "%s%s%s=%s", text, *text ? ", " : "", key, json_string_value(value));
	return text;
}

static const char *output_cell(struct fl_arena *arena, const struct output_column *column,
			       const json_t *object)
{
	const json_t *value = json_object_get(object, column->key);
	const char *text = "";

	if (json_is_string(value))
		text = json_string_value(value);
	else if (json_is_integer(value) && column->kind == OUTPUT_SIZE)
		text = fl_text_format_size(arena, (uint64_t)json_integer_value(value));
	else if (json_is_integer(value))
		text = fl_arena_printf(arena, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		text = json_is_true(value) ? "yes" : "no";
	else if (column->kind == OUTPUT_LIST)
		text = output_list_text(arena, value);
	else if (column->kind == OUTPUT_COUNT)
		text = fl_arena_printf(arena, "%zu", json_array_size(value));
	else if (column->kind == OUTPUT_MAP)
		text = output_map_text(arena, value);
	return *text ? text : "-";
}

static const char *output_header(struct fl_arena *arena, const char *key)
{
	char *header = fl_arena_strdup(arena, key);

	for (char *c = header; *c; c++)
		*c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
	return header;
}

static void output_json(const json_t *json)
{
	fl_cleanup(fl_free) char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);

	printf("%s\n", text ? text : "null");
}

/* The columns that a list shows. */
static size_t output_columns(struct fl_arena *arena, const struct output_format *format,
			     const struct output_column ***ret)
{
	const struct output_column **columns =
		fl_arena_array(arena, format->n_columns, sizeof(*columns));
	size_t n = 0;

	for (size_t i = 0; i < format->n_columns; i++) {
		if (!format->columns[i].only_alone)
			columns[n++] = &format->columns[i];
	}
	*ret = columns;
	return n;
}

static void output_table(struct fl_arena *arena, const struct output_format *format,
			 const json_t *list)
{
	const struct output_column **columns;
	size_t n = output_columns(arena, format, &columns);
	const char **headers = fl_arena_array(arena, n, sizeof(*headers));
	struct table *table;

	for (size_t i = 0; i < n; i++)
		headers[i] = output_header(arena, columns[i]->key);
	table = table_new(arena, headers, n);
	for (size_t row = 0; row < json_array_size(list); row++) {
		const char **cells = fl_arena_array(arena, n, sizeof(*cells));

		for (size_t i = 0; i < n; i++)
			cells[i] = output_cell(arena, columns[i], json_array_get(list, row));
		table_add(table, cells);
	}
	table_print(table, stdout);
}

void output_list(struct fl_arena *arena, const struct output_format *format, const json_t *list)
{
	if (strcmp(format->output, "json") == 0) {
		output_json(list);
	} else if (strcmp(format->output, "id") == 0) {
		for (size_t i = 0; i < json_array_size(list); i++)
			printf("%s\n",
			       output_cell(arena, &format->columns[0], json_array_get(list, i)));
	} else {
		output_table(arena, format, list);
	}
}

void output_object(struct fl_arena *arena, const struct output_format *format, const json_t *object)
{
	if (strcmp(format->output, "json") == 0) {
		output_json(object);
		return;
	}
	if (strcmp(format->output, "id") == 0) {
		printf("%s\n", output_cell(arena, &format->columns[0], object));
		return;
	}
	for (size_t i = 0; i < format->n_columns; i++) {
		const char *cell = output_cell(arena, &format->columns[i], object);

		if (strcmp(cell, "-") != 0)
			printf("%-12s  %s\n", format->columns[i].key, table_fit(arena, cell, 0));
	}
}
