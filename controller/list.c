/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"
#include "list_status.h"
#include "owner.h"
#include "page.h"
#include "verbs.h"
#include "volume.h"

/* A volume as a pool lists it.  Its entry is made at once, unless that needs more calls into the backend, which a listing may not make. */
struct list_item {
	struct fl_pool *pool;
	const char *handle;
	Csi__V1__ListVolumesResponse__Entry *entry;
	const struct fl_volume *later; /* what the entry is still to be made of */
};

/* What the pools list, one more than the page takes: so it is known whether there is more. */
struct list {
	const struct controller *c;
	struct fl_op op;
	struct page page;
	struct fl_pool *pool; /* that is being listed */
	struct list_item *items;
	size_t n;
	size_t capacity;
	struct page made;              /* the entries that are made already */
	struct list_statuses statuses; /* of the pool that is being listed */
	bool is_full;
};

/* Keeps nothing of `volume`. */
static Csi__V1__ListVolumesResponse__Entry *list_entry(
	const struct list *list, struct fl_pool *pool, const struct fl_volume *volume,
	Csi__V1__ListVolumesResponse__VolumeStatus *status)
{
	Csi__V1__ListVolumesResponse__Entry *entry =
		reply_new(list->op.arena, &csi__v1__list_volumes_response__entry__descriptor);

	entry->volume = volume_reply(list->c, &list->op, pool, volume);
	entry->status = status;
	return entry;
}

/* A copy of what an entry needs; the owner is read again. */
static const struct fl_volume *list_keep(struct fl_arena *arena, const struct fl_volume *volume)
{
	struct fl_volume *copy = fl_arena_alloc(arena, sizeof(*copy));

	*copy = *volume;
	copy->name = NULL;
	copy->owner = NULL;
	copy->handle = fl_arena_strdup(arena, volume->handle);
	copy->health = health_copy(arena, &volume->health);
	if (volume->content.handle)
		copy->content.handle = fl_arena_strdup(arena, volume->content.handle);
	return copy;
}

static int list_see(void *cookie, const struct fl_volume *volume)
{
	struct list *list = cookie;
	struct fl_arena *arena = list->op.arena;
	Csi__V1__ListVolumesResponse__VolumeStatus *status = NULL;
	struct list_item *item;

	list->items =
		fl_arena_grow(arena, list->items, list->n, &list->capacity, sizeof(*list->items));
	item = &list->items[list->n++];
	*item = (struct list_item){ .pool = list->pool,
				    .handle = fl_arena_strdup(arena, volume->handle) };
	if (volume->owner)
		status = list_status_of_record(&list->statuses, arena, list->pool, &volume->health,
					       volume->owner);
	if (status)
		item->entry = list_entry(list, list->pool, volume, status);
	else
		item->later = list_keep(arena, volume);
	list->is_full = list->n > list->page.max ||
			(item->entry && !page_add(&list->made, &item->entry->base));
	return list->is_full;
}

static int list_collect(struct list *list, struct fl_error *err)
{
	const struct fl_pools *pools = list->c->pools;

	for (size_t i = list->page.first_pool; i < pools->n && !list->is_full; i++) {
		list->pool = pools->items[i];
		list->statuses = (struct list_statuses){ 0 };
		if (fl_volume_list(list->pool, &list->op, list->page.after, list_see, list, err) <
		    0)
			return fl_error_prefix(err, "listing pool %s", list->pool->name);
		list->page.after = NULL;
	}
	return 0;
}

/* FL_INTERNAL: the record is damaged.  Which node has the volume is not known then, and the
 * condition says why: one damaged volume must not hide all others. */
static int list_owner(const struct list *list, const struct list_item *item,
		      struct fl_health *health, struct owner *ret, struct fl_error *err)
{
	const struct object volume = object_of(list->c, &list->op, item->pool, item->handle);
	struct fl_error why;

	if (owner_read(&list->op, &volume, ret, err) == 0)
		return 0;
	if (err->code != FL_INTERNAL || health_read(&list->op, &volume, health, &why) < 0 ||
	    health->n == 0)
		return -1;
	*ret = (struct owner){ 0 };
	return 0;
}

/* Makes the entry of a volume that is still there. */
static int list_finish(const struct list *list, struct list_item *item, struct fl_error *err)
{
	struct fl_health health;
	struct owner owner;
	struct fl_error why;

	if (!item->later)
		return 0;
	health = item->later->health;
	if (list_owner(list, item, &health, &owner, &why) == 0) {
		item->entry = list_entry(
			list, item->pool, item->later,
			list_status_of_owner(list->op.arena, item->pool, &health, &owner));
	} else if (why.code != FL_NOT_FOUND) {
		*err = why;
		return -1;
	}
	return 0;
}

static int list_reply(struct list *list, Csi__V1__ListVolumesResponse *answer, struct fl_error *err)
{
	struct fl_arena *arena = list->op.arena;
	const struct list_item *last = NULL;

	answer->entries = fl_arena_array(arena, list->n + 1, sizeof(*answer->entries));
	for (size_t i = 0; i < list->n; i++) {
		struct list_item *item = &list->items[i];

		if (list_finish(list, item, err) < 0)
			return -1;
		if (i == list->page.max ||
		    (item->entry && !page_add(&list->page, &item->entry->base))) {
			answer->next_token =
				page_token(&list->page, arena, last->pool, last->handle);
			return 0;
		}
		last = item;
		if (item->entry)
			answer->entries[answer->n_entries++] = item->entry;
	}
	return 0;
}

int list_volumes(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	const Csi__V1__ListVolumesRequest *asked = request;
	struct list list = { .c = rpc_call_cookie(call),
			     .op = rpc_call_op(call),
			     .page = { .kind = PAGE_VOLUMES, .filter = "" } };

	if (page_begin(&list.page, list.c, list.op.arena, asked->max_entries, asked->starting_token,
		       err) < 0 ||
	    list_collect(&list, err) < 0)
		return -1;
	return list_reply(&list, response, err);
}
