/* SPDX-License-Identifier: Apache-2.0 */
/* Output: what a command found, as JSON objects, printed in the form that was asked for.
 *
 * A command makes objects once; columns say which members a table shows, and how. */
#pragma once

#include "base/json.h"
#include "options.h"

enum output_kind {
	OUTPUT_TEXT,  /* a string, or numbers and truth values as they are */
	OUTPUT_SIZE,  /* bytes */
	OUTPUT_LIST,  /* an array of strings */
	OUTPUT_MAP,   /* an object of strings: "a=1, b=2" */
	OUTPUT_COUNT, /* an array: how many */
};

struct output_column {
	const char *key; /* of the member; the header is the same in upper case */
	enum output_kind kind;
	bool only_alone; /* shown for a single object, not in lists */
};

struct output_format {
	const struct output_column *columns; /* the first one is the id */
	size_t n_columns;
	const char *output; /* "table", "json" or "id" */
};

/* The words of option --output. */
extern const char *const output_words[];

/* An array of objects: a table with a row for each. */
void output_list(struct fl_arena *arena, const struct output_format *format, const json_t *list);
/* One object: a line for each member that the columns name. */
void output_object(struct fl_arena *arena, const struct output_format *format,
		   const json_t *object);
