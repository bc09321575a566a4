/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about copies that somebody else writes. */
#include <string.h>
#include <unistd.h>

#include "copying.h"

static void copied_volume_is_born_with_records(struct check *c)
{
	const struct fl_pair pair = { "k", "one" };
	struct fl_record record;
	struct copying copying;

	if (!WORKS(copying_set_up(c, true, &copying)))
		return;
	copying.volume.records = &pair;
	copying.volume.n_records = 1;
	if (!WORKS(copying_begin(&copying)) || !WORKS(copying_fill(&copying, 0x5c)) ||
	    !WORKS(copying_commit(&copying)) ||
	    !WORKS(fl_volume_record_get(c->pool, &c->op, copying.copy.handle, "k", &record,
					&c->err)))
		return;
	EQUALS(record.version, 1);
	SAME(record.value, "one");
}

static void thin_copy_is_thin(struct check *c)
{
	struct copying copying;
	const char *handle;
	uint64_t allocated;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_reserve(&copying)) || !WORKS(copying_commit(&copying)))
		return;
	handle = copying.copy.handle;
	if (WORKS(check_allocated(c, handle, &allocated)))
		HOLDS(allocated < MIB);
	WORKS(check_reads(c, handle, 0, copying.source.size_bytes - 4096, 0));
	WORKS(check_reads(c, handle, copying.source.size_bytes - 4096, 4096, 0x77));
}

static void target_is_invisible(struct check *c)
{
	struct fl_strings snapshots, volumes;
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)))
		return;
	HOLDS(copying.copy.cut_ns == 0 && !copying.copy.done && !copying.copy.failure);
	FAILS(copying_get(&copying, &snapshot), FL_NOT_FOUND);
	if (WORKS(check_snapshots(c, NULL, &snapshots)) && WORKS(check_volumes(c, NULL, &volumes)))
		HOLDS(snapshots.n == 0 && volumes.n == 1);
	WORKS(copying_abandon(&copying));
}

static void commit_shows_the_copy(struct check *c)
{
	struct fl_content content = { .kind = FL_CONTENT_SNAPSHOT };
	struct fl_snapshot snapshot;
	struct copying copying;
	struct fl_volume volume;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_fill(&copying, 0x5a)) || !WORKS(copying_commit(&copying)) ||
	    !WORKS(copying_get(&copying, &snapshot)))
		return;
	HOLDS(snapshot.ready && snapshot.created_ns == COPYING_CUT_NS);
	SAME(snapshot.volume_handle, copying.source.handle);
	content.handle = snapshot.handle;
	if (WORKS(check_create_from(c, "b", content, snapshot.size_bytes, &volume)))
		WORKS(check_reads(c, volume.handle, 0, snapshot.size_bytes, 0x5a));
	WORKS(copying_commit(&copying));
	if (WORKS(copying_begin(&copying)))
		HOLDS(copying.copy.done && !copying.copy.path);
}

static void started_shows_it_not_ready(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;
	struct fl_strings all;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)) || !WORKS(copying_started(&copying)) ||
	    !WORKS(copying_get(&copying, &snapshot)))
		return;
	HOLDS(!snapshot.ready && !snapshot.failure && snapshot.created_ns == COPYING_CUT_NS);
	EQUALS(snapshot.size_bytes, copying.source.size_bytes);
	if (WORKS(check_snapshots(c, NULL, &all)))
		HOLDS(all.n == 1 && strcmp(all.items[0], copying.copy.handle) == 0);
	HOLDS(snapshot.group && strcmp(snapshot.group, copying.snapshot.group) == 0);
	if (WORKS(fl_snapshot_create(c->pool, &c->op, &copying.snapshot, &snapshot, &c->err)))
		HOLDS(!snapshot.ready);
	if (WORKS(copying_fill(&copying, 0x5b)) && WORKS(copying_commit(&copying)) &&
	    WORKS(copying_get(&copying, &snapshot)))
		HOLDS(snapshot.ready && snapshot.created_ns == COPYING_CUT_NS);
}

static void started_is_found_again(struct check *c)
{
	struct copying copying;
	const char *path;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)))
		return;
	path = copying.copy.path;
	copying.copy = (struct fl_copy){ 0 };
	if (!WORKS(check_reopen(c)) || !WORKS(copying_begin(&copying)))
		return;
	EQUALS(copying.copy.cut_ns, COPYING_CUT_NS);
	HOLDS(copying.copy.path && strcmp(copying.copy.path, path) == 0);
}

static void unstarted_is_begun_anew(struct check *c)
{
	struct copying first, second;
	struct fl_snapshot snapshot;

	if (!WORKS(copying_set_up(c, false, &first)) || !WORKS(copying_begin(&first)) ||
	    !WORKS(copying_fill(&first, 0x11)) || !WORKS(copying_set_up(c, false, &second)) ||
	    !WORKS(copying_begin(&second)))
		return;
	HOLDS(strcmp(first.copy.path, second.copy.path) != 0);
	HOLDS(access(first.copy.path, F_OK) < 0);
	FAILS(copying_commit(&first), FL_BUSY);
	FAILS(copying_started(&first), FL_BUSY);
	WORKS(copying_abandon(&first));
	if (WORKS(copying_fill(&second, 0x22)) && WORKS(copying_commit(&second)) &&
	    WORKS(copying_get(&second, &snapshot)))
		HOLDS(snapshot.ready);
}

static void failed_is_shown(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)))
		return;
	FAILS(copying_failed(&copying, "too early"), FL_NOT_FOUND);
	if (!WORKS(copying_started(&copying)) ||
	    !WORKS(copying_failed(&copying, "the disk broke")) ||
	    !WORKS(copying_failed(&copying, "again")) || !WORKS(copying_get(&copying, &snapshot)))
		return;
	HOLDS(!snapshot.ready);
	HOLDS(snapshot.failure && strcmp(snapshot.failure, "the disk broke") == 0);
	if (!WORKS(copying_begin(&copying)))
		return;
	HOLDS(!copying.copy.path && copying.copy.failure);
	if (!WORKS(fl_snapshot_delete(c->pool, &c->op, copying.copy.handle, &c->err)) ||
	    !WORKS(copying_begin(&copying)))
		return;
	HOLDS(copying.copy.path && copying.copy.cut_ns == 0);
	WORKS(copying_abandon(&copying));
}

static void unusable_until_committed(struct check *c)
{
	struct fl_content content = { .kind = FL_CONTENT_SNAPSHOT };
	struct copying copying;
	struct fl_volume volume;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)))
		return;
	content.handle = copying.copy.handle;
	FAILS(check_create_from(c, "b", content, copying.source.size_bytes, &volume), FL_BUSY);
	WORKS(copying_failed(&copying, "the disk broke"));
	FAILS(check_create_from(c, "b", content, copying.source.size_bytes, &volume), FL_IN_USE);
}

static void abort_forgets(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)) || !WORKS(copying_abandon(&copying)) ||
	    !WORKS(copying_abandon(&copying)))
		return;
	FAILS(copying_get(&copying, &snapshot), FL_NOT_FOUND);
	FAILS(copying_commit(&copying), FL_BUSY);
	if (WORKS(copying_begin(&copying)))
		HOLDS(copying.copy.cut_ns == 0 && copying.copy.path);
	WORKS(copying_abandon(&copying));
}

static void deleting_forgets(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)) ||
	    !WORKS(fl_snapshot_delete(c->pool, &c->op, copying.copy.handle, &c->err)))
		return;
	HOLDS(access(copying.copy.path, F_OK) < 0);
	FAILS(copying_get(&copying, &snapshot), FL_NOT_FOUND);
	FAILS(copying_commit(&copying), FL_BUSY);
}

static void other_source_exists(struct check *c)
{
	struct fl_volume other;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) ||
	    !WORKS(check_create(c, "other", 2 * MIB, &other)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)))
		return;
	copying.snapshot.volume_handle = other.handle;
	FAILS(copying_begin(&copying), FL_EXISTS);
	copying.snapshot.volume_handle = copying.source.handle;
	if (!WORKS(copying_commit(&copying)))
		return;
	copying.snapshot.volume_handle = other.handle;
	FAILS(copying_begin(&copying), FL_EXISTS);
}

static void copy_becomes_a_volume(struct check *c)
{
	struct copying copying;
	struct fl_volume volume;
	struct fl_record record;
	struct fl_strings all;
	uint64_t version;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(check_record_set(c, copying.source.handle, FL_RECORD_FORMAT, 1, "ext4",
				    &version)) ||
	    !WORKS(copying_fill(&copying, 0x5c)) || !WORKS(copying_started(&copying)) ||
	    !WORKS(check_volumes(c, NULL, &all)))
		return;
	EQUALS(all.n, 1);
	FAILS(check_get(c, copying.copy.handle, &volume), FL_NOT_FOUND);
	if (!WORKS(copying_commit(&copying)) || !WORKS(check_get(c, copying.copy.handle, &volume)))
		return;
	EQUALS(volume.content.kind, FL_CONTENT_VOLUME);
	WORKS(check_reads(c, volume.handle, 0, volume.size_bytes, 0x5c));
	if (WORKS(fl_volume_record_get(c->pool, &c->op, volume.handle, FL_RECORD_FORMAT, &record,
				       &c->err)))
		SAME(record.value, "ext4");
	if (WORKS(copying_begin(&copying)))
		HOLDS(copying.copy.done);
	copying.volume.min_bytes = 64 * MIB;
	FAILS(copying_begin(&copying), FL_EXISTS);
}

/* Nobody may be told that a volume exists before it does. */
static void other_volume_is_busy(struct check *c)
{
	struct copying copying;
	struct fl_volume other;

	if (!WORKS(copying_set_up(c, true, &copying)) ||
	    !WORKS(check_create(c, "other", 2 * MIB, &other)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)))
		return;
	copying.volume.content.handle = other.handle;
	FAILS(copying_begin(&copying), FL_BUSY);
	copying.volume.content.handle = copying.source.handle;
	if (!WORKS(copying_begin(&copying)) || !WORKS(copying_commit(&copying)))
		return;
	copying.volume.content.handle = other.handle;
	FAILS(copying_begin(&copying), FL_EXISTS);
}

static void failed_volume_is_aborted(struct check *c)
{
	struct copying copying;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)) ||
	    !WORKS(copying_failed(&copying, "the disk broke")) || !WORKS(copying_begin(&copying)))
		return;
	HOLDS(copying.copy.failure && !copying.copy.path);
	if (WORKS(copying_abandon(&copying)) && WORKS(copying_begin(&copying)))
		HOLDS(copying.copy.path && copying.copy.cut_ns == 0);
	WORKS(copying_abandon(&copying));
}

/* Deleting a volume by name also removes the target that would have become it. */
static void deleting_the_volume_forgets(struct check *c)
{
	struct copying copying;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(copying_begin(&copying)) ||
	    !WORKS(copying_started(&copying)) || !WORKS(check_delete(c, copying.copy.handle)))
		return;
	HOLDS(access(copying.copy.path, F_OK) < 0);
}

static const struct statement statements[] = {
	{ "a copy that was begun is invisible", target_is_invisible, NEEDS_COPIES },
	{ "a committed copy is a snapshot", commit_shows_the_copy, NEEDS_COPIES | NEEDS_BYTES },
	{ "a started copy shows as not ready", started_shows_it_not_ready, NEEDS_COPIES },
	{ "a started copy is found again", started_is_found_again, NEEDS_COPIES },
	{ "a copy that was not started is begun anew", unstarted_is_begun_anew, NEEDS_COPIES },
	{ "a failed copy shows why, until it is deleted", failed_is_shown, NEEDS_COPIES },
	{ "a copy has no use until it is committed", unusable_until_committed, NEEDS_COPIES },
	{ "an aborted copy is forgotten", abort_forgets, NEEDS_COPIES },
	{ "a deleted copy is forgotten", deleting_forgets, NEEDS_COPIES },
	{ "a copy's name with another source is refused", other_source_exists, NEEDS_COPIES },
	{ "a name whose volume is being copied is busy", other_volume_is_busy, NEEDS_COPIES },
	{ "a copy can become a volume", copy_becomes_a_volume,
	  NEEDS_COPIES | NEEDS_RECORDS | NEEDS_BYTES },
	{ "a copied volume is born with the records that it was asked for",
	  copied_volume_is_born_with_records, NEEDS_COPIES | NEEDS_RECORDS },
	{ "a thin copy keeps the space that was written", thin_copy_is_thin,
	  NEEDS_COPIES | NEEDS_FILES },
	{ "a failed copy to a volume is begun anew after its abort", failed_volume_is_aborted,
	  NEEDS_COPIES },
	{ "deleting a volume forgets the copy to it", deleting_the_volume_forgets, NEEDS_COPIES },
};
const struct statement_group statements_of_copies = { statements, FL_COUNT(statements) };
