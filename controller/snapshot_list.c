/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "group.h"
#include "page.h"
#include "snapshot.h"
#include "verbs.h"

struct snapshot_item {
	struct fl_pool *pool;
	struct fl_snapshot snapshot;
};

/* One more than the page takes, as for volumes. */
struct snapshot_list {
	struct controller *c;
	struct fl_op op;
	struct page page;
	struct object source; /* only snapshots of this volume; pool NULL: all */
	struct fl_pool *pool; /* that is being listed */
	struct snapshot_item *items;
	size_t n;
	size_t capacity;
};

static bool snapshot_list_wants(const struct snapshot_list *list, const struct fl_pool *pool,
				const struct fl_snapshot *snapshot)
{
	const struct object *source = &list->source;

	return !source->pool ||
	       (source->pool == pool && strcmp(source->handle, snapshot->volume_handle) == 0);
}

static int snapshot_list_see(void *cookie, const struct fl_snapshot *snapshot)
{
	struct snapshot_list *list = cookie;
	struct fl_arena *arena = list->op.arena;
	struct snapshot_item *item;

	if (!snapshot_list_wants(list, list->pool, snapshot))
		return 0;
	list->items =
		fl_arena_grow(arena, list->items, list->n, &list->capacity, sizeof(*list->items));
	item = &list->items[list->n++];
	item->pool = list->pool;
	item->snapshot = *snapshot;
	item->snapshot.name = NULL;
	item->snapshot.failure = NULL;
	item->snapshot.handle = fl_arena_strdup(arena, snapshot->handle);
	item->snapshot.volume_handle = fl_arena_strdup(arena, snapshot->volume_handle);
	if (snapshot->group)
		item->snapshot.group = fl_arena_strdup(arena, snapshot->group);
	return list->n > list->page.max;
}

static int snapshot_list_collect(struct snapshot_list *list, struct fl_error *err)
{
	const struct fl_pools *pools = list->c->pools;

	for (size_t i = list->page.first_pool; i < pools->n && list->n <= list->page.max; i++) {
		const char *after = list->page.after;
		list->page.after = NULL;
		list->pool = pools->items[i];
		if (!list->pool->backend->snapshots ||
		    (list->source.pool && list->source.pool != list->pool))
			continue;
		if (fl_snapshot_list(list->pool, &list->op, after, snapshot_list_see, list, err) <
		    0)
			return fl_error_prefix(err, "listing pool %s", list->pool->name);
	}
	return 0;
}

static Csi__V1__ListSnapshotsResponse__Entry *snapshot_list_entry(
	const struct snapshot_list *list, struct fl_pool *pool, const struct fl_snapshot *snapshot)
{
	Csi__V1__ListSnapshotsResponse__Entry *entry =
		reply_new(list->op.arena, &csi__v1__list_snapshots_response__entry__descriptor);

	entry->snapshot = snapshot_reply(list->c, &list->op, pool, snapshot);
	return entry;
}

/* A snapshot of a group that is being made has not been cut yet, as far as anybody may know.  One
 * whose group cannot be read is told as not ready, and one that was deleted meanwhile is not
 * told. */
static bool snapshot_list_hides(const struct snapshot_list *list, struct snapshot_item *item)
{
	enum group_standing standing = GROUP_STANDS;
	struct fl_error why;

	if (group_settle(&list->op, item->pool, &item->snapshot, &standing, &why) < 0) {
		if (why.code == FL_NOT_FOUND)
			return true;
		fl_log(FL_LOG_WARNING, "list", "%s", why.text);
		item->snapshot.ready = false;
	}
	return standing == GROUP_UNFINISHED;
}

static void snapshot_list_reply(struct snapshot_list *list, Csi__V1__ListSnapshotsResponse *answer)
{
	struct fl_arena *arena = list->op.arena;
	const struct snapshot_item *last = NULL;

	answer->entries = fl_arena_array(arena, list->n + 1, sizeof(*answer->entries));
	for (size_t i = 0; i < list->n; i++) {
		struct snapshot_item *item = &list->items[i];
		bool hidden = snapshot_list_hides(list, item);
		Csi__V1__ListSnapshotsResponse__Entry *entry =
			snapshot_list_entry(list, item->pool, &item->snapshot);
		if (i == list->page.max || !page_add(&list->page, &entry->base)) {
			answer->next_token =
				page_token(&list->page, arena, last->pool, last->snapshot.handle);
			return;
		}
		last = item;
		if (!hidden)
			answer->entries[answer->n_entries++] = entry;
	}
}

static int snapshot_list_one(struct snapshot_list *list, const char *id,
			     Csi__V1__ListSnapshotsResponse *answer, struct fl_error *err)
{
	struct object snapshot;
	struct fl_snapshot state;

	if (object_find(list->c, &list->op, "snapshot", id, &snapshot, err) < 0 ||
	    snapshot_look(list->c, &list->op, &snapshot, "ListSnapshots", &state, err) < 0)
		return -1;
	if (!snapshot_list_wants(list, snapshot.pool, &state))
		return 0;
	if (state.failure)
		return snapshot_refuse(&state, state.volume_handle, err);
	answer->entries = fl_arena_array(list->op.arena, 1, sizeof(*answer->entries));
	answer->entries[answer->n_entries++] = snapshot_list_entry(list, snapshot.pool, &state);
	return 0;
}

static int snapshot_list_run(struct snapshot_list *list,
			     const Csi__V1__ListSnapshotsRequest *request,
			     Csi__V1__ListSnapshotsResponse *answer, struct fl_error *err)
{
	if (page_begin(&list->page, list->c, list->op.arena, request->max_entries,
		       request->starting_token, err) < 0)
		return -1;
	if (request->source_volume_id[0] &&
	    object_find(list->c, &list->op, "volume", request->source_volume_id, &list->source,
			err) < 0)
		return -1;
	if (request->snapshot_id[0])
		return snapshot_list_one(list, request->snapshot_id, answer, err);
	if (snapshot_list_collect(list, err) < 0)
		return -1;
	snapshot_list_reply(list, answer);
	return 0;
}

int list_snapshots(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	const Csi__V1__ListSnapshotsRequest *asked = request;
	struct snapshot_list list = {
		.c = rpc_call_cookie(call),
		.op = rpc_call_op(call),
		.page = { .kind = PAGE_SNAPSHOTS, .filter = asked->source_volume_id },
	};
	struct fl_error why;

	/* What does not exist makes the list empty. */
	if (snapshot_list_run(&list, asked, response, &why) == 0 || why.code == FL_NOT_FOUND)
		return 0;
	*err = why;
	return -1;
}
