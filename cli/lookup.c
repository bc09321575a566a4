/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <string.h>

#define LOOKUP_PAGE 500
#define LOOKUP_RESTARTS 5 /* of a listing whose token went stale between two pages */
#define LOOKUP_HANDLE_MAX 128

struct lookup {
	struct orchestrator *o;
	const char *source; /* of snapshots */
	void **items;
	size_t n, capacity;
};

static void lookup_add(struct lookup *l, void *item)
{
	l->items = fl_arena_grow(l->o->arena, l->items, l->n, &l->capacity, sizeof(*l->items));
	l->items[l->n++] = item;
}

/* One page of volumes from *token on; the next token, "" after the last page. */
static int lookup_volumes_page(struct lookup *l, const char **token, struct fl_error *err)
{
	Csi__V1__ListVolumesRequest request = CSI__V1__LIST_VOLUMES_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "ListVolumes", &request,
					  **token != 0 };
	const Csi__V1__ListVolumesResponse *answer;
	const void *reply;

	request.max_entries = LOOKUP_PAGE;
	request.starting_token = (char *)*token;
	if (orchestrator_call(l->o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	for (size_t i = 0; i < answer->n_entries; i++) {
		if (answer->entries[i]->volume)
			lookup_add(l, answer->entries[i]);
	}
	*token = answer->next_token;
	return 0;
}

static int lookup_snapshots_page(struct lookup *l, const char **token, struct fl_error *err)
{
	Csi__V1__ListSnapshotsRequest request = CSI__V1__LIST_SNAPSHOTS_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "ListSnapshots",
					  &request, **token != 0 };
	const Csi__V1__ListSnapshotsResponse *answer;
	const void *reply;

	request.max_entries = LOOKUP_PAGE;
	request.starting_token = (char *)*token;
	request.source_volume_id = (char *)(l->source ? l->source : "");
	if (orchestrator_call(l->o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	for (size_t i = 0; i < answer->n_entries; i++) {
		if (answer->entries[i]->snapshot)
			lookup_add(l, answer->entries[i]->snapshot);
	}
	*token = answer->next_token;
	return 0;
}

static int lookup_health_page(struct lookup *l, const char **token, struct fl_error *err)
{
	Csi__V1__ControllerListVolumeHealthRequest request =
		CSI__V1__CONTROLLER_LIST_VOLUME_HEALTH_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerListVolumeHealth", &request, **token != 0 };
	const Csi__V1__ControllerListVolumeHealthResponse *answer;
	const void *reply;

	request.max_entries = LOOKUP_PAGE;
	request.starting_token = (char *)*token;
	if (orchestrator_call(l->o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	for (size_t i = 0; i < answer->n_entries; i++)
		lookup_add(l, answer->entries[i]);
	*token = answer->next_token;
	return 0;
}

/* A token that is refused (the entry that it named is gone) starts the listing again. */
static int lookup_pages(struct lookup *l,
			int (*page)(struct lookup *l, const char **token, struct fl_error *err),
			struct fl_error *err)
{
	const char *token = "";
	unsigned restarts = 0;

	for (;;) {
		if (page(l, &token, err) == 0) {
			if (!*token)
				return 0;
			continue;
		}
		if (err->code != FL_BUSY || !*token || ++restarts > LOOKUP_RESTARTS)
			return -1;
		token = "";
		l->n = 0;
	}
}

static int lookup_can_list(struct orchestrator *o, int type, const char *what, struct fl_error *err)
{
	if (orchestrator_controller_can(o, type))
		return 0;
	return fl_error_set(err, FL_UNSUPPORTED, "the service cannot list %s: give the whole id",
			    what);
}

int lookup_volumes(struct orchestrator *o, struct volume_entries *ret, struct fl_error *err)
{
	struct lookup l = { .o = o };

	if (lookup_can_list(o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__LIST_VOLUMES,
			    "volumes", err) < 0 ||
	    lookup_pages(&l, lookup_volumes_page, err) < 0)
		return -1;
	ret->items = (const Csi__V1__ListVolumesResponse__Entry **)l.items;
	ret->n = l.n;
	return 0;
}

int lookup_health(struct orchestrator *o, struct health_entries *ret, struct fl_error *err)
{
	struct lookup l = { .o = o };

	if (!orchestrator_controller_can(
		    o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__LIST_VOLUME_HEALTH))
		return fl_error_set(err, FL_UNSUPPORTED,
				    "the service does not tell which volumes are healthy");
	if (lookup_pages(&l, lookup_health_page, err) < 0)
		return -1;
	ret->items = (const Csi__V1__VolumeHealth **)l.items;
	ret->n = l.n;
	return 0;
}

int lookup_snapshots(struct orchestrator *o, const char *source, struct snapshot_entries *ret,
		     struct fl_error *err)
{
	struct lookup l = { .o = o, .source = source };

	if (lookup_can_list(o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__LIST_SNAPSHOTS,
			    "snapshots", err) < 0 ||
	    lookup_pages(&l, lookup_snapshots_page, err) < 0)
		return -1;
	ret->items = (const Csi__V1__Snapshot **)l.items;
	ret->n = l.n;
	return 0;
}

/* The last part of an id is the handle: the name itself, or what follows from it. */
static bool lookup_fits(struct orchestrator *o, const char *id, const char *word)
{
	const char *slash = strrchr(id, '/');
	const char *handle = slash ? slash + 1 : id;

	return strcmp(id, word) == 0 || strcmp(handle, word) == 0 ||
	       strcmp(handle, fl_text_handle(o->arena, word, LOOKUP_HANDLE_MAX)) == 0;
}

/* What has been found so far for one word. */
struct lookup_match {
	const char *ids; /* "a, b" */
	size_t n, at;
};

static void lookup_match(struct orchestrator *o, struct lookup_match *match, const char *id,
			 const char *word, size_t i)
{
	if (!lookup_fits(o, id, word))
		return;
	match->ids = match->n++ ? fl_arena_printf(o->arena, "%s, %s", match->ids, id) : id;
	match->at = i;
}

static int lookup_decide(const struct lookup_match *match, const char *what, const char *word,
			 struct fl_error *err)
{
	if (match->n == 0)
		return fl_error_set(err, FL_NOT_FOUND, "there is no %s %s", what, word);
	if (match->n > 1)
		return fl_error_set(err, FL_INVALID, "%s is the name of several: %s", word,
				    match->ids);
	return 0;
}

int lookup_volume(struct orchestrator *o, const char *word,
		  const Csi__V1__ListVolumesResponse__Entry **ret, struct fl_error *err)
{
	struct volume_entries entries;
	struct lookup_match match = { 0 };

	if (lookup_volumes(o, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.n; i++)
		lookup_match(o, &match, entries.items[i]->volume->volume_id, word, i);
	if (lookup_decide(&match, "volume", word, err) < 0)
		return -1;
	*ret = entries.items[match.at];
	return 0;
}

int lookup_volume_id(struct orchestrator *o, const char *word, const char **ret,
		     struct fl_error *err)
{
	const Csi__V1__ListVolumesResponse__Entry *entry;

	if (strchr(word, '/')) {
		*ret = word;
		return 0;
	}
	if (lookup_volume(o, word, &entry, err) < 0)
		return -1;
	*ret = entry->volume->volume_id;
	return 0;
}

int lookup_snapshot_id(struct orchestrator *o, const char *word, const char **ret,
		       struct fl_error *err)
{
	struct snapshot_entries entries;
	struct lookup_match match = { 0 };

	if (strchr(word, '/')) {
		*ret = word;
		return 0;
	}
	if (lookup_snapshots(o, NULL, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.n; i++)
		lookup_match(o, &match, entries.items[i]->snapshot_id, word, i);
	if (lookup_decide(&match, "snapshot", word, err) < 0)
		return -1;
	*ret = entries.items[match.at]->snapshot_id;
	return 0;
}

static Csi__V1__VolumeGroupSnapshot *lookup_new_group(struct fl_arena *arena, const char *id)
{
	Csi__V1__VolumeGroupSnapshot *group = fl_arena_alloc(arena, sizeof(*group));

	csi__v1__volume_group_snapshot__init(group);
	group->group_snapshot_id = (char *)id;
	group->ready_to_use = true;
	return group;
}

/* The first snapshot's time is as good as any: they differ by what a cut takes. */
static void lookup_join(struct fl_arena *arena, Csi__V1__VolumeGroupSnapshot *group,
			size_t *capacity, const Csi__V1__Snapshot *snapshot)
{
	if (group->n_snapshots == 0)
		group->creation_time = snapshot->creation_time;
	group->ready_to_use = group->ready_to_use && snapshot->ready_to_use;
	group->snapshots = fl_arena_grow(arena, group->snapshots, group->n_snapshots, capacity,
					 sizeof(*group->snapshots));
	group->snapshots[group->n_snapshots++] = (Csi__V1__Snapshot *)snapshot;
}

int lookup_groups(struct orchestrator *o, struct group_entries *ret, struct fl_error *err)
{
	Csi__V1__VolumeGroupSnapshot **groups;
	struct snapshot_entries all;
	size_t *capacities, n = 0;

	if (lookup_snapshots(o, NULL, &all, err) < 0)
		return -1;
	groups = fl_arena_array(o->arena, all.n + 1, sizeof(*groups));
	capacities = fl_arena_array(o->arena, all.n + 1, sizeof(*capacities));
	for (size_t i = 0; i < all.n; i++) {
		const char *id = all.items[i]->group_snapshot_id;
		size_t at = 0;

		if (!*id)
			continue;
		while (at < n && strcmp(groups[at]->group_snapshot_id, id) != 0)
			at++;
		if (at == n)
			groups[n++] = lookup_new_group(o->arena, id);
		lookup_join(o->arena, groups[at], &capacities[at], all.items[i]);
	}
	*ret = (struct group_entries){ (const Csi__V1__VolumeGroupSnapshot **)groups, n };
	return 0;
}

int lookup_group(struct orchestrator *o, const char *word, const Csi__V1__VolumeGroupSnapshot **ret,
		 struct fl_error *err)
{
	struct lookup_match match = { 0 };
	struct group_entries groups;

	if (lookup_groups(o, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.n; i++)
		lookup_match(o, &match, groups.items[i]->group_snapshot_id, word, i);
	if (match.n == 0 && strchr(word, '/')) {
		*ret = lookup_new_group(o->arena, word);
		return 0;
	}
	if (lookup_decide(&match, "group snapshot", word, err) < 0)
		return -1;
	*ret = groups.items[match.at];
	return 0;
}
