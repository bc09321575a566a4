/* SPDX-License-Identifier: Apache-2.0 */
/* Prefetch: a second thread that makes the cards of a listing, from the end, while the listing
 * makes them from the start; so the first list of a large pool takes two thirds of the time
 * where there are two processors.
 *
 * It only fills the catalog: what it cannot read is read again, and explained, by the listing.  It
 * lives within one call of file_listing_run and never outlives it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "pool.h"

struct file_prefetch {
	const struct file_pool *file;
	enum file_kind kind;
	const char *after; /* where the listing began; NULL: at the first */
	int64_t now_ns;    /* when the listing began */
	pthread_t thread;
	bool runs;
	atomic_bool stop;
};

/* Starts the thread if many cards above `after` are lacking; without one, all goes on as well.  The
 * catalog's names are up to date; the struct must not move. */
void file_prefetch_start(struct file_prefetch *prefetch, const struct file_pool *file,
			 enum file_kind kind, const char *after, int64_t now_ns);

/* Ends the thread and waits for it.  For fl_cleanup. */
void file_prefetch_stop(struct file_prefetch *prefetch);
