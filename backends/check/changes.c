/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about what a snapshot holds and how it differs from another one.
 *
 * A backend may tell more than there is, if its storage knows no better; never less. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "statement.h"

#define KIB ((uint64_t)1 << 10)

/* What was told. */
struct listing {
	struct fl_arena *arena;
	struct fl_extent *items;
	size_t n, capacity;
	size_t enough; /* extents after which it is ended; 0: never */
};

static int listing_see(void *cookie, const struct fl_extent *extent)
{
	struct listing *listing = cookie;

	if (extent->bytes == 0)
		return 0;
	listing->items = fl_arena_grow(listing->arena, listing->items, listing->n,
				       &listing->capacity, sizeof(*listing->items));
	listing->items[listing->n++] = *extent;
	return listing->n == listing->enough;
}

static int allocated(struct check *c, const char *snapshot, uint64_t from, struct listing *ret)
{
	*ret = (struct listing){ .arena = c->op.arena, .enough = ret->enough };
	return fl_snapshot_allocated(c->pool, &c->op, snapshot, from, listing_see, ret, &c->err);
}

static int delta(struct check *c, const char *base, const char *target, uint64_t from,
		 struct listing *ret)
{
	*ret = (struct listing){ .arena = c->op.arena, .enough = ret->enough };
	return fl_snapshot_delta(c->pool, &c->op, base, target, from, listing_see, ret, &c->err);
}

/* How many bytes of [start, end) were told. */
static uint64_t listing_told(const struct listing *listing, uint64_t start, uint64_t end)
{
	uint64_t told = 0;

	for (size_t i = 0; i < listing->n; i++) {
		uint64_t first = listing->items[i].offset, last = first + listing->items[i].bytes;

		first = first > start ? first : start;
		last = last < end ? last : end;
		told += first < last ? last - first : 0;
	}
	return told;
}

/* The bytes of a snapshot, read through a volume made from it. */
static int snapshot_bytes(struct check *c, const char *suffix, const struct fl_snapshot *snapshot,
			  char **ret)
{
	const struct fl_content content = { FL_CONTENT_SNAPSHOT, snapshot->handle };
	fl_cleanup(fl_close) int fd = -1;
	struct fl_volume volume;

	*ret = fl_arena_alloc(c->op.arena, snapshot->size_bytes);
	if (check_create_from(c, suffix, content, snapshot->size_bytes, &volume) < 0 ||
	    check_open(c, volume.handle, O_RDONLY, &fd) < 0)
		return -1;
	if (pread(fd, *ret, snapshot->size_bytes, 0) != (ssize_t)snapshot->size_bytes)
		return fl_error_set(&c->err, FL_INTERNAL, "volume %s cannot be read as a whole",
				    volume.handle);
	return 0;
}

static void copy_told(char *to, const char *from, const struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		memcpy(to + listing->items[i].offset, from + listing->items[i].offset,
		       listing->items[i].bytes);
}

/* Volume "a" of 4 MiB, snapshot "s1", some changes and, if `grow`, 4 MiB more, snapshot "s2". */
static bool make_history(struct check *c, bool grow, struct fl_snapshot *s1, struct fl_snapshot *s2)
{
	struct fl_volume volume;
	uint64_t bytes;

	if (!WORKS(check_create(c, "a", 4 * MIB, &volume)) ||
	    !WORKS(check_write(c, volume.handle, 64 * KIB, 128 * KIB, 0x11)) ||
	    !WORKS(check_write(c, volume.handle, 2 * MIB, MIB, 0x22)) ||
	    !WORKS(check_snapshot(c, "s1", volume.handle, s1)))
		return false;
	if (grow && (!WORKS(fl_volume_resize(c->pool, &c->op, volume.handle, 8 * MIB, 0, &bytes,
					     &c->err)) ||
		     !WORKS(check_write(c, volume.handle, 7 * MIB, 4 * KIB, 0x33))))
		return false;
	return WORKS(check_write(c, volume.handle, 68 * KIB, 8 * KIB, 0x44)) &&
	       WORKS(check_write(c, volume.handle, 128 * KIB, 16 * KIB, 0)) &&
	       WORKS(check_write(c, volume.handle, 2 * MIB, 64 * KIB, 0x22)) &&
	       WORKS(check_write(c, volume.handle, MIB, 4 * KIB, 0x55)) &&
	       WORKS(check_snapshot(c, "s2", volume.handle, s2));
}

static void written_is_allocated(struct check *c)
{
	struct listing listing = { 0 };
	struct fl_snapshot s1, s2;

	if (!make_history(c, false, &s1, &s2) || !WORKS(allocated(c, s1.handle, 0, &listing)))
		return;
	EQUALS(listing_told(&listing, 64 * KIB, 192 * KIB), 128 * KIB);
	EQUALS(listing_told(&listing, 2 * MIB, 3 * MIB), MIB);
	if (WORKS(allocated(c, s2.handle, 0, &listing)))
		EQUALS(listing_told(&listing, MIB, MIB + 4 * KIB), 4 * KIB);
}

static void other_than_allocated_is_zeros(struct check *c)
{
	struct listing listing = { 0 };
	struct fl_snapshot s1, s2;
	char *bytes, *made;

	if (!make_history(c, false, &s1, &s2) || !WORKS(allocated(c, s2.handle, 0, &listing)) ||
	    !WORKS(snapshot_bytes(c, "b", &s2, &bytes)))
		return;
	made = fl_arena_alloc(c->op.arena, s2.size_bytes);
	copy_told(made, bytes, &listing);
	HOLDS(memcmp(made, bytes, s2.size_bytes) == 0);
}

static void delta_makes_the_target(struct check *c)
{
	struct listing listing = { 0 };
	struct fl_snapshot s1, s2;
	char *base, *target, *made;

	if (!make_history(c, c->plan->backend->resize != NULL, &s1, &s2) ||
	    !WORKS(delta(c, s1.handle, s2.handle, 0, &listing)) ||
	    !WORKS(snapshot_bytes(c, "b", &s1, &base)) ||
	    !WORKS(snapshot_bytes(c, "d", &s2, &target)))
		return;
	made = fl_arena_alloc(c->op.arena, s2.size_bytes);
	memcpy(made, base, s1.size_bytes);
	copy_told(made, target, &listing);
	HOLDS(memcmp(made, target, s2.size_bytes) == 0);
}

static void same_is_no_delta(struct check *c)
{
	struct listing listing = { 0 };
	struct fl_snapshot s1, s2;

	if (make_history(c, false, &s1, &s2) && WORKS(delta(c, s2.handle, s2.handle, 0, &listing)))
		EQUALS(listing.n, 0);
}

static void goes_on_from_any_offset(struct check *c)
{
	struct listing all = { 0 }, whole = { 0 }, rest = { 0 };
	struct fl_snapshot s1, s2;

	if (!make_history(c, false, &s1, &s2) || !WORKS(delta(c, s1.handle, s2.handle, 0, &all)) ||
	    !WORKS(allocated(c, s2.handle, 0, &whole)))
		return;
	for (uint64_t from = 0; from <= s2.size_bytes; from += 76 * KIB + 512) {
		uint64_t end = s2.size_bytes;

		if (!WORKS(delta(c, s1.handle, s2.handle, from, &rest)))
			return;
		EQUALS(listing_told(&rest, 0, end), listing_told(&all, from, end));
		if (!WORKS(allocated(c, s2.handle, from, &rest)))
			return;
		EQUALS(listing_told(&rest, 0, end), listing_told(&whole, from, end));
	}
	WORKS(delta(c, s1.handle, s2.handle, s2.size_bytes, &rest));
	FAILS(delta(c, s1.handle, s2.handle, s2.size_bytes + 512, &rest), FL_OUT_OF_RANGE);
}

static void ends_when_enough(struct check *c)
{
	struct listing listing = { .enough = 1 };
	struct fl_snapshot s1, s2;

	if (make_history(c, false, &s1, &s2) &&
	    WORKS(delta(c, s1.handle, s2.handle, 0, &listing)) && EQUALS(listing.n, 1) &&
	    WORKS(allocated(c, s2.handle, 0, &listing)))
		EQUALS(listing.n, 1);
}

static void only_one_volume_is_compared(struct check *c)
{
	struct listing listing = { 0 };
	struct fl_snapshot s1, s2, other;
	struct fl_volume volume;

	if (!make_history(c, false, &s1, &s2) || !WORKS(check_create(c, "b", 4 * MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s3", volume.handle, &other)))
		return;
	FAILS(delta(c, s1.handle, other.handle, 0, &listing), FL_INVALID);
	FAILS(delta(c, s1.handle, check_name(c, "nobody"), 0, &listing), FL_NOT_FOUND);
	FAILS(delta(c, check_name(c, "nobody"), s1.handle, 0, &listing), FL_NOT_FOUND);
	FAILS(allocated(c, check_name(c, "nobody"), 0, &listing), FL_NOT_FOUND);
}

static void larger_base_is_refused(struct check *c)
{
	struct listing listing = { 0 };
	struct fl_snapshot s1, s2;

	if (make_history(c, true, &s1, &s2))
		FAILS(delta(c, s2.handle, s1.handle, 0, &listing), FL_INVALID);
}

static void listing_holds_nothing_back(struct check *c)
{
	struct listing listing = { .enough = 1 };
	struct fl_snapshot s1, s2;

	if (make_history(c, false, &s1, &s2) &&
	    WORKS(delta(c, s1.handle, s2.handle, 0, &listing)) &&
	    WORKS(fl_snapshot_delete(c->pool, &c->op, s1.handle, &c->err)))
		FAILS(delta(c, s1.handle, s2.handle, 0, &listing), FL_NOT_FOUND);
}

#define NEEDS NEEDS_CHANGES | NEEDS_BYTES

static const struct statement statements[] = {
	{ "what was written is allocated in a snapshot", written_is_allocated, NEEDS },
	{ "what a snapshot does not tell as allocated is zeros", other_than_allocated_is_zeros,
	  NEEDS },
	{ "a delta over the base makes the target", delta_makes_the_target, NEEDS },
	{ "a snapshot does not differ from itself", same_is_no_delta, NEEDS },
	{ "a listing of blocks goes on from any offset", goes_on_from_any_offset, NEEDS },
	{ "a listing of blocks ends when nobody wants more", ends_when_enough, NEEDS },
	{ "only snapshots of one volume are compared", only_one_volume_is_compared, NEEDS },
	{ "a base that is larger than the target is refused", larger_base_is_refused,
	  NEEDS | NEEDS_RESIZE },
	{ "a listing of blocks holds nothing back afterwards", listing_holds_nothing_back, NEEDS },
};
const struct statement_group statements_of_changes = { statements, FL_COUNT(statements) };
