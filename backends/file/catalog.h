/* SPDX-License-Identifier: Apache-2.0 */
/* Catalog: what listings have found in a pool, so that the next one need not read it all again.
 *
 * Nothing in it is believed: the names count while the directory has not changed since they were
 * read, and a card (card.h) while the entry's folder has not; both are looked at each time.  Where
 * stamps cannot be trusted, because another machine's clock makes them or they are cached (a shared
 * directory), nothing is kept.  Only listings use it, from any thread; no call into the storage is
 * made under its lock but reading the directory. */
#pragma once

#include "card.h"

struct file_catalog;

/* NULL without memory. */
struct file_catalog *file_catalog_new(enum file_kind kind, bool stamps_are_trusted);
/* NULL is fine. */
void file_catalog_free(struct file_catalog *catalog);

/* Brings the names up to date. */
int file_catalog_refresh(struct file_catalog *catalog, const struct file_pool *file,
			 struct fl_error *err) fl_must_check;

struct file_catalog_item {
	const char *handle;
	const struct file_card *card; /* NULL: none is kept */
	size_t at;                    /* where the catalog had it */
};
/* Fills `items`, in the arena, with the first `max` above `after` (NULL: from the start), in
 * order; returns how many. */
size_t file_catalog_take(struct file_catalog *catalog, struct fl_arena *arena, const char *after,
			 struct file_catalog_item *items, size_t max);
/* How many above `after` (NULL: of all) have no card; 0 where none are kept. */
size_t file_catalog_lacks(struct file_catalog *catalog, const char *after);
/* Fills `items`, in the arena, with the last `max` that have no card and are above `after` and below
 * `before` (NULL: no bound), from the last one down; returns how many. */
size_t file_catalog_take_lacking(struct file_catalog *catalog, struct fl_arena *arena,
				 const char *after, const char *before,
				 struct file_catalog_item *items, size_t max);
/* Whether cards may be kept here at all. */
bool file_catalog_keeps(const struct file_catalog *catalog);
/* Keeps the card of an item that was taken, if it still is there and there is room. */
void file_catalog_keep(struct file_catalog *catalog, const struct file_catalog_item *item,
		       const struct file_card *card);
