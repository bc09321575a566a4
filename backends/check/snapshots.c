/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about the life of a snapshot. */
#include <string.h>

#include "base/clock.h"
#include "statement.h"

#define SECOND_NS 1000000000ll

static int get(struct check *c, const char *handle, struct fl_snapshot *ret)
{
	return fl_snapshot_get(c->pool, &c->op, handle, ret, &c->err);
}

static int remove_it(struct check *c, const char *handle)
{
	return fl_snapshot_delete(c->pool, &c->op, handle, &c->err);
}

static void is_made_once(struct check *c)
{
	struct fl_snapshot first, again, got;
	struct fl_volume volume;
	struct fl_strings all;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &first)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &again)) ||
	    !WORKS(get(c, first.handle, &got)) || !WORKS(check_snapshots(c, NULL, &all)))
		return;
	SAME(first.handle, again.handle);
	EQUALS(all.n, 1);
	EQUALS(first.created_ns, again.created_ns);
	EQUALS(got.created_ns, first.created_ns);
	SAME(got.name, check_name(c, "s"));
	SAME(got.volume_handle, volume.handle);
	EQUALS(got.size_bytes, volume.size_bytes);
	HOLDS(got.ready && !got.failure);
}

static void other_volume_exists(struct check *c)
{
	struct fl_volume first, second;
	struct fl_snapshot snapshot;

	if (!WORKS(check_create(c, "a", MIB, &first)) ||
	    !WORKS(check_create(c, "b", MIB, &second)) ||
	    !WORKS(check_snapshot(c, "s", first.handle, &snapshot)))
		return;
	FAILS(check_snapshot(c, "s", second.handle, &snapshot), FL_EXISTS);
	if (WORKS(get(c, snapshot.handle, &snapshot)))
		SAME(snapshot.volume_handle, first.handle);
}

static void absent_volume_is_not_found(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_strings all;

	FAILS(check_snapshot(c, "s", check_name(c, "nobody"), &snapshot), FL_NOT_FOUND);
	FAILS(get(c, check_name(c, "s"), &snapshot), FL_NOT_FOUND);
	if (WORKS(check_snapshots(c, NULL, &all)))
		EQUALS(all.n, 0);
}

static void deleting_nothing_works(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume volume;

	WORKS(remove_it(c, check_name(c, "nobody")));
	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &snapshot)) ||
	    !WORKS(remove_it(c, snapshot.handle)))
		return;
	WORKS(remove_it(c, snapshot.handle));
	FAILS(get(c, snapshot.handle, &snapshot), FL_NOT_FOUND);
	WORKS(check_get(c, volume.handle, &volume));
}

static void name_is_free_after_delete(struct check *c)
{
	struct fl_volume first, second;
	struct fl_snapshot snapshot;

	if (!WORKS(check_create(c, "a", MIB, &first)) ||
	    !WORKS(check_create(c, "b", 2 * MIB, &second)) ||
	    !WORKS(check_snapshot(c, "s", first.handle, &snapshot)) ||
	    !WORKS(remove_it(c, snapshot.handle)) ||
	    !WORKS(check_snapshot(c, "s", second.handle, &snapshot)))
		return;
	EQUALS(snapshot.size_bytes, second.size_bytes);
}

static void list_goes_on_after(struct check *c)
{
	static const char *const names[] = { "s3", "S1", "s2", "s10", "x" };
	struct fl_strings all, rest;
	struct fl_snapshot snapshot;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)))
		return;
	for (size_t i = 0; i < FL_COUNT(names); i++)
		if (!WORKS(check_snapshot(c, names[i], volume.handle, &snapshot)))
			return;
	if (!WORKS(check_snapshots(c, NULL, &all)) || !EQUALS(all.n, FL_COUNT(names)))
		return;
	for (size_t i = 0; i < all.n; i++) {
		if (!WORKS(check_snapshots(c, all.items[i], &rest)))
			return;
		EQUALS(rest.n, all.n - i - 1);
		if (rest.n)
			HOLDS(strcmp(all.items[i], rest.items[0]) < 0);
	}
}

static void size_is_that_of_the_cut(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume volume;
	uint64_t bytes;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &snapshot)) ||
	    !WORKS(fl_volume_resize(c->pool, &c->op, volume.handle, 4 * MIB, 0, &bytes, &c->err)) ||
	    !WORKS(get(c, snapshot.handle, &snapshot)))
		return;
	EQUALS(snapshot.size_bytes, volume.size_bytes);
}

static void time_is_that_of_the_cut(struct check *c)
{
	int64_t before = fl_clock_wall_ns(), after;
	struct fl_snapshot snapshot;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &snapshot)))
		return;
	after = fl_clock_wall_ns();
	/* Some storage keeps whole seconds, or its own clock. */
	HOLDS(snapshot.created_ns >= before - 5 * SECOND_NS);
	HOLDS(snapshot.created_ns <= after + 5 * SECOND_NS);
	if (WORKS(check_reopen(c)) && WORKS(get(c, snapshot.handle, &snapshot)))
		HOLDS(snapshot.created_ns <= after + 5 * SECOND_NS);
}

static void name_of_a_volume_gone_is_kept(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &snapshot)))
		return;
	if (check_delete(c, volume.handle) < 0) {
		REFUSED(FL_IN_USE);
		return;
	}
	if (!WORKS(get(c, snapshot.handle, &snapshot)))
		return;
	SAME(snapshot.volume_handle, volume.handle);
	WORKS(check_snapshot(c, "s", volume.handle, &snapshot));
}

static bool group_is(struct check *c, const char *handle, const char *wanted)
{
	struct fl_snapshot snapshot;

	return WORKS(get(c, handle, &snapshot)) &&
	       HOLDS(snapshot.group ? wanted && strcmp(snapshot.group, wanted) == 0 : !wanted);
}

static int snapshot_in_group(struct check *c, const char *suffix, const char *volume_handle,
			     const char *group, struct fl_snapshot *ret)
{
	struct fl_snapshot_spec spec = { .name = check_name(c, suffix),
					 .volume_handle = volume_handle,
					 .group = group };

	return fl_snapshot_create(c->pool, &c->op, &spec, ret, &c->err);
}

static void group_is_kept(struct check *c)
{
	const char *group = check_name(c, "group");
	struct fl_snapshot snapshot, alone;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "alone", volume.handle, &alone)) ||
	    !WORKS(snapshot_in_group(c, "s", volume.handle, group, &snapshot)) ||
	    !WORKS(check_reopen(c)) || !group_is(c, snapshot.handle, group) ||
	    !group_is(c, alone.handle, NULL))
		return;
	WORKS(snapshot_in_group(c, "s", volume.handle, group, &snapshot));
	FAILS(check_snapshot(c, "s", volume.handle, &snapshot), FL_EXISTS);
	FAILS(snapshot_in_group(c, "s", volume.handle, "other", &snapshot), FL_EXISTS);
	FAILS(snapshot_in_group(c, "alone", volume.handle, group, &snapshot), FL_EXISTS);
	group_is(c, alone.handle, NULL);
}

static const struct statement statements[] = {
	{ "a snapshot is made once", is_made_once, NEEDS_SNAPSHOTS },
	{ "a snapshot's name with another volume is refused", other_volume_exists,
	  NEEDS_SNAPSHOTS },
	{ "a snapshot of an absent volume is not found", absent_volume_is_not_found,
	  NEEDS_SNAPSHOTS },
	{ "deleting no snapshot works", deleting_nothing_works, NEEDS_SNAPSHOTS },
	{ "a name is free after its snapshot was deleted", name_is_free_after_delete,
	  NEEDS_SNAPSHOTS },
	{ "a list of snapshots goes on after any handle", list_goes_on_after, NEEDS_SNAPSHOTS },
	{ "a snapshot has the size of its cut", size_is_that_of_the_cut,
	  NEEDS_SNAPSHOTS | NEEDS_RESIZE },
	{ "a snapshot has the time of its cut", time_is_that_of_the_cut, NEEDS_SNAPSHOTS },
	{ "a snapshot names its volume when that has gone", name_of_a_volume_gone_is_kept,
	  NEEDS_SNAPSHOTS },
	{ "a snapshot of a group names it", group_is_kept, NEEDS_SNAPSHOTS | NEEDS_POOL_RECORDS },
};
const struct statement_group statements_of_snapshots = { statements, FL_COUNT(statements) };
