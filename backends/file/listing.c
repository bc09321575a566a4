/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include "base/clock.h"
#include "catalog.h"
#include "entry.h"
#include "image.h"
#include "prefetch.h"

/* Entries whose memory is released together. */
#define LISTING_CHUNK 64

struct listing {
	const struct file_pool *file;
	enum file_kind kind;
	int64_t now_ns; /* when the listing began */
	file_listing_see *see;
	void *cookie;
};

static int listing_image_size(const struct listing *listing, struct fl_arena *arena,
			      const char *handle, uint64_t *ret, struct fl_error *err)
{
	return file_image_size(listing->file->place_fds[listing->kind],
			       fl_arena_printf(arena, "%s/" FILE_IMAGE, handle), ret, err);
}

/* Whether nothing but the image's size can have changed since the card was made.  The image comes
 * first: if the folder then is the card's, it was so when its image was looked at. */
static bool listing_use_card(const struct listing *listing, struct fl_arena *arena,
			     const struct file_catalog_item *item, struct file_card *ret,
			     uint64_t *ret_size)
{
	struct file_stamp now;
	struct fl_error ignored;

	if (!item->card ||
	    listing_image_size(listing, arena, item->handle, ret_size, &ignored) < 0 ||
	    file_stamp_take(listing->file->place_fds[listing->kind], item->handle, &now, &ignored) <
		    0 ||
	    !file_stamp_is(&item->card->stamp, &now))
		return false;
	*ret = *item->card;
	return true;
}

/* The image comes first for the same reason. */
static bool listing_make_card(const struct listing *listing, struct fl_arena *arena,
			      const struct file_catalog_item *item, struct file_card *ret,
			      uint64_t *ret_size)
{
	struct file_catalog *catalog = listing->file->catalogs[listing->kind];
	struct fl_error ignored;

	if (!file_catalog_keeps(catalog) ||
	    listing_image_size(listing, arena, item->handle, ret_size, &ignored) < 0 ||
	    file_card_read(arena, listing->file->place_fds[listing->kind], listing->kind,
			   item->handle, listing->now_ns, ret, &ignored) < 0)
		return false;
	file_catalog_keep(catalog, item, ret);
	return true;
}

/* The meta comes first: it is the last to tell of a growth. */
static int listing_read_folder(const struct listing *listing, struct fl_arena *arena, int dir_fd,
			       struct file_card *ret, uint64_t *ret_size, struct fl_error *err)
{
	struct fl_error ignored;

	if (file_meta_read(arena, dir_fd, &ret->meta, err) < 0)
		return -1;
	if (listing->kind == FILE_VOLUME &&
	    fl_record_get(arena, dir_fd, FL_RECORD_OWNER, &ret->owner, &ignored) < 0)
		ret->owner.value = NULL;
	if (file_image_size(dir_fd, FILE_IMAGE, ret_size, err) < 0)
		return -1;
	return file_entry_check_whole(&ret->meta, *ret_size, err);
}

/* Of an entry that has no card: one that has just changed, or is damaged. */
static int listing_read_entry(const struct listing *listing, struct fl_arena *arena,
			      const char *handle, struct file_card *ret, uint64_t *ret_size,
			      struct fl_error *err)
{
	const struct file_pool *file = listing->file;
	fl_cleanup(fl_close) int dir_fd = -1;

	*ret = (struct file_card){ .owner.value = "" };
	if (file_entry_look(file, listing->kind, handle, &dir_fd, err) < 0)
		/* Perhaps a snapshot that is still being copied. */
		return err->code == FL_NOT_FOUND ? file_entry_get(file, arena, listing->kind,
								  handle, &ret->meta, ret_size, err)
						 : -1;
	if (listing_read_folder(listing, arena, dir_fd, ret, ret_size, err) < 0)
		return file_entry_explain(file, listing->kind, handle, dir_fd, err);
	return 0;
}

static int listing_read(const struct listing *listing, struct fl_arena *arena,
			const struct file_catalog_item *item, struct file_card *ret,
			uint64_t *ret_size, struct fl_error *err)
{
	struct fl_error ignored;

	if ((listing_use_card(listing, arena, item, ret, ret_size) ||
	     listing_make_card(listing, arena, item, ret, ret_size)) &&
	    file_entry_check_whole(&ret->meta, *ret_size, &ignored) == 0)
		return 0;
	return listing_read_entry(listing, arena, item->handle, ret, ret_size, err);
}

/* What `see` returns. */
static int listing_show(const struct listing *listing, struct fl_arena *arena,
			const struct file_catalog_item *item, struct fl_error *err)
{
	struct file_listed listed = { .handle = item->handle, .arena = arena };
	struct file_card card;
	struct fl_error why;

	if (listing_read(listing, arena, item, &card, &listed.size_bytes, &why) == 0) {
		listed.meta = &card.meta;
		listed.owner = card.owner.value ? &card.owner : NULL;
	} else if (why.code == FL_NOT_FOUND) {
		return 0;
	}
	listed.damage = why.text;
	return listing->see(listing->cookie, &listed, err);
}

int file_listing_run(const struct file_pool *file, enum file_kind kind, const char *after,
		     file_listing_see *see, void *cookie, struct fl_error *err)
{
	const struct listing listing = { file, kind, fl_clock_wall_ns(), see, cookie };
	fl_cleanup(fl_arena_release) struct fl_arena *last = NULL;
	fl_cleanup(file_prefetch_stop) struct file_prefetch prefetch = { 0 };
	size_t n;

	if (file_catalog_refresh(file->catalogs[kind], file, err) < 0)
		return -1;
	file_prefetch_start(&prefetch, file, kind, after, listing.now_ns);
	do {
		struct fl_arena *arena = fl_arena_new(0);
		struct file_catalog_item items[LISTING_CHUNK];

		n = file_catalog_take(file->catalogs[kind], arena, after, items, LISTING_CHUNK);
		/* `after` lives in the chunk before. */
		fl_arena_free(last);
		last = arena;
		for (size_t i = 0; i < n; i++) {
			int ends = listing_show(&listing, arena, &items[i], err);

			if (ends)
				return ends < 0 ? -1 : 0;
		}
		after = n ? items[n - 1].handle : NULL;
	} while (n);
	return 0;
}
