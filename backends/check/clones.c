/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about volumes that begin with the content of another volume or of a snapshot. */
#include <string.h>

#include "statement.h"

static struct fl_content of_snapshot(const struct fl_snapshot *snapshot)
{
	return (struct fl_content){ FL_CONTENT_SNAPSHOT, snapshot->handle };
}

static struct fl_content of_volume(const struct fl_volume *volume)
{
	return (struct fl_content){ FL_CONTENT_VOLUME, volume->handle };
}

/* A volume of 8 MiB with bytes at its begin, in its middle and at its end. */
static int create_written(struct check *c, const char *suffix, struct fl_volume *ret)
{
	if (check_create(c, suffix, 8 * MIB, ret) < 0 ||
	    check_write(c, ret->handle, 0, 4096, 0x11) < 0 ||
	    check_write(c, ret->handle, 4 * MIB, MIB, 0x22) < 0)
		return -1;
	return check_write(c, ret->handle, ret->size_bytes - 512, 512, 0x33);
}

static bool has_the_bytes(struct check *c, const struct fl_volume *volume, uint64_t source_bytes)
{
	return WORKS(check_reads(c, volume->handle, 0, 4096, 0x11)) &&
	       WORKS(check_reads(c, volume->handle, 4096, 4 * MIB - 4096, 0)) &&
	       WORKS(check_reads(c, volume->handle, 4 * MIB, MIB, 0x22)) &&
	       WORKS(check_reads(c, volume->handle, 5 * MIB, 3 * MIB - 512, 0)) &&
	       WORKS(check_reads(c, volume->handle, source_bytes - 512, 512, 0x33));
}

static void clone_has_the_content(struct check *c)
{
	struct fl_volume source, clone, again;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_create_from(c, "b", of_volume(&source), source.size_bytes, &clone)) ||
	    !has_the_bytes(c, &clone, source.size_bytes))
		return;
	EQUALS(clone.content.kind, FL_CONTENT_VOLUME);
	HOLDS(clone.content.handle && strcmp(clone.content.handle, source.handle) == 0);
	if (WORKS(check_create_from(c, "b", of_volume(&source), source.size_bytes, &again)))
		SAME(again.handle, clone.handle);
}

static void clone_is_apart(struct check *c)
{
	struct fl_volume source, clone;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_create_from(c, "b", of_volume(&source), source.size_bytes, &clone)) ||
	    !WORKS(check_write(c, clone.handle, 0, 4096, 0x77)) ||
	    !WORKS(check_write(c, source.handle, 4 * MIB, MIB, 0x78)))
		return;
	WORKS(check_reads(c, source.handle, 0, 4096, 0x11));
	WORKS(check_reads(c, clone.handle, 4 * MIB, MIB, 0x22));
}

static void clone_outlives_its_source(struct check *c)
{
	struct fl_volume source, clone;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_create_from(c, "b", of_volume(&source), source.size_bytes, &clone)) ||
	    !WORKS(check_delete(c, source.handle)))
		return;
	has_the_bytes(c, &clone, source.size_bytes);
	/* Asked again after its source has gone, a create still knows its volume. */
	WORKS(check_create_from(c, "b", of_volume(&source), source.size_bytes, &clone));
}

static void larger_copy_ends_with_zeros(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume source, copy;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)) ||
	    !WORKS(check_create_from(c, "b", of_snapshot(&snapshot), 12 * MIB, &copy)) ||
	    !has_the_bytes(c, &copy, source.size_bytes))
		return;
	WORKS(check_reads(c, copy.handle, source.size_bytes, 12 * MIB - source.size_bytes, 0));
}

static void snapshot_is_a_point_in_time(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume source, copy;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)) ||
	    !WORKS(check_write(c, source.handle, 0, 8 * MIB, 0x99)) ||
	    !WORKS(check_create_from(c, "b", of_snapshot(&snapshot), snapshot.size_bytes, &copy)))
		return;
	has_the_bytes(c, &copy, source.size_bytes);
}

static void volume_outlives_its_snapshot(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume source, copy;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)) ||
	    !WORKS(check_create_from(c, "b", of_snapshot(&snapshot), snapshot.size_bytes, &copy)) ||
	    !WORKS(fl_snapshot_delete(c->pool, &c->op, snapshot.handle, &c->err)))
		return;
	has_the_bytes(c, &copy, source.size_bytes);
	if (WORKS(check_get(c, copy.handle, &copy)))
		EQUALS(copy.content.kind, FL_CONTENT_SNAPSHOT);
}

/* Either the snapshot outlives its volume, or the volume is kept for it. */
static void snapshot_outlives_its_volume(struct check *c)
{
	struct fl_snapshot snapshot;
	struct fl_volume source, copy;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)))
		return;
	if (check_delete(c, source.handle) < 0) {
		REFUSED(FL_IN_USE);
		return;
	}
	if (WORKS(check_create_from(c, "b", of_snapshot(&snapshot), snapshot.size_bytes, &copy)))
		has_the_bytes(c, &copy, source.size_bytes);
}

static void holes_stay_holes(struct check *c)
{
	struct fl_volume source, copy;
	struct fl_snapshot snapshot;
	uint64_t allocated;

	if (!WORKS(check_create(c, "a", 256 * MIB, &source)) ||
	    !WORKS(check_write(c, source.handle, 128 * MIB, MIB, 0x11)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)) ||
	    !WORKS(check_create_from(c, "b", of_snapshot(&snapshot), 256 * MIB, &copy)) ||
	    !WORKS(check_allocated(c, copy.handle, &allocated)))
		return;
	HOLDS(allocated < 8 * MIB);
	WORKS(check_reads(c, copy.handle, 128 * MIB, MIB, 0x11));
}

static void thick_copy_has_its_space(struct check *c)
{
	struct fl_volume_spec spec = { .name = check_name(c, "b"), .min_bytes = 8 * MIB };
	struct fl_volume source, copy;
	struct fl_snapshot snapshot;
	uint64_t allocated;

	if (!WORKS(create_written(c, "a", &source)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)))
		return;
	spec.content = of_snapshot(&snapshot);
	if (!WORKS(fl_volume_create(c->pool, &c->op, &spec, &copy, &c->err)))
		return;
	has_the_bytes(c, &copy, source.size_bytes);
	if (copy.thin)
		check_skip(c, "the pool makes thin volumes only");
	else if (WORKS(check_allocated(c, copy.handle, &allocated)))
		HOLDS(allocated >= 8 * MIB);
}

static void absent_content_leaves_nothing(struct check *c)
{
	struct fl_content content = { FL_CONTENT_SNAPSHOT, check_name(c, "nobody") };
	struct fl_volume volume;
	struct fl_strings all;

	FAILS(check_create_from(c, "a", content, MIB, &volume), FL_NOT_FOUND);
	if (WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, 0);
	WORKS(check_create(c, "a", MIB, &volume));
}

static const struct statement statements[] = {
	{ "a clone has the content of its source", clone_has_the_content,
	  NEEDS_CLONES | NEEDS_BYTES },
	{ "a clone and its source are apart", clone_is_apart, NEEDS_CLONES | NEEDS_BYTES },
	{ "a clone outlives its source", clone_outlives_its_source, NEEDS_CLONES | NEEDS_BYTES },
	{ "a larger copy ends with zeros", larger_copy_ends_with_zeros,
	  NEEDS_SNAPSHOTS | NEEDS_BYTES },
	{ "a snapshot is a point in time", snapshot_is_a_point_in_time,
	  NEEDS_SNAPSHOTS | NEEDS_BYTES },
	{ "a volume outlives the snapshot it came from", volume_outlives_its_snapshot,
	  NEEDS_SNAPSHOTS | NEEDS_BYTES },
	{ "a snapshot outlives its volume, or keeps it", snapshot_outlives_its_volume,
	  NEEDS_SNAPSHOTS | NEEDS_BYTES },
	{ "holes stay holes in a copy", holes_stay_holes, NEEDS_SNAPSHOTS | NEEDS_FILES },
	{ "a thick copy has its space from the start", thick_copy_has_its_space,
	  NEEDS_SNAPSHOTS | NEEDS_FILES },
	{ "a volume of absent content leaves nothing behind", absent_content_leaves_nothing,
	  NEEDS_SNAPSHOTS },
};
const struct statement_group statements_of_clones = { statements, FL_COUNT(statements) };
