/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "entry.h"

/* 50,000 volumes of one node take a quarter of it; what does not fit is read each time. */
#define CATALOG_MAX_BYTES ((size_t)48 << 20)

struct catalog_item {
	const char *handle;
	struct file_card *card;
	size_t card_bytes;
};

struct file_catalog {
	enum file_kind kind;
	bool stamps_are_trusted;
	pthread_mutex_t lock; /* of all below */
	bool names_are_known;
	struct file_stamp place, tmp; /* of the directories when their names were read */
	struct fl_arena *arena;       /* the names and the items */
	struct catalog_item *items;   /* sorted by handle */
	size_t n;
	size_t bytes; /* of all cards */
};

struct file_catalog *file_catalog_new(enum file_kind kind, bool stamps_are_trusted)
{
	struct file_catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return NULL;
	catalog->kind = kind;
	catalog->stamps_are_trusted = stamps_are_trusted;
	pthread_mutex_init(&catalog->lock, NULL);
	return catalog;
}

static void catalog_drop_card(struct file_catalog *catalog, struct catalog_item *item)
{
	catalog->bytes -= item->card_bytes;
	free(item->card);
	item->card_bytes = 0;
	item->card = NULL;
}

static void catalog_drop(struct file_catalog *catalog)
{
	for (size_t i = 0; i < catalog->n; i++)
		catalog_drop_card(catalog, &catalog->items[i]);
	fl_arena_free(catalog->arena);
	catalog->arena = NULL;
	catalog->items = NULL;
	catalog->n = 0;
}

void file_catalog_free(struct file_catalog *catalog)
{
	if (!catalog)
		return;
	catalog_drop(catalog);
	pthread_mutex_destroy(&catalog->lock);
	free(catalog);
}

/* The index of the first handle above `after`. */
static size_t catalog_find(const struct file_catalog *catalog, const char *after)
{
	size_t low = 0, high = catalog->n;

	while (after && low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(catalog->items[middle].handle, after) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Entries that stay keep their cards.  Both lists are sorted. */
static void catalog_take_over(struct file_catalog *catalog, struct catalog_item *items, size_t n)
{
	for (size_t i = 0, old = 0; i < n && old < catalog->n;) {
		struct catalog_item *from = &catalog->items[old];
		int order = strcmp(from->handle, items[i].handle);

		if (order == 0) {
			items[i].card = from->card;
			items[i].card_bytes = from->card_bytes;
			*from = (struct catalog_item){ .handle = from->handle };
		}
		old += order <= 0;
		i += order >= 0;
	}
}

static int catalog_scan(struct file_catalog *catalog, const struct file_pool *file,
			struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct catalog_item *items;
	struct fl_strings names;

	if (file_entry_handles(file, arena, catalog->kind, NULL, &names, err) < 0)
		return -1;
	items = fl_arena_array(arena, names.n + 1, sizeof(*items));
	for (size_t i = 0; i < names.n; i++)
		items[i].handle = names.items[i];
	catalog_take_over(catalog, items, names.n);
	catalog_drop(catalog);
	catalog->items = items;
	catalog->n = names.n;
	catalog->arena = arena;
	arena = NULL;
	return 0;
}

static int catalog_refresh_locked(struct file_catalog *catalog, const struct file_pool *file,
				  struct fl_error *err)
{
	int64_t now_ns = fl_clock_wall_ns();
	struct file_stamp place, tmp;

	if (file_stamp_take(file->place_fds[catalog->kind], "", &place, err) < 0 ||
	    file_stamp_take(file->tmp_fd, "", &tmp, err) < 0)
		return -1;
	/* Only snapshots show before they have left tmp/. */
	if (catalog->names_are_known && file_stamp_is(&place, &catalog->place) &&
	    (catalog->kind == FILE_VOLUME || file_stamp_is(&tmp, &catalog->tmp)))
		return 0;
	catalog->names_are_known = false;
	if (catalog_scan(catalog, file, err) < 0)
		return -1;
	catalog->place = place;
	catalog->tmp = tmp;
	catalog->names_are_known =
		catalog->stamps_are_trusted && file_stamp_is_settled(&place, now_ns) &&
		(catalog->kind == FILE_VOLUME || file_stamp_is_settled(&tmp, now_ns));
	return 0;
}

int file_catalog_refresh(struct file_catalog *catalog, const struct file_pool *file,
			 struct fl_error *err)
{
	pthread_mutex_lock(&catalog->lock);
	int result = catalog_refresh_locked(catalog, file, err);
	pthread_mutex_unlock(&catalog->lock);
	return result;
}

size_t file_catalog_take(struct file_catalog *catalog, struct fl_arena *arena, const char *after,
			 struct file_catalog_item *items, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&catalog->lock);
	for (size_t i = catalog_find(catalog, after); i < catalog->n && n < max; i++, n++) {
		const struct catalog_item *item = &catalog->items[i];
		struct file_card *card = NULL;

		if (item->card) {
			card = fl_arena_alloc(arena, sizeof(*card));
			file_card_copy(arena, item->card, card);
		}
		items[n] =
			(struct file_catalog_item){ fl_arena_strdup(arena, item->handle), card, i };
	}
	pthread_mutex_unlock(&catalog->lock);
	return n;
}

bool file_catalog_keeps(const struct file_catalog *catalog)
{
	return catalog->stamps_are_trusted;
}

size_t file_catalog_lacks(struct file_catalog *catalog, const char *after)
{
	size_t n = 0;

	if (!catalog->stamps_are_trusted)
		return 0;
	pthread_mutex_lock(&catalog->lock);
	for (size_t i = catalog_find(catalog, after); i < catalog->n; i++)
		n += !catalog->items[i].card;
	pthread_mutex_unlock(&catalog->lock);
	return n;
}

size_t file_catalog_take_lacking(struct file_catalog *catalog, struct fl_arena *arena,
				 const char *after, const char *before,
				 struct file_catalog_item *items, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&catalog->lock);
	size_t low = catalog_find(catalog, after);
	size_t above = before ? catalog_find(catalog, before) : catalog->n;
	for (size_t i = above; i > low && n < max; i--) {
		const struct catalog_item *item = &catalog->items[i - 1];

		if (!item->card && (!before || strcmp(item->handle, before) < 0))
			items[n++] =
				(struct file_catalog_item){ fl_arena_strdup(arena, item->handle),
							    NULL, i - 1 };
	}
	pthread_mutex_unlock(&catalog->lock);
	return n;
}

/* Where the item is now; NULL: nowhere. */
static struct catalog_item *catalog_item_of(const struct file_catalog *catalog,
					    const struct file_catalog_item *item)
{
	size_t at = item->at, above;

	if (at >= catalog->n || strcmp(catalog->items[at].handle, item->handle) != 0) {
		above = catalog_find(catalog, item->handle);
		at = above ? above - 1 : 0;
	}
	if (at >= catalog->n || strcmp(catalog->items[at].handle, item->handle) != 0)
		return NULL;
	return &catalog->items[at];
}

static void catalog_keep_locked(struct file_catalog *catalog, const struct file_catalog_item *of,
				const struct file_card *card)
{
	struct catalog_item *item = catalog_item_of(catalog, of);

	if (!item)
		return;
	catalog_drop_card(catalog, item);
	if (catalog->bytes >= CATALOG_MAX_BYTES)
		return;
	item->card = file_card_new(card, &item->card_bytes);
	if (item->card)
		catalog->bytes += item->card_bytes;
}

void file_catalog_keep(struct file_catalog *catalog, const struct file_catalog_item *item,
		       const struct file_card *card)
{
	pthread_mutex_lock(&catalog->lock);
	catalog_keep_locked(catalog, item, card);
	pthread_mutex_unlock(&catalog->lock);
}
