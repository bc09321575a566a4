/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <string.h>

/* The last part of an id is the handle: the name itself, or what follows from it. */
static bool lookup_fits(struct orchestrator *o, const char *id, const char *word)
{
	const char *slash = strrchr(id, '/');
	const char *handle = slash ? slash + 1 : id;

	return strcmp(id, word) == 0 || strcmp(handle, word) == 0 ||
	       strcmp(handle, fl_text_handle(o->arena, word, FL_HANDLE_BYTES)) == 0;
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

	if (listing_volumes(o, &entries, err) < 0)
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
	if (listing_snapshots(o, NULL, &entries, err) < 0)
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

	if (listing_snapshots(o, NULL, &all, err) < 0)
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
