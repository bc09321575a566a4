/* SPDX-License-Identifier: Apache-2.0 */
/* Page: a part of a list over all pools, and the token that leads to the next one.
 *
 * The order is that of the pools in the configuration, then of handles.  A token names the last
 * entry given, so entries that come and go meanwhile neither repeat nor hide others. */
#pragma once

#include "controller.h"

enum page_kind { PAGE_VOLUMES, PAGE_SNAPSHOTS, PAGE_HEALTH };

struct page {
	enum page_kind kind;
	const char *filter; /* what the list is restricted to, "" for nothing */
	size_t max;         /* entries in this page */
	size_t first_pool;  /* where to begin … */
	const char *after;  /* … and after which handle of that pool; NULL: at its start */
	size_t bytes;       /* on the wire so far */
};

/* From a request: max_entries 0 is as many as an answer carries.  FL_INVALID when it is negative,
 * FL_BAD_TOKEN for a token that this controller did not make for this kind and filter, or whose
 * pool is gone.  kind and filter are set by the caller. */
int page_begin(struct page *page, const struct controller *c, struct fl_arena *arena,
	       int32_t max_entries, const char *token, struct fl_error *err) fl_must_check;

/* Counts an entry as it will be on the wire; false: it belongs to the next page. */
bool page_add(struct page *page, const ProtobufCMessage *entry);

/* The token after the entry `handle` of `pool`. */
char *page_token(const struct page *page, struct fl_arena *arena, const struct fl_pool *pool,
		 const char *handle);
