/* SPDX-License-Identifier: Apache-2.0 */
#include "prefetch.h"

#include "catalog.h"
#include "entry.h"

/* Below that a thread costs about as much as it saves. */
#define PREFETCH_MIN 2000
/* Items that are taken from the catalog at once: at most so many cards are made twice when the
 * two threads meet. */
#define PREFETCH_CHUNK 64

static void prefetch_card(const struct file_prefetch *prefetch, struct fl_arena *arena,
			  const struct file_catalog_item *item)
{
	const struct file_pool *file = prefetch->file;
	enum file_kind kind = prefetch->kind;
	struct file_card card;
	struct fl_error ignored;

	if (file_card_read(arena, file->place_fds[kind], kind, item->handle, prefetch->now_ns,
			   &card, &ignored) == 0)
		file_catalog_keep(file->catalogs[kind], item, &card);
}

static void *prefetch_run(void *cookie)
{
	struct file_prefetch *prefetch = cookie;
	struct file_catalog *catalog = prefetch->file->catalogs[prefetch->kind];
	fl_cleanup(fl_arena_release) struct fl_arena *last = NULL;
	struct file_catalog_item items[PREFETCH_CHUNK];
	const char *before = NULL;
	size_t n;

	do {
		struct fl_arena *arena = fl_arena_new(0);

		n = file_catalog_take_lacking(catalog, arena, prefetch->after, before, items,
					      PREFETCH_CHUNK);
		/* `before` lives in the chunk before. */
		fl_arena_free(last);
		last = arena;
		for (size_t i = 0; i < n && !atomic_load(&prefetch->stop); i++)
			prefetch_card(prefetch, arena, &items[i]);
		before = n ? items[n - 1].handle : NULL;
	} while (n && !atomic_load(&prefetch->stop));
	return NULL;
}

void file_prefetch_start(struct file_prefetch *prefetch, const struct file_pool *file,
			 enum file_kind kind, const char *after, int64_t now_ns)
{
	prefetch->file = file;
	prefetch->kind = kind;
	prefetch->after = after;
	prefetch->now_ns = now_ns;
	atomic_init(&prefetch->stop, false);
	prefetch->runs = file_catalog_lacks(file->catalogs[kind], after) >= PREFETCH_MIN &&
			 pthread_create(&prefetch->thread, NULL, prefetch_run, prefetch) == 0;
}

void file_prefetch_stop(struct file_prefetch *prefetch)
{
	if (!prefetch->runs)
		return;
	atomic_store(&prefetch->stop, true);
	pthread_join(prefetch->thread, NULL);
	prefetch->runs = false;
}
