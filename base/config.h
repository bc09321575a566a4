/* SPDX-License-Identifier: Apache-2.0 */
/* Config: YAML text, checked against tables of options, into structs.
 *
 * One table serves parser, error messages and documentation.  A wrong key is named with file,
 * line and the nearest right key ("fairlead.yaml:7: unknown key "directry" in pool "fast": did
 * you mean "directory"?"); a wrong type, a missing required key, a duplicate key, an anchor, an
 * alias, a tag and a second document are errors as well.  Strings live in the arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "error.h"
#include "text.h"

enum fl_option_kind {
	FL_OPTION_STRING,   /* const char *; not empty */
	FL_OPTION_PATH,     /* const char *; absolute */
	FL_OPTION_NUMBER,   /* uint64_t */
	FL_OPTION_SIZE,     /* uint64_t bytes; "10Gi" */
	FL_OPTION_DURATION, /* uint64_t milliseconds; "30s" */
	FL_OPTION_BOOL,     /* bool; true false */
	FL_OPTION_LIST,     /* struct fl_strings: a sequence of strings */
	FL_OPTION_SECRET,   /* const char *; given as "file:/path", the file's content without the
			     * last newline; never printed */
};

struct fl_strings {
	const char **items;
	size_t n;
};

struct fl_option {
	const char *key;
	enum fl_option_kind kind;
	size_t offset; /* of the member in the struct that is filled */
	bool required;
	const char *otherwise;    /* default, as text, or NULL: the member stays zero */
	const char *const *words; /* for STRING: the allowed words, NULL-terminated; NULL: any */
	const char *help;         /* one phrase, for documentation */
};

/* A parsed YAML node, with where it stood. */
struct fl_config_node;
enum fl_config_kind { FL_CONFIG_SCALAR, FL_CONFIG_MAP, FL_CONFIG_LIST };

/* Parses the file or text; `name` is what errors call it.  An empty document is an empty map.  At
 * most 1 MiB, 32 levels, 100,000 nodes, 1,000 keys a map. */
int fl_config_load(struct fl_arena *arena, const char *path, const struct fl_config_node **ret,
		   struct fl_error *err) fl_must_check;
int fl_config_parse(struct fl_arena *arena, const char *name, const char *text, size_t size,
		    const struct fl_config_node **ret, struct fl_error *err) fl_must_check;

enum fl_config_kind fl_config_kind(const struct fl_config_node *node);
/* A map's value for `key` or NULL. */
const struct fl_config_node *fl_config_get(const struct fl_config_node *map, const char *key);
/* A map's or list's number of entries, and entry `i`; for a map, *ret_key is its key. */
size_t fl_config_count(const struct fl_config_node *node);
const struct fl_config_node *fl_config_at(const struct fl_config_node *node, size_t i,
					  const char **ret_key);
/* A scalar's text; NULL for other kinds. */
const char *fl_config_scalar(const struct fl_config_node *node);

/* FL_INVALID, "NAME:LINE: " and the text: for checks that the caller makes. */
int fl_config_fail(const struct fl_config_node *node, struct fl_error *err, const char *format, ...)
	fl_printf_like(3, 4);

/* Fills `ret` (zeroed here, `size` bytes) from a map by the table (n_options).  Keys in `others`
 * (NULL-terminated, may be NULL) belong to the caller and are passed over.  `what` names the map in
 * errors: "pool \"fast\"". */
int fl_config_fill(struct fl_arena *arena, const struct fl_config_node *map, const char *what,
		   const struct fl_option *options, size_t n_options, const char *const *others,
		   void *ret, size_t size, struct fl_error *err) fl_must_check;

/* The same from key–value pairs that come with a request (StorageClass parameters): errors name the
 * key and the nearest right one instead of a line.  A LIST is one text with commas; when a key
 * stands twice, the last one counts. */
int fl_config_fill_pairs(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
			 const char *what, const struct fl_option *options, size_t n_options,
			 void *ret, size_t size, struct fl_error *err) fl_must_check;

/* One table row per option for people: key, kind, required or default, help. */
void fl_config_print_options(FILE *out, const struct fl_option *options, size_t n_options);
