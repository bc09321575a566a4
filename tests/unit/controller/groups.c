/* SPDX-License-Identifier: Apache-2.0 */
/* Group snapshots of volumes that nobody uses: their life, and what an interrupted one leaves. */
#include "groupasks.h"

static void idle_volumes_are_snapshotted_together(void)
{
	const struct ids volumes = ids(make_volume("a1"), make_volume("a2"), make_volume("a3"));
	const struct ids turned = ids(volumes.items[2], volumes.items[0], volumes.items[1]);
	const Csi__V1__VolumeGroupSnapshot *group = NULL, *again = NULL;
	const Csi__V1__Snapshot *alone = NULL;

	peer_set(&peer, nobody);
	WORKS(make_group("nightly", volumes, &group));
	SAME(group->group_snapshot_id, "near/n1/nightly");
	EQUAL(group->n_snapshots, 3);
	OK(group->ready_to_use && group->creation_time->seconds > 0);
	for (size_t i = 0; i < 3; i++) {
		SAME(group->snapshots[i]->source_volume_id, volumes.items[i]);
		SAME(group->snapshots[i]->group_snapshot_id, group->group_snapshot_id);
		OK(group->snapshots[i]->ready_to_use);
	}
	WORKS(make_group("nightly", turned, &again));
	EQUAL(again->creation_time->nanos, group->creation_time->nanos);
	SAME(again->snapshots[1]->snapshot_id, group->snapshots[1]->snapshot_id);
	WORKS(ask_one_snapshot(&rig, group->snapshots[1]->snapshot_id, &alone));
	SAME(alone->group_snapshot_id, group->group_snapshot_id);
	EQUAL(count_snapshots(), 3);
	WORKS(ask_create(
		&rig,
		(struct ask_create){ .name = "a4", .snapshot = group->snapshots[0]->snapshot_id },
		NULL));
	rig_stop(&rig);
	rig_start(&rig);
	WORKS(make_group("nightly", volumes, &again));
	EQUAL(again->creation_time->nanos, group->creation_time->nanos);
	WORKS(ask_delete(&rig, id_of("a4")));
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	for (size_t i = 0; i < 3; i++)
		WORKS(ask_delete(&rig, volumes.items[i]));
	nothing_is_left();
}

static void another_set_of_volumes_exists(void)
{
	const char *a = make_volume("b1"), *b = make_volume("b2"), *c = make_volume("b3");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;

	WORKS(make_group("g", ids(a, b, NULL), &group));
	FAILS(make_group("g", ids(a, b, c), NULL), FL_EXISTS);
	FAILS(make_group("g", ids(a, NULL, NULL), NULL), FL_EXISTS);
	FAILS(make_group("g", ids(a, c, NULL), NULL), FL_EXISTS);
	OK(strstr(test_error.text, "other volumes"), "%s", test_error.text);
	EQUAL(count_snapshots(), 2);
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	WORKS(make_group("g", ids(a, c, NULL), &group));
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	WORKS(ask_delete(&rig, a));
	WORKS(ask_delete(&rig, b));
	WORKS(ask_delete(&rig, c));
	nothing_is_left();
}

static void what_cannot_be_a_group_is_refused(void)
{
	const char *a = make_volume("c1");
	struct ids many = { .n = GROUP_MEMBERS_MAX + 1 };

	WORKS(ask_create(&rig,
			 (struct ask_create){ .name = "c2", .pool = "far", .required = 1 << 20 },
			 NULL));
	FAILS(make_group("", ids(a, NULL, NULL), NULL), FL_INVALID);
	FAILS(make_group("bad\001name", ids(a, NULL, NULL), NULL), FL_INVALID);
	FAILS(make_group("g", ids(NULL, NULL, NULL), NULL), FL_INVALID);
	FAILS(make_group("g", ids(a, a, NULL), NULL), FL_INVALID);
	FAILS(make_group("g", ids(a, "", NULL), NULL), FL_INVALID);
	for (size_t i = 0; i < many.n; i++)
		many.items[i] = (char *)fl_arena_printf(rig.arena, "near/n1/m%zu", i);
	FAILS(make_group("g", many, NULL), FL_INVALID);
	FAILS(make_group("g", ids(a, "near/n1/none", NULL), NULL), FL_NOT_FOUND);
	FAILS(make_group("g", ids(a, "nonsense", NULL), NULL), FL_NOT_FOUND);
	FAILS(make_group("g", ids(a, "far/c2", NULL), NULL), FL_IN_USE);
	OK(strstr(test_error.text, "different pools"), "%s", test_error.text);
	nothing_is_left();
	WORKS(ask_delete(&rig, a));
	WORKS(ask_delete(&rig, "far/c2"));
}

static void a_group_is_deleted_as_a_whole(void)
{
	const char *a = make_volume("d1"), *b = make_volume("d2");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	const Csi__V1__Snapshot *alone = NULL;
	struct ids members;
	char *id;

	WORKS(make_group("whole", ids(a, b, NULL), &group));
	WORKS(ask_snapshot(&rig, "alone", a, &alone));
	members = members_of(group);
	id = group->group_snapshot_id;
	FAILS(ask_delete_snapshot(&rig, members.items[0]), FL_IN_USE);
	OK(strstr(test_error.text, id), "%s", test_error.text);
	FAILS(delete_group(id, ids(NULL, NULL, NULL)), FL_INVALID);
	FAILS(delete_group(id, ids(members.items[0], NULL, NULL)), FL_INVALID);
	FAILS(delete_group(id, ids(members.items[0], members.items[0], NULL)), FL_INVALID);
	FAILS(delete_group(id, ids(members.items[0], alone->snapshot_id, NULL)), FL_INVALID);
	FAILS(delete_group(id, ids(members.items[0], members.items[1], alone->snapshot_id)),
	      FL_INVALID);
	FAILS(get_group(id, ids(members.items[0], NULL, NULL), &group), FL_INVALID);
	FAILS(get_group("near/n1/none", members, &group), FL_NOT_FOUND);
	FAILS(get_group("nonsense", members, &group), FL_NOT_FOUND);
	FAILS(get_group("", members, &group), FL_INVALID);
	WORKS(get_group(id, ids(members.items[1], members.items[0], NULL), &group));
	EQUAL(group->n_snapshots, 2);
	WORKS(ask_delete(&rig, a));
	WORKS(delete_group(id, members));
	WORKS(delete_group(id, members));
	WORKS(delete_group("nonsense", members));
	FAILS(delete_group("", members), FL_INVALID);
	FAILS(get_group(id, members, &group), FL_NOT_FOUND);
	EQUAL(count_snapshots(), 1);
	WORKS(ask_delete_snapshot(&rig, alone->snapshot_id));
	WORKS(ask_delete(&rig, b));
	nothing_is_left();
}

static void a_volume_of_another_node_is_refused(void)
{
	WORKS(ask_create(&rig,
			 (struct ask_create){ .name = "o1", .pool = "far", .required = 1 << 20 },
			 NULL));
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/o1", .node = "n2" }, NULL));
	peer_set(&peer, nobody);
	FAILS(make_group("there", ids("far/o1", NULL, NULL), NULL), FL_IN_USE);
	OK(strstr(test_error.text, "n2"), "%s", test_error.text);
	WORKS(ask_unpublish(&rig, "far/o1", "n2"));
	WORKS(ask_delete(&rig, "far/o1"));
}

/* What a controller leaves that is killed: its record, and the first of its snapshots. */
static void leave(const char *name, enum group_state state, const char *volume, const char *other)
{
	struct group_member members[] = { { volume, "group-left-1" }, { other, "group-left-2" } };
	struct group group = {
		.state = state, .name = name, .created_ns = 1, .members = members, .n_members = 2
	};
	const struct fl_snapshot_spec spec = { .name = "group-left-1",
					       .volume_handle = volume,
					       .group = name };
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	struct fl_snapshot snapshot;

	WORKS(group_write(&rig.op, pool, name, &group, &test_error));
	WORKS(fl_snapshot_create(pool, &rig.op, &spec, &snapshot, &test_error));
}

static void an_interrupted_attempt_is_made_anew(void)
{
	const char *a = make_volume("i1"), *b = make_volume("i2");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	const struct ids left = ids(id_of("group-left-1"), id_of("group-left-2"), NULL);
	const Csi__V1__Snapshot *snapshot = NULL;

	peer_set(&peer, nobody);
	leave("cut", GROUP_CUTTING, "i1", "i2");
	EQUAL(count_snapshots(), 0);
	WORKS(ask_one_snapshot(&rig, left.items[0], &snapshot));
	OK(!snapshot->ready_to_use);
	FAILS(ask_create(&rig, (struct ask_create){ .name = "i3", .snapshot = left.items[0] },
			 NULL),
	      FL_UNAVAILABLE);
	FAILS(ask_delete_snapshot(&rig, left.items[0]), FL_IN_USE);
	FAILS(get_group(id_of("cut"), left, &group), FL_NOT_FOUND);
	WORKS(make_group("cut", ids(a, b, NULL), &group));
	EQUAL(count_entries("snapshots"), 2);
	OK(strcmp(group->snapshots[0]->snapshot_id, left.items[0]) != 0);
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	leave("cut", GROUP_CUTTING, "i1", "i2");
	WORKS(make_group("cut", ids(a, NULL, NULL), &group));
	EQUAL(count_entries("snapshots"), 1);
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	leave("cut", GROUP_CUTTING, "i1", "i2");
	WORKS(delete_group(id_of("cut"), ids(NULL, NULL, NULL)));
	nothing_is_left();
	WORKS(ask_delete(&rig, a));
	WORKS(ask_delete(&rig, b));
}

static void an_interrupted_deletion_is_completed(void)
{
	const char *a = make_volume("x1"), *b = make_volume("x2");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	const struct ids left = ids(id_of("group-left-1"), id_of("group-left-2"), NULL);

	leave("half", GROUP_DELETING, "x1", "x2");
	FAILS(get_group(id_of("half"), left, &group), FL_BUSY);
	FAILS(delete_group(id_of("half"), ids(a, NULL, NULL)), FL_INVALID);
	EQUAL(count_snapshots(), 0);
	WORKS(delete_group(id_of("half"), ids(NULL, NULL, NULL)));
	nothing_is_left();
	leave("half", GROUP_DELETING, "x1", "x2");
	WORKS(delete_group(id_of("half"), left));
	nothing_is_left();
	leave("half", GROUP_DELETING, "x1", "x2");
	WORKS(make_group("half", ids(a, b, NULL), &group));
	EQUAL(count_entries("snapshots"), 2);
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	nothing_is_left();
	WORKS(ask_delete(&rig, a));
	WORKS(ask_delete(&rig, b));
}

static void what_no_group_knows_can_be_deleted(void)
{
	const struct fl_snapshot_spec spec = { .name = "group-stray",
					       .volume_handle = "s1",
					       .group = "nowhere" };
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	struct fl_snapshot snapshot;

	make_volume("s1");
	WORKS(fl_snapshot_create(fl_pools_get(rig.pools, "near"), &rig.op, &spec, &snapshot,
				 &test_error));
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	EQUAL(list->n_entries, 1);
	OK(!list->entries[0]->snapshot->ready_to_use);
	SAME(list->entries[0]->snapshot->group_snapshot_id, "");
	FAILS(ask_create(&rig,
			 (struct ask_create){ .name = "s2", .snapshot = id_of("group-stray") },
			 NULL),
	      FL_INVALID);
	WORKS(ask_delete_snapshot(&rig, id_of("group-stray")));
	WORKS(ask_delete(&rig, id_of("s1")));
	nothing_is_left();
}

static void names_are_any_text(void)
{
	static const char *const names[] = {
		"ü \"group\" / ..",
		"x.new",
		"fl-0123",
		".hidden",
		"a-name-much-longer-than-what-backends-take-for-a-handle-of-its-own",
	};
	const char *a = make_volume("n1");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;

	peer_set(&peer, nobody);
	for (size_t i = 0; i < FL_COUNT(names); i++) {
		WORKS(make_group(names[i], ids(a, NULL, NULL), &group));
		WORKS(get_group(group->group_snapshot_id, members_of(group), &group));
		WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	}
	WORKS(ask_delete(&rig, a));
	nothing_is_left();
}

static const struct test tests[] = {
	{ "idle volumes are snapshotted together", idle_volumes_are_snapshotted_together },
	{ "another set of volumes exists", another_set_of_volumes_exists },
	{ "what cannot be a group is refused", what_cannot_be_a_group_is_refused },
	{ "a group is deleted as a whole", a_group_is_deleted_as_a_whole },
	{ "a volume of another node is refused", a_volume_of_another_node_is_refused },
	{ "an interrupted attempt is made anew", an_interrupted_attempt_is_made_anew },
	{ "an interrupted deletion is completed", an_interrupted_deletion_is_completed },
	{ "what no group knows can be deleted", what_no_group_knows_can_be_deleted },
	{ "names are any text", names_are_any_text },
};

int main(int argc, char **argv)
{
	int status;

	group_rig_open();
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	group_rig_close();
	return status;
}
