/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about sizes, growing and free space. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "statement.h"

static int create_between(struct check *c, uint64_t min_bytes, uint64_t max_bytes, bool thin,
			  struct fl_volume *ret)
{
	struct fl_volume_spec spec = { .name = check_name(c, "a"),
				       .min_bytes = min_bytes,
				       .max_bytes = max_bytes,
				       .thin = thin };

	return fl_volume_create(c->pool, &c->op, &spec, ret, &c->err);
}

static int resize(struct check *c, const char *handle, uint64_t min_bytes, uint64_t max_bytes,
		  uint64_t *ret)
{
	return fl_volume_resize(c->pool, &c->op, handle, min_bytes, max_bytes, ret, &c->err);
}

static void size_is_in_the_range(struct check *c)
{
	struct fl_volume volume;

	if (WORKS(create_between(c, 3 * MIB + 512, 16 * MIB, true, &volume)))
		HOLDS(volume.size_bytes >= 3 * MIB + 512 && volume.size_bytes <= 16 * MIB);
}

static void exact_size_or_out_of_range(struct check *c)
{
	struct fl_volume volume;
	struct fl_strings all;

	if (create_between(c, MIB + 512, MIB + 512, true, &volume) == 0) {
		EQUALS(volume.size_bytes, MIB + 512);
		return;
	}
	REFUSED(FL_OUT_OF_RANGE);
	if (WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, 0);
}

static void growing_keeps_content(struct check *c)
{
	struct fl_volume volume;
	uint64_t bytes;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_write(c, volume.handle, 0, MIB, 0x11)) ||
	    !WORKS(resize(c, volume.handle, 5 * MIB, 0, &bytes)))
		return;
	HOLDS(bytes >= 5 * MIB);
	WORKS(check_reads(c, volume.handle, 0, MIB, 0x11));
	WORKS(check_reads(c, volume.handle, volume.size_bytes, 5 * MIB - volume.size_bytes, 0));
}

static void growing_shows_everywhere(struct check *c)
{
	struct fl_publish_spec spec = { .node = "check" };
	struct fl_volume volume, again;
	struct fl_source source;
	uint64_t bytes;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(resize(c, volume.handle, 5 * MIB, 0, &bytes)) ||
	    !WORKS(check_get(c, volume.handle, &again)))
		return;
	EQUALS(again.size_bytes, bytes);
	spec.handle = volume.handle;
	if (WORKS(fl_volume_publish(c->pool, &c->op, &spec, &source, &c->err)))
		EQUALS(source.size_bytes, bytes);
	if (WORKS(check_reopen(c)) && WORKS(check_get(c, volume.handle, &again)))
		EQUALS(again.size_bytes, bytes);
}

static void never_shrinks(struct check *c)
{
	struct fl_volume volume;
	uint64_t bytes;

	if (!WORKS(check_create(c, "a", 8 * MIB, &volume)))
		return;
	if (WORKS(resize(c, volume.handle, MIB, 0, &bytes)))
		EQUALS(bytes, volume.size_bytes);
	FAILS(resize(c, volume.handle, MIB, 2 * MIB, &bytes), FL_OUT_OF_RANGE);
	if (WORKS(check_get(c, volume.handle, &volume)))
		HOLDS(volume.size_bytes >= 8 * MIB);
}

static void growing_twice_is_growing_once(struct check *c)
{
	struct fl_volume volume;
	uint64_t first, again;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(resize(c, volume.handle, 6 * MIB, 0, &first)) ||
	    !WORKS(resize(c, volume.handle, 6 * MIB, 0, &again)))
		return;
	EQUALS(first, again);
}

static void growing_what_is_not_there(struct check *c)
{
	uint64_t bytes;

	FAILS(resize(c, check_name(c, "nobody"), MIB, 0, &bytes), FL_NOT_FOUND);
}

static void grows_while_open(struct check *c)
{
	fl_cleanup(fl_close) int fd = -1;
	struct fl_volume volume;
	uint64_t bytes;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_open(c, volume.handle, O_RDWR, &fd)))
		return;
	WORKS(resize(c, volume.handle, 3 * MIB, 0, &bytes));
}

/* What was deleted is free, on some file systems, only when they have written that down. */
static int settle(struct check *c, const char *handle)
{
	fl_cleanup(fl_close) int fd = -1;

	if (!c->has_bytes)
		return 0;
	if (check_open(c, handle, O_RDONLY, &fd) < 0)
		return -1;
	return syncfs(fd) < 0 ? fl_error_sys(&c->err, errno, "syncing") : 0;
}

static void capacity_is_truthful(struct check *c)
{
	struct fl_capacity before, after;
	struct fl_volume volume, small;
	uint64_t size;

	if (!WORKS(check_create(c, "small", MIB, &small)) || !WORKS(settle(c, small.handle)) ||
	    !WORKS(fl_pool_capacity(c->pool, &c->op, false, &before, &c->err)))
		return;
	size = before.available_bytes / 4 / MIB * MIB;
	if (size > 64 * MIB)
		size = 64 * MIB;
	if (!WORKS(create_between(c, size, 0, false, &volume)) ||
	    !WORKS(settle(c, volume.handle)) ||
	    !WORKS(fl_pool_capacity(c->pool, &c->op, false, &after, &c->err)))
		return;
	if (volume.thin) {
		check_skip(c, "the pool makes thin volumes only");
		return;
	}
	HOLDS(before.available_bytes > after.available_bytes);
	HOLDS(before.available_bytes - after.available_bytes >= size / 2);
}

static void no_space_leaves_nothing(struct check *c)
{
	struct fl_capacity capacity;
	struct fl_volume volume;
	struct fl_strings all;

	if (!WORKS(fl_pool_capacity(c->pool, &c->op, false, &capacity, &c->err)))
		return;
	if (create_between(c, capacity.available_bytes / MIB * MIB * 4 + 1024 * MIB, 0, false,
			   &volume) == 0) {
		HOLDS(volume.thin);
		check_skip(c, "the pool makes thin volumes only");
		return;
	}
	HOLDS(c->err.code == FL_NO_SPACE || c->err.code == FL_OUT_OF_RANGE);
	if (WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, 0);
	WORKS(create_between(c, MIB, 0, false, &volume));
}

static const struct statement statements[] = {
	{ "a volume's size is in the range that was asked", size_is_in_the_range, 0 },
	{ "a size that cannot be given is out of range", exact_size_or_out_of_range, 0 },
	{ "growing keeps the content and adds zeros", growing_keeps_content,
	  NEEDS_RESIZE | NEEDS_BYTES },
	{ "a new size shows everywhere", growing_shows_everywhere, NEEDS_RESIZE },
	{ "a volume never shrinks", never_shrinks, NEEDS_RESIZE },
	{ "growing twice is growing once", growing_twice_is_growing_once, NEEDS_RESIZE },
	{ "what is not there does not grow", growing_what_is_not_there, NEEDS_RESIZE },
	{ "a volume grows while it is open", grows_while_open, NEEDS_RESIZE | NEEDS_BYTES },
	{ "the free space that is told is there", capacity_is_truthful, NEEDS_CAPACITY },
	{ "a volume that does not fit leaves nothing behind", no_space_leaves_nothing,
	  NEEDS_CAPACITY },
};
const struct statement_group statements_of_sizes = { statements, FL_COUNT(statements) };
