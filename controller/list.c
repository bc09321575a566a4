/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"
#include "owner.h"
#include "page.h"
#include "verbs.h"
#include "volume.h"

struct list_item {
	struct fl_pool *pool;
	struct fl_volume volume;
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
};

static const struct fl_record *list_keep_record(struct fl_arena *arena,
						const struct fl_record *record)
{
	struct fl_record *copy = fl_arena_alloc(arena, sizeof(*copy));

	*copy = (struct fl_record){ record->version, fl_arena_strdup(arena, record->value) };
	return copy;
}

static int list_see(void *cookie, const struct fl_volume *volume)
{
	struct list *list = cookie;
	struct fl_arena *arena = list->op.arena;
	struct list_item *item;

	list->items =
		fl_arena_grow(arena, list->items, list->n, &list->capacity, sizeof(*list->items));
	item = &list->items[list->n++];
	item->pool = list->pool;
	item->volume = *volume;
	item->volume.name = NULL;
	item->volume.handle = fl_arena_strdup(arena, volume->handle);
	if (volume->health.n)
		item->volume.health = health_copy(arena, &volume->health);
	if (volume->content.handle)
		item->volume.content.handle = fl_arena_strdup(arena, volume->content.handle);
	if (volume->owner)
		item->volume.owner = list_keep_record(arena, volume->owner);
	return list->n > list->page.max;
}

static int list_collect(struct list *list, struct fl_error *err)
{
	const struct fl_pools *pools = list->c->pools;

	for (size_t i = list->page.first_pool; i < pools->n && list->n <= list->page.max; i++) {
		list->pool = pools->items[i];
		if (fl_volume_list(list->pool, &list->op, list->page.after, list_see, list, err) <
		    0)
			return fl_error_prefix(err, "listing pool %s", list->pool->name);
		list->page.after = NULL;
	}
	return 0;
}

static int list_owner_read(const struct list *list, const struct list_item *item,
			   const struct object *volume, struct owner *ret, struct fl_error *err)
{
	if (item->volume.owner)
		return owner_record_parse(list->op.arena, item->volume.owner, volume->id, ret, err);
	return owner_read(&list->op, volume, ret, err);
}

/* FL_INTERNAL: the record is damaged.  Which node has the volume is not known then, and the
 * condition says why: one damaged volume must not hide all others. */
static int list_owner(const struct list *list, const struct list_item *item,
		      struct fl_health *health, struct owner *ret, struct fl_error *err)
{
	const struct object volume = object_of(list->c, &list->op, item->pool, item->volume.handle);
	struct fl_error why;

	if (list_owner_read(list, item, &volume, ret, err) == 0)
		return 0;
	if (err->code != FL_INTERNAL || health_read(&list->op, &volume, health, &why) < 0 ||
	    health->n == 0)
		return -1;
	*ret = (struct owner){ 0 };
	return 0;
}

static Csi__V1__ListVolumesResponse__VolumeStatus *list_status(const struct list *list,
							       const struct list_item *item,
							       const struct fl_health *health,
							       const struct owner *owner)
{
	struct fl_arena *arena = list->op.arena;
	Csi__V1__ListVolumesResponse__VolumeStatus *status =
		reply_new(arena, &csi__v1__list_volumes_response__volume_status__descriptor);

	status->published_node_ids =
		fl_arena_array(arena, owner->n_attachments + 1, sizeof(char *));
	for (size_t i = 0; i < owner->n_attachments; i++)
		status->published_node_ids[status->n_published_node_ids++] =
			(char *)owner->attachments[i].node;
	if (item->pool->backend->health)
		status->volume_condition = health_condition(arena, health);
	return status;
}

/* *ret is NULL for a volume that has been deleted meanwhile. */
static int list_entry(const struct list *list, const struct list_item *item,
		      Csi__V1__ListVolumesResponse__Entry **ret, struct fl_error *err)
{
	struct fl_arena *arena = list->op.arena;
	struct fl_health health = item->volume.health;
	struct owner owner;
	struct fl_error why;

	*ret = NULL;
	if (list_owner(list, item, &health, &owner, &why) < 0) {
		if (why.code == FL_NOT_FOUND)
			return 0;
		*err = why;
		return -1;
	}
	*ret = reply_new(arena, &csi__v1__list_volumes_response__entry__descriptor);
	(*ret)->volume = volume_reply(list->c, &list->op, item->pool, &item->volume);
	(*ret)->status = list_status(list, item, &health, &owner);
	return 0;
}

static int list_reply(struct list *list, Csi__V1__ListVolumesResponse *answer, struct fl_error *err)
{
	struct fl_arena *arena = list->op.arena;
	const struct list_item *last = NULL;
	Csi__V1__ListVolumesResponse__Entry *entry;

	answer->entries = fl_arena_array(arena, list->n + 1, sizeof(*answer->entries));
	for (size_t i = 0; i < list->n; i++) {
		if (list_entry(list, &list->items[i], &entry, err) < 0)
			return -1;
		if (i == list->page.max || (entry && !page_add(&list->page, &entry->base))) {
			answer->next_token =
				page_token(&list->page, arena, last->pool, last->volume.handle);
			return 0;
		}
		last = &list->items[i];
		if (entry)
			answer->entries[answer->n_entries++] = entry;
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
