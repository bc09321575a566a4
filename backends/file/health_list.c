/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes that are not healthy.  Each volume is looked at anew, but their names are the
 * catalog's: a page of a long list must not cost a look at the whole directory. */
#include "catalog.h"
#include "health.h"

/* Volumes whose memory is released together. */
#define HEALTH_CHUNK 64

struct health_list {
	const struct file_pool *file;
	struct file_health_view view;
	fl_health_see *see;
	void *cookie;
};

/* 1 ends the list, -1 also fails it. */
static int health_list_show(const struct health_list *list, struct fl_arena *arena,
			    const char *handle, struct fl_error *err)
{
	struct fl_volume volume;
	int sick = file_health_of_damaged(list->file, &list->view, arena, handle, &volume, err);

	if (sick <= 0)
		return sick;
	return list->see(list->cookie, volume.handle, &volume.health) != 0;
}

int file_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		     fl_health_see *see, void *cookie, struct fl_error *err)
{
	struct health_list list = { file_pool_of(pool), .see = see, .cookie = cookie };
	struct file_catalog *catalog = list.file->catalogs[FILE_VOLUME];
	size_t n;

	if (file_health_look(list.file, &list.view, err) < 0 ||
	    file_catalog_refresh(catalog, list.file, err) < 0)
		return -1;
	do {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		struct file_catalog_item items[HEALTH_CHUNK];

		n = file_catalog_take(catalog, arena, after, items, HEALTH_CHUNK);
		for (size_t i = 0; i < n; i++) {
			int ends = health_list_show(&list, arena, items[i].handle, err);

			if (ends)
				return ends < 0 ? -1 : 0;
		}
		if (n)
			after = fl_arena_strdup(op->arena, items[n - 1].handle);
	} while (n);
	return 0;
}
