/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "changes.h"
#include "uses.h"

/* What the listing, or the get, says the object was made from. */
static uint8_t looks_content(struct turn *turn, const Csi__V1__VolumeContentSource *content)
{
	unsigned first = 0;
	int found;

	if (!content)
		return 0;
	if (content->type_case == CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT) {
		first = WORLD_SNAPSHOT;
		found = world_find(turn->world, first, content->snapshot->snapshot_id);
	} else {
		found = world_find(turn->world, first, content->volume->volume_id);
	}
	return (uint8_t)(found < 0 ? UINT8_MAX : 1 + first + (unsigned)found);
}

static uint8_t looks_node(struct turn *turn, unsigned volume, char **nodes, size_t n)
{
	if (n > 1)
		world_problem(turn->world, "%s is published to %zu nodes", turn_id(turn, volume),
			      n);
	if (n == 0)
		return 0;
	return strcmp(nodes[0], "n1") == 0 ? 1 : 2;
}

static void looks_note(struct turn *turn, unsigned object, const Csi__V1__Volume *volume,
		       uint8_t node)
{
	turn_note(turn, object,
		  (struct model_op){ .kind = MODEL_SEEN,
				     .content = looks_content(turn, volume->content_source),
				     .answer = (uint8_t)(volume->capacity_bytes / TURN_MIB) });
	turn_note(turn, object, (struct model_op){ .kind = MODEL_ON_NODE, .node = node });
}

/* false, and a problem unless the service was being killed: there is no answer to look at. */
static bool looks_answered(struct turn *turn, const char *what)
{
	enum fl_error_code code = turn->calls.error.code;

	if (code == FL_OK)
		return true;
	turn->again = turn->world->kills && code == FL_UNAVAILABLE;
	if (!turn->again)
		world_problem(turn->world, "%s: %s: %s", what, fl_error_name(code),
			      turn->calls.error.text);
	return false;
}

void looks_get(struct turn *turn)
{
	unsigned volume = turn_random(turn, turn->world->n);
	const Csi__V1__ControllerGetVolumeResponse *answer = NULL;

	turn_begin(turn);
	calls_get(&turn->calls, turn_id(turn, volume), &answer);
	turn_end(turn);
	if (turn->calls.error.code == FL_NOT_FOUND)
		turn_note(turn, volume, (struct model_op){ .kind = MODEL_ABSENT });
	else if (looks_answered(turn, "get"))
		looks_note(turn, volume, answer->volume,
			   looks_node(turn, volume, answer->status->published_node_ids,
				      answer->status->n_published_node_ids));
}

/* What all pages of a listing have shown. */
struct seen {
	const Csi__V1__ListVolumesResponse__Entry *volumes[WORLD_MAX];
	const Csi__V1__Snapshot *snapshots[WORLD_MAX];
};

static bool seen_volumes(struct turn *turn, int32_t max, struct seen *seen)
{
	const Csi__V1__ListVolumesResponse *page;
	const char *token = "";

	do {
		if (calls_volumes(&turn->calls, max, token, &page) < 0)
			return looks_answered(turn, "ListVolumes");
		for (size_t i = 0; i < page->n_entries; i++) {
			const char *id = page->entries[i]->volume->volume_id;
			int volume = world_find(turn->world, 0, id);

			if (volume < 0 && uses_is_one(id))
				continue;
			if (volume < 0 || seen->volumes[volume])
				world_problem(turn->world, "ListVolumes tells %s of %s",
					      volume < 0 ? "something" : "twice", id);
			else
				seen->volumes[volume] = page->entries[i];
		}
		token = page->next_token;
	} while (token[0]);
	return true;
}

static bool seen_snapshots(struct turn *turn, int32_t max, struct seen *seen)
{
	const Csi__V1__ListSnapshotsResponse *page;
	const char *token = "";

	do {
		if (calls_snapshots(&turn->calls, max, token, &page) < 0)
			return looks_answered(turn, "ListSnapshots");
		for (size_t i = 0; i < page->n_entries; i++) {
			const char *id = page->entries[i]->snapshot->snapshot_id;
			int snapshot = world_find(turn->world, WORLD_SNAPSHOT, id);

			/* Groups are looked at by who has made them. */
			if (page->entries[i]->snapshot->group_snapshot_id[0])
				continue;
			if (snapshot < 0 || seen->snapshots[snapshot])
				world_problem(turn->world, "ListSnapshots tells %s of %s",
					      snapshot < 0 ? "something" : "twice", id);
			else
				seen->snapshots[snapshot] = page->entries[i]->snapshot;
		}
		token = page->next_token;
	} while (token[0]);
	return true;
}

void looks_volumes(struct turn *turn)
{
	int32_t max = (int32_t)turn_random(turn, 5);
	struct seen seen = { 0 };
	bool answered;

	turn_begin(turn);
	answered = seen_volumes(turn, max, &seen);
	turn_end(turn);
	for (unsigned i = 0; answered && i < turn->world->n; i++) {
		const Csi__V1__ListVolumesResponse__Entry *entry = seen.volumes[i];

		if (entry)
			looks_note(turn, i, entry->volume,
				   looks_node(turn, i, entry->status->published_node_ids,
					      entry->status->n_published_node_ids));
		else
			turn_note(turn, i, (struct model_op){ .kind = MODEL_ABSENT });
	}
}

void looks_snapshots(struct turn *turn)
{
	int32_t max = (int32_t)turn_random(turn, 5);
	struct seen seen = { 0 };
	bool answered;

	turn_begin(turn);
	answered = seen_snapshots(turn, max, &seen);
	turn_end(turn);
	for (unsigned i = 0; answered && i < turn->world->n; i++) {
		const Csi__V1__Snapshot *snapshot = seen.snapshots[i];
		struct model_op op = { .kind = snapshot ? MODEL_SEEN : MODEL_ABSENT };

		if (snapshot)
			op.content = (uint8_t)(1 + world_find(turn->world, 0,
							      snapshot->source_volume_id));
		turn_note(turn, WORLD_SNAPSHOT + i, op);
	}
}
