/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about health. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "statement.h"

/* The unhealthy ones among our volumes, in the order of the list. */
struct sick {
	struct fl_arena *arena;
	struct fl_strings handles;
	size_t capacity;
};

static int sick_see(void *cookie, const char *handle, const struct fl_health *health)
{
	struct sick *sick = cookie;

	(void)health;
	if (!fl_text_starts_with(handle, CHECK_PREFIX))
		return 0;
	sick->handles.items = fl_arena_grow(sick->arena, sick->handles.items, sick->handles.n,
					    &sick->capacity, sizeof(*sick->handles.items));
	sick->handles.items[sick->handles.n++] = fl_arena_strdup(sick->arena, handle);
	return 0;
}

static int sick_list(struct check *c, const char *after, struct fl_strings *ret)
{
	struct sick sick = { .arena = c->op.arena };

	if (fl_volume_health_list(c->pool, &c->op, after, sick_see, &sick, &c->err) < 0)
		return -1;
	*ret = sick.handles;
	return 0;
}

static bool are_sick(struct check *c, const char *after, const char *const *handles, size_t n)
{
	struct fl_strings sick = { 0 };

	if (!WORKS(sick_list(c, after, &sick)) || !EQUALS(sick.n, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!SAME(sick.items[i], handles[i]))
			return false;
	return true;
}

static int ask(struct check *c, const char *handle, struct fl_health *ret)
{
	return fl_volume_health(c->pool, &c->op, handle, ret, &c->err);
}

/* What is wrong with the pool may be wrong with all of its volumes. */
static bool pool_is_well(struct check *c)
{
	struct fl_health health;

	if (!WORKS(fl_pool_health(c->pool, &c->op, &health, &c->err)))
		return false;
	if (health.n)
		check_skip(c, fl_arena_printf(c->op.arena, "the pool is not well: %s",
					      health.entries[0].message));
	return health.n == 0;
}

static void pool_can_be_asked(struct check *c)
{
	struct fl_health health;

	WORKS(fl_pool_health(c->pool, &c->op, &health, &c->err));
}

static void new_volume_is_healthy(struct check *c)
{
	struct fl_health health;
	struct fl_volume volume;

	if (!pool_is_well(c) || !WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(ask(c, volume.handle, &health)) || !EQUALS(health.n, 0) ||
	    !are_sick(c, NULL, NULL, 0) || !WORKS(check_reopen(c)) ||
	    !WORKS(ask(c, volume.handle, &health)))
		return;
	EQUALS(health.n, 0);
}

static void grown_volume_is_healthy(struct check *c)
{
	struct fl_health health;
	struct fl_volume volume;
	uint64_t bytes;

	if (!pool_is_well(c) || !WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(fl_volume_resize(c->pool, &c->op, volume.handle, 3 * MIB, 0, &bytes, &c->err)) ||
	    !WORKS(ask(c, volume.handle, &health)))
		return;
	EQUALS(health.n, 0);
}

static void absent_volume_is_not_found(struct check *c)
{
	struct fl_health health;
	struct fl_volume volume;

	FAILS(ask(c, check_name(c, "none"), &health), FL_NOT_FOUND);
	if (WORKS(check_create(c, "a", MIB, &volume)) && WORKS(check_delete(c, volume.handle)))
		FAILS(ask(c, volume.handle, &health), FL_NOT_FOUND);
}

static int set_file_size(struct check *c, const char *handle, uint64_t bytes)
{
	fl_cleanup(fl_close) int fd = -1;

	if (check_open(c, handle, O_RDWR, &fd) < 0)
		return -1;
	if (ftruncate(fd, (off_t)bytes) < 0)
		return fl_error_sys(&c->err, errno, "setting the size of %s's file", handle);
	return 0;
}

static void list_goes_on_after(struct check *c)
{
	static const char *const suffixes[] = { "a", "b", "c" };
	const char *handles[FL_COUNT(suffixes)];
	struct fl_volume volume;

	for (size_t i = 0; i < FL_COUNT(suffixes); i++) {
		if (!WORKS(check_create(c, suffixes[i], MIB, &volume)) ||
		    (i != 1 && !WORKS(set_file_size(c, volume.handle, MIB / 2))))
			return;
		handles[i] = volume.handle;
	}
	handles[1] = handles[2];
	if (pool_is_well(c) && are_sick(c, NULL, handles, 2))
		are_sick(c, handles[0], handles + 1, 1);
}

/* A damaged volume may have no source any more: who kept its file open makes it whole again. */
static void lost_bytes_are_told_until_they_are_back(struct check *c)
{
	fl_cleanup(fl_close) int fd = -1;
	struct fl_volume volume;
	struct fl_health health;

	if (!pool_is_well(c) || !WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_open(c, volume.handle, O_RDWR, &fd)) ||
	    !HOLDS(ftruncate(fd, MIB / 2) == 0) || !WORKS(ask(c, volume.handle, &health)) ||
	    !HOLDS(health.n > 0 && health.entries[0].status == FL_HEALTH_DATA_LOSS) ||
	    !HOLDS(ftruncate(fd, MIB) == 0) || !WORKS(ask(c, volume.handle, &health)))
		return;
	EQUALS(health.n, 0);
}

struct looked {
	const char *handle;
	size_t n_entries;
	bool seen;
};

static int look(void *cookie, const struct fl_volume *volume)
{
	struct looked *looked = cookie;

	if (strcmp(volume->handle, looked->handle) != 0)
		return 0;
	looked->seen = true;
	looked->n_entries = volume->health.n;
	return 1;
}

static void damaged_volume_is_listed(struct check *c)
{
	struct fl_volume volume;
	struct looked looked = { 0 };

	if (!pool_is_well(c) || !WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(set_file_size(c, volume.handle, MIB / 2)))
		return;
	looked.handle = volume.handle;
	WORKS(fl_volume_list(c->pool, &c->op, NULL, look, &looked, &c->err));
	HOLDS(looked.seen && looked.n_entries > 0);
}

static const struct statement statements[] = {
	{ "the health of the pool can be asked", pool_can_be_asked, NEEDS_HEALTH },
	{ "a new volume is healthy", new_volume_is_healthy, NEEDS_HEALTH },
	{ "a grown volume is healthy", grown_volume_is_healthy, NEEDS_HEALTH | NEEDS_RESIZE },
	{ "the health of an absent volume is not found", absent_volume_is_not_found, NEEDS_HEALTH },
	{ "lost bytes are told until they are back", lost_bytes_are_told_until_they_are_back,
	  NEEDS_HEALTH | NEEDS_FILES },
	{ "a list of health goes on after any handle", list_goes_on_after,
	  NEEDS_HEALTH | NEEDS_FILES },
	{ "a damaged volume is listed with what is wrong", damaged_volume_is_listed,
	  NEEDS_HEALTH | NEEDS_FILES },
};
const struct statement_group statements_of_health = { statements, FL_COUNT(statements) };
