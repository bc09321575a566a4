/* SPDX-License-Identifier: Apache-2.0 */
/* Table: rows of text that fit a terminal.
 *
 * The width is $COLUMNS, else the terminal's, else unlimited (a pipe gets everything).  When the
 * rows do not fit, the widest columns give way and what is cut ends in "…".  Widths are those that
 * a terminal shows (wcwidth); control characters, which a peer may have sent, show as "?". */
#pragma once

#include <stdio.h>

#include "base/arena.h"

struct table;

/* `headers` has n_columns strings, which must outlive the table. */
struct table *table_new(struct fl_arena *arena, const char *const *headers, size_t n_columns);
/* n_columns cells; they must outlive the table. */
void table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out);

/* Columns of the screen behind `out`, 0 when there is no limit. */
size_t table_screen(FILE *out);
/* `text` as it may be shown, cut to `width` columns (0: not cut); the arena's. */
const char *table_fit(struct fl_arena *arena, const char *text, size_t width);
