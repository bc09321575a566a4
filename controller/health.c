/* SPDX-License-Identifier: Apache-2.0 */
/* ControllerGetVolumeHealth and ControllerListVolumeHealth. */
#include "health.h"

#include "page.h"
#include "verbs.h"

int health_read(const struct fl_op *op, const struct object *volume, struct fl_health *ret,
		struct fl_error *err)
{
	struct fl_volume state;

	if (volume->pool->backend->health)
		return fl_volume_health(volume->pool, op, volume->handle, ret, err);
	if (fl_volume_get(volume->pool, op, volume->handle, &state, err) < 0)
		return -1;
	*ret = (struct fl_health){ 0 };
	return 0;
}

int get_volume_health(struct rpc_call *call, const void *request, void *response,
		      struct fl_error *err)
{
	const Csi__V1__ControllerGetVolumeHealthRequest *asked = request;
	Csi__V1__ControllerGetVolumeHealthResponse *answer = response;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct fl_health health;
	struct object volume;

	if (object_find(c, &op, "volume", asked->volume_id, &volume, err) < 0 ||
	    health_read(&op, &volume, &health, err) < 0)
		return -1;
	answer->volume_health = health_reply(op.arena, asked->volume_id, &health);
	return 0;
}

struct health_item {
	struct fl_pool *pool;
	const char *handle;
	struct fl_health health;
};

/* One more than the page takes: so it is known whether there is more. */
struct health_list {
	const struct controller *c;
	struct fl_op op;
	struct page page;
	struct fl_pool *pool; /* that is being listed */
	struct health_item *items;
	size_t n;
	size_t capacity;
};

static int health_see(void *cookie, const char *handle, const struct fl_health *health)
{
	struct health_list *list = cookie;
	struct fl_arena *arena = list->op.arena;

	list->items =
		fl_arena_grow(arena, list->items, list->n, &list->capacity, sizeof(*list->items));
	list->items[list->n++] = (struct health_item){
		.pool = list->pool,
		.handle = fl_arena_strdup(arena, handle),
		.health = health_copy(arena, health),
	};
	return list->n > list->page.max;
}

static int health_collect(struct health_list *list, struct fl_error *err)
{
	const struct fl_pools *pools = list->c->pools;

	for (size_t i = list->page.first_pool; i < pools->n && list->n <= list->page.max; i++) {
		const char *after = list->page.after;

		list->page.after = NULL;
		list->pool = pools->items[i];
		if (list->pool->backend->health &&
		    fl_volume_health_list(list->pool, &list->op, after, health_see, list, err) < 0)
			return fl_error_prefix(err, "listing pool %s", list->pool->name);
	}
	return 0;
}

static void health_list_reply(struct health_list *list,
			      Csi__V1__ControllerListVolumeHealthResponse *answer)
{
	struct fl_arena *arena = list->op.arena;
	const struct health_item *last = NULL;

	answer->entries = fl_arena_array(arena, list->n + 1, sizeof(*answer->entries));
	for (size_t i = 0; i < list->n; i++) {
		const struct health_item *item = &list->items[i];
		const char *id =
			fl_object_id_format(arena, list->c->pools, item->pool, item->handle);
		Csi__V1__VolumeHealth *entry = health_reply(arena, id, &item->health);

		if (i == list->page.max || !page_add(&list->page, &entry->base)) {
			answer->next_token =
				page_token(&list->page, arena, last->pool, last->handle);
			return;
		}
		last = item;
		answer->entries[answer->n_entries++] = entry;
	}
}

int list_volume_health(struct rpc_call *call, const void *request, void *response,
		       struct fl_error *err)
{
	const Csi__V1__ControllerListVolumeHealthRequest *asked = request;
	struct health_list list = { .c = rpc_call_cookie(call),
				    .op = rpc_call_op(call),
				    .page = { .kind = PAGE_HEALTH, .filter = "" } };

	if (page_begin(&list.page, list.c, list.op.arena, asked->max_entries, asked->starting_token,
		       err) < 0 ||
	    health_collect(&list, err) < 0)
		return -1;
	health_list_reply(&list, response);
	return 0;
}
