/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <inttypes.h>
#include <string.h>

/* Orchestrators refuse answers above 4 MiB. */
#define PAGE_MAX_BYTES ((size_t)3 << 20)
#define PAGE_MAX_ENTRIES 20000
#define PAGE_MAX_TOKEN 1024
#define PAGE_CHECK_DIGITS 16
/* Of an entry in its list: the field's key and its length. */
#define PAGE_ENTRY_OVERHEAD 6

static const char *const page_kinds[] = {
	[PAGE_VOLUMES] = "volumes",
	[PAGE_SNAPSHOTS] = "snapshots",
	[PAGE_HEALTH] = "unhealthy volumes",
};

/* CHECK.POOL/HANDLE: what the check covers is only right for one kind of list and one filter. */
char *page_token(const struct page *page, struct fl_arena *arena, const struct fl_pool *pool,
		 const char *handle)
{
	const char *place = fl_arena_printf(arena, "%s/%s", pool->name, handle);
	const char *covered =
		fl_arena_printf(arena, "%s\n%s\n%s", page_kinds[page->kind], page->filter, place);
	char digest[65];

	fl_text_sha256(covered, strlen(covered), digest);
	return fl_arena_printf(arena, "%.*s.%s", PAGE_CHECK_DIGITS, digest, place);
}

/* Reads what page_token wrote, by writing it again. */
static int page_find(struct page *page, const struct controller *c, struct fl_arena *arena,
		     const char *token, struct fl_error *err)
{
	const char *handle = strrchr(token, '/');

	for (size_t i = 0; handle && strlen(token) <= PAGE_MAX_TOKEN && i < c->pools->n; i++) {
		const struct fl_pool *pool = c->pools->items[i];
		if (strcmp(page_token(page, arena, pool, handle + 1), token) != 0)
			continue;
		page->first_pool = i;
		page->after = fl_arena_strdup(arena, handle + 1);
		return 0;
	}
	return fl_error_set(err, FL_BAD_TOKEN,
			    "the starting_token is none that this list of %s has given: start the "
			    "list again without one",
			    page_kinds[page->kind]);
}

int page_begin(struct page *page, const struct controller *c, struct fl_arena *arena,
	       int32_t max_entries, const char *token, struct fl_error *err)
{
	if (max_entries < 0)
		return fl_error_set(err, FL_INVALID, "max_entries %" PRId32 " is negative",
				    max_entries);
	page->max = PAGE_MAX_ENTRIES;
	if (max_entries && (size_t)max_entries < page->max)
		page->max = (size_t)max_entries;
	return token[0] ? page_find(page, c, arena, token, err) : 0;
}

bool page_add(struct page *page, const ProtobufCMessage *entry)
{
	size_t bytes = protobuf_c_message_get_packed_size(entry) + PAGE_ENTRY_OVERHEAD;

	if (page->bytes + bytes > PAGE_MAX_BYTES)
		return false;
	page->bytes += bytes;
	return true;
}
