/* SPDX-License-Identifier: Apache-2.0 */
/* One volume, one snapshot: the same as in their lists. */
#include "asks.h"

static struct rig rig;

static void make(struct ask_create ask)
{
	ask.required = 1 << 20;
	WORKS(ask_create(&rig, ask, NULL));
}

static void a_volume_is_what_the_list_says(void)
{
	const Csi__V1__ControllerGetVolumeResponse *got = NULL;
	const Csi__V1__ListVolumesResponse *list = NULL;

	make((struct ask_create){ .name = "a" });
	make((struct ask_create){ .name = "b", .volume = "near/n1/a" });
	WORKS(ask_volumes(&rig, 0, "", &list));
	EQUAL(list->n_entries, 2);
	for (size_t i = 0; i < list->n_entries; i++) {
		const Csi__V1__Volume *listed = list->entries[i]->volume;

		WORKS(ask_volume(&rig, listed->volume_id, &got));
		SAME(got->volume->volume_id, listed->volume_id);
		EQUAL(got->volume->capacity_bytes, listed->capacity_bytes);
		OK((got->volume->content_source != NULL) == (listed->content_source != NULL));
		EQUAL(got->status->n_published_node_ids, 0);
	}
	SAME(got->volume->content_source->volume->volume_id, "near/n1/a");
	WORKS(ask_delete(&rig, "near/n1/a"));
	WORKS(ask_delete(&rig, "near/n1/b"));
}

static void a_volume_says_where_it_is_attached(void)
{
	const Csi__V1__ControllerGetVolumeResponse *got = NULL;

	make((struct ask_create){ .name = "c", .pool = "far" });
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/c", .node = "n2" }, NULL));
	WORKS(ask_volume(&rig, "far/c", &got));
	EQUAL(got->status->n_published_node_ids, 1);
	SAME(got->status->published_node_ids[0], "n2");
	WORKS(ask_unpublish(&rig, "far/c", "n2"));
	WORKS(ask_volume(&rig, "far/c", &got));
	EQUAL(got->status->n_published_node_ids, 0);
	WORKS(ask_delete(&rig, "far/c"));
}

static void a_snapshot_is_what_the_list_says(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	const Csi__V1__Snapshot *got = NULL;

	make((struct ask_create){ .name = "d" });
	WORKS(ask_snapshot(&rig, "ds", "near/n1/d", NULL));
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	EQUAL(list->n_entries, 1);
	WORKS(ask_one_snapshot(&rig, "near/n1/ds", &got));
	SAME(got->snapshot_id, "near/n1/ds");
	SAME(got->source_volume_id, "near/n1/d");
	EQUAL(got->creation_time->seconds, list->entries[0]->snapshot->creation_time->seconds);
	EQUAL(got->size_bytes, 1 << 20);
	OK(got->ready_to_use);
	SAME(got->group_snapshot_id, "");
	WORKS(ask_delete_snapshot(&rig, "near/n1/ds"));
	WORKS(ask_delete(&rig, "near/n1/d"));
}

static void what_is_not_there_is_not_found(void)
{
	static const char *const ids[] = { "near/n1/none", "fake-vol-id", "near", "gone/n1/a",
					   "near/n1/../a" };
	const Csi__V1__ControllerGetVolumeResponse *volume = NULL;
	const Csi__V1__Snapshot *snapshot = NULL;

	for (size_t i = 0; i < FL_COUNT(ids); i++) {
		FAILS(ask_volume(&rig, ids[i], &volume), FL_NOT_FOUND);
		FAILS(ask_one_snapshot(&rig, ids[i], &snapshot), FL_NOT_FOUND);
	}
	FAILS(ask_volume(&rig, "", &volume), FL_INVALID);
	FAILS(ask_one_snapshot(&rig, "", &snapshot), FL_INVALID);
}

static const struct test tests[] = {
	{ "a volume is what the list says", a_volume_is_what_the_list_says },
	{ "a volume says where it is attached", a_volume_says_where_it_is_attached },
	{ "a snapshot is what the list says", a_snapshot_is_what_the_list_says },
	{ "what is not there is not found", what_is_not_there_is_not_found },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
