/* SPDX-License-Identifier: Apache-2.0 */
/* Group snapshots of volumes that VMs use: what their launchers are asked for, and what becomes of
 * an attempt that fails. */
#include "groupasks.h"

static void vms_stand_still_for_the_cut(void)
{
	const char *a = plug("e1"), *b = plug("e2"), *other = plug("e3-b"),
		   *idle = make_volume("e4");
	struct ids volumes = ids(a, b, other);
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	struct peer_mood mood = running;
	unsigned held = peer_look(&peer).n_held;

	volumes.items[volumes.n++] = (char *)idle;
	mood.plain = idle;
	peer_set(&peer, mood);
	WORKS(make_group("vms", volumes, &group));
	EQUAL(peer_look(&peer).n_held - held, 2);
	EQUAL(peer_look(&peer).n_stands, 0);
	OK(peer_look(&peer).all_held, "every copy began while the VMs stood still");
	EQUAL(group->ready_to_use, !copies);
	if (copies) {
		EQUAL(peer_look(&peer).n_jobs, 3);
		FAILS(ask_create(
			      &rig,
			      (struct ask_create){ .name = "early",
						   .snapshot = group->snapshots[0]->snapshot_id },
			      NULL),
		      FL_UNAVAILABLE);
		peer_complete(&peer, "from the guest");
	}
	WORKS(make_group("vms", volumes, &group));
	OK(group->ready_to_use);
	EQUAL(peer_look(&peer).n_held - held, 2);
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	remove_volume(a);
	remove_volume(b);
	remove_volume(other);
	WORKS(ask_delete(&rig, idle));
	nothing_is_left();
}

/* The attempt is thrown away, and the next one succeeds. */
static void is_thrown_away(struct peer_mood mood, enum fl_error_code code, const char *says)
{
	const char *a = plug("f1"), *b = plug("f2-b");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;

	peer_set(&peer, mood);
	FAILS(make_group("again", ids(a, b, NULL), NULL), code);
	OK(strstr(test_error.text, says), "%s", test_error.text);
	nothing_is_left();
	EQUAL(count_snapshots(), 0);
	peer_set(&peer, running);
	WORKS(make_group("again", ids(a, b, NULL), &group));
	EQUAL(peer_look(&peer).n_stands, 0);
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	remove_volume(a);
	remove_volume(b);
	nothing_is_left();
}

static void a_hold_that_falls_spoils_the_attempt(void)
{
	struct peer_mood mood = running;

	mood.hold_falls = true;
	is_thrown_away(mood, FL_BUSY, "did not stand still");
}

static void a_vm_that_cannot_be_held_frees_the_others(void)
{
	struct peer_mood mood = running;

	mood.refuses_hold = true;
	is_thrown_away(mood, FL_BUSY, "being started");
}

/* The peer holds its lock. */
static void unplug_the_second(void)
{
	peer.mood.plain = id_of("f2-b");
}

static void plug_in_the_second(void)
{
	peer.mood.plain = NULL;
}

static void a_volume_that_comes_or_goes_spoils_the_attempt(void)
{
	struct peer_mood mood = running;

	/* A launcher copies what it has plugged in, and nothing else. */
	if (copies)
		return;
	mood.on_hold = unplug_the_second;
	is_thrown_away(mood, FL_BUSY, "plugged in or out");
	mood.plain = id_of("f2-b");
	mood.on_hold = plug_in_the_second;
	is_thrown_away(mood, FL_BUSY, "plugged in or out");
}

static void a_lost_answer_spoils_the_attempt(void)
{
	struct peer_mood mood = running;

	if (!copies)
		return;
	mood.loses_answer = true;
	is_thrown_away(mood, FL_UNAVAILABLE, "");
}

static void kernel_devices_are_cut_or_refused(void)
{
	const char *a = plug("k1"), *b = plug("k2");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	struct peer_mood mood = running;

	mood.kernel = b;
	peer_set(&peer, mood);
	if (copies) {
		FAILS(make_group("devices", ids(a, b, NULL), &group), FL_IN_USE);
		OK(strstr(test_error.text, "detach it"), "%s", test_error.text);
	} else {
		WORKS(make_group("devices", ids(a, b, NULL), &group));
		WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	}
	remove_volume(a);
	remove_volume(b);
	nothing_is_left();
}

/* Another controller takes the attempt for dead while it is being made. */
static void take_over(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct fl_op op = { "other", fl_clock_after_ms(5000), arena, NULL };
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	struct group group;
	struct fl_error err;

	rig_must(group_read(&op, pool, "taken", &group, &err));
	rig_must(group_remove(&op, pool, "taken", &group, &err));
	group.version = 0;
	rig_must(group_write(&op, pool, "taken", &group, &err));
}

static void an_attempt_that_was_taken_for_dead_ends(void)
{
	const char *a = plug("t1");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	struct peer_mood mood = running;

	mood.on_hold = take_over;
	peer_set(&peer, mood);
	FAILS(make_group("taken", ids(a, NULL, NULL), NULL), FL_BUSY);
	EQUAL(count_entries("snapshots"), 0);
	EQUAL(count_entries("tmp"), 0);
	peer_set(&peer, running);
	WORKS(make_group("taken", ids(a, NULL, NULL), &group));
	WORKS(delete_group(group->group_snapshot_id, members_of(group)));
	remove_volume(a);
	nothing_is_left();
}

static void a_broken_copy_breaks_the_group(void)
{
	const char *a = plug("w1"), *b = plug("w2");
	const Csi__V1__VolumeGroupSnapshot *group = NULL;
	struct peer_mood mood = running;
	struct ids members;

	if (!copies) {
		remove_volume(a);
		remove_volume(b);
		return;
	}
	peer_set(&peer, running);
	WORKS(make_group("broken", ids(a, b, NULL), &group));
	members = members_of(group);
	mood.failure = "no space left on device";
	peer_set(&peer, mood);
	FAILS(make_group("broken", ids(a, b, NULL), NULL), FL_INTERNAL);
	OK(strstr(test_error.text, "no space left") && strstr(test_error.text, "delete the group"),
	   "%s", test_error.text);
	FAILS(get_group(group->group_snapshot_id, members, &group), FL_INTERNAL);
	WORKS(delete_group(id_of("broken"), members));
	remove_volume(a);
	remove_volume(b);
	nothing_is_left();
}

static const struct test tests[] = {
	{ "VMs stand still for the cut", vms_stand_still_for_the_cut },
	{ "a hold that falls spoils the attempt", a_hold_that_falls_spoils_the_attempt },
	{ "a VM that cannot be held frees the others", a_vm_that_cannot_be_held_frees_the_others },
	{ "a volume that comes or goes spoils the attempt",
	  a_volume_that_comes_or_goes_spoils_the_attempt },
	{ "a lost answer spoils the attempt", a_lost_answer_spoils_the_attempt },
	{ "kernel devices are cut or refused", kernel_devices_are_cut_or_refused },
	{ "an attempt that was taken for dead ends", an_attempt_that_was_taken_for_dead_ends },
	{ "a broken copy breaks the group", a_broken_copy_breaks_the_group },
};

int main(int argc, char **argv)
{
	int status;

	group_rig_open();
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	group_rig_close();
	return status;
}
