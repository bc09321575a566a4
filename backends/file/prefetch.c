/* SPDX-License-Identifier: Apache-2.0 */
#include "prefetch.h"

#include "catalog.h"
#include "entry.h"

/* Below that a thread costs about as much as it saves. */
#define PREFETCH_MIN 2000
/* Handles that are taken from the catalog at once: at most so many cards are made twice when the
 * two threads meet. */
#define PREFETCH_CHUNK 64

static void prefetch_card(const struct file_prefetch *prefetch, struct fl_arena *arena,
			  const char *handle)
{
	fl_cleanup(fl_close) int dir_fd = -1;
	struct file_card card;
	struct fl_error ignored;

	if (file_entry_look(prefetch->file, prefetch->kind, handle, &dir_fd, &ignored) == 0 &&
	    file_card_read(arena, dir_fd, prefetch->kind, &card, &ignored) == 0)
		file_catalog_keep(prefetch->file->catalogs[prefetch->kind], handle, &card,
				  prefetch->now_ns);
}

static void *prefetch_run(void *cookie)
{
	struct file_prefetch *prefetch = cookie;
	struct file_catalog *catalog = prefetch->file->catalogs[prefetch->kind];
	fl_cleanup(fl_arena_release) struct fl_arena *last = NULL;
	const char *handles[PREFETCH_CHUNK], *before = NULL;
	size_t n;

	do {
		struct fl_arena *arena = fl_arena_new(0);

		n = file_catalog_take_lacking(catalog, arena, prefetch->after, before, handles,
					      PREFETCH_CHUNK);
		/* `before` lives in the chunk before. */
		fl_arena_free(last);
		last = arena;
		for (size_t i = 0; i < n && !atomic_load(&prefetch->stop); i++)
			prefetch_card(prefetch, arena, handles[i]);
		before = n ? handles[n - 1] : NULL;
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
