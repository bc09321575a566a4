/* SPDX-License-Identifier: Apache-2.0 */
/* Listing: what is in a pool, in order of handle.  Pools have very many volumes, so it reads only
 * what the catalog does not know. */
#pragma once

#include "card.h"

struct file_listed {
	const char *handle;
	const struct file_meta *meta;  /* NULL: it cannot be read */
	const char *damage;            /* why not */
	const struct fl_record *owner; /* NULL: it cannot be read */
	uint64_t size_bytes;
	struct fl_arena *arena; /* for what the listener makes during the call */
};

/* 1 ends the listing, -1 (with *err) also fails it.  What it is given is valid during the call
 * only. */
typedef int file_listing_see(void *cookie, const struct file_listed *listed, struct fl_error *err);

/* From the first handle above `after` (NULL: all). */
int file_listing_run(const struct file_pool *file, enum file_kind kind, const char *after,
		     file_listing_see *see, void *cookie, struct fl_error *err) fl_must_check;
