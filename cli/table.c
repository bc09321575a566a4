/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/error.h"
#include "base/text.h"

#define TABLE_GAP 2
#define TABLE_LEAST 6 /* columns that a narrowed column keeps */

struct table {
	struct fl_arena *arena;
	const char *const **rows; /* the headers first */
	size_t n_rows, capacity;
	size_t n_columns;
};

/* The next character of *text: its columns; what is none or must not be shown counts as '?'. */
static size_t table_step(const char **text, bool *ret_plain)
{
	wchar_t wide;
	mbstate_t state = { 0 };
	size_t bytes = mbrtowc(&wide, *text, strlen(*text), &state);
	int width = bytes < 8 ? wcwidth(wide) : -1;

	*ret_plain = width >= 0;
	*text += bytes < 8 && bytes > 0 ? bytes : 1;
	return width >= 0 ? (size_t)width : 1;
}

static size_t table_width(const char *text)
{
	size_t width = 0;
	bool plain;

	while (*text)
		width += table_step(&text, &plain);
	return width;
}

const char *table_fit(struct fl_arena *arena, const char *text, size_t width)
{
	bool is_cut = width && table_width(text) > width;
	size_t room = is_cut ? width - 1 : SIZE_MAX;
	char *out = fl_arena_alloc(arena, strlen(text) + sizeof("…"));
	size_t n = 0;

	while (*text) {
		const char *start = text;
		bool plain;
		size_t columns = table_step(&text, &plain);

		if (columns > room)
			break;
		room -= columns;
		if (plain)
			memcpy(out + n, start, (size_t)(text - start));
		else
			out[n] = '?';
		n += plain ? (size_t)(text - start) : 1;
	}
	if (is_cut)
		memcpy(out + n, "…", strlen("…"));
	return out;
}

size_t table_screen(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = { 0 };
	struct fl_error err;
	uint64_t wanted = 0;

	if (columns && fl_text_parse_number(columns, &wanted, &err) == 0 && wanted > 0)
		return wanted < 20 ? 20 : (size_t)wanted;
	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col < 20 ? 20 : size.ws_col;
	return 0;
}

struct table *table_new(struct fl_arena *arena, const char *const *headers, size_t n_columns)
{
	struct table *table = fl_arena_alloc(arena, sizeof(*table));

	table->arena = arena;
	table->n_columns = n_columns;
	table_add(table, headers);
	return table;
}

void table_add(struct table *table, const char *const *cells)
{
	table->rows = fl_arena_grow(table->arena, table->rows, table->n_rows, &table->capacity,
				    sizeof(*table->rows));
	table->rows[table->n_rows++] = cells;
}

/* Takes column after column from the widest one until the sum fits. */
static void table_narrow(size_t *widths, size_t n, size_t room)
{
	size_t sum = TABLE_GAP * (n - 1);

	for (size_t i = 0; i < n; i++)
		sum += widths[i];
	while (sum > room) {
		size_t widest = 0;

		for (size_t i = 1; i < n; i++) {
			if (widths[i] > widths[widest])
				widest = i;
		}
		if (widths[widest] <= TABLE_LEAST)
			return;
		widths[widest]--;
		sum--;
	}
}

static void table_print_row(const struct table *table, const size_t *widths, size_t row, FILE *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const char *cell = table_fit(table->arena, table->rows[row][i], widths[i]);
		bool is_last = i + 1 == table->n_columns;
		size_t pad = widths[i] + TABLE_GAP - table_width(cell);

		fprintf(out, "%s%*s", cell, is_last ? 0 : (int)pad, "");
	}
	fputc('\n', out);
}

void table_print(const struct table *table, FILE *out)
{
	size_t *widths = fl_arena_array(table->arena, table->n_columns, sizeof(*widths));
	size_t room = table_screen(out);

	for (size_t row = 0; row < table->n_rows; row++) {
		for (size_t i = 0; i < table->n_columns; i++) {
			size_t width = table_width(table->rows[row][i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
	if (room)
		table_narrow(widths, table->n_columns, room);
	for (size_t row = 0; row < table->n_rows; row++)
		table_print_row(table, widths, row, out);
}
