/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about several controllers on one pool. */
#include <string.h>

#include "base/clock.h"
#include "statement.h"

#define WORKERS 3
#define ROUNDS 15

static const char *number_name(struct check *c, int number)
{
	return fl_arena_printf(c->op.arena, "n%d", number);
}

/* Somebody else is at it: what a controller hands to its caller, who asks again. */
static bool may_be_asked_again(const struct check *c)
{
	return c->err.code == FL_BUSY || c->err.code == FL_UNAVAILABLE;
}

static int create_patiently(struct check *c, const char *suffix, struct fl_volume *ret)
{
	for (;;) {
		int result = check_create(c, suffix, MIB, ret);

		if (result == 0 || !may_be_asked_again(c) || fl_clock_passed(c->op.deadline))
			return result;
		fl_clock_sleep_ms(2);
	}
}

static int delete_patiently(struct check *c, const char *handle)
{
	for (;;) {
		int result = check_delete(c, handle);

		/* Another's deletion looks at the image for a moment, too. */
		if (result == 0 || (!may_be_asked_again(c) && c->err.code != FL_IN_USE) ||
		    fl_clock_passed(c->op.deadline))
			return result;
		fl_clock_sleep_ms(2);
	}
}

static void create_them_all(struct check *c, int i)
{
	struct fl_volume volume;

	(void)i;
	for (int number = 0; number < ROUNDS; number++)
		if (!WORKS(create_patiently(c, number_name(c, number), &volume)))
			return;
}

static void same_names_at_once(struct check *c)
{
	struct fl_strings all;

	if (WORKS(check_in_processes(c, WORKERS, create_them_all)) &&
	    WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, ROUNDS);
}

static void same_names_in_threads(struct check *c)
{
	struct fl_strings all;

	if (WORKS(check_in_threads(c, WORKERS, create_them_all)) &&
	    WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, ROUNDS);
}

/* Creates and deletes the same few names.  A volume that was created may be gone at once, but never
 * be half there. */
static void create_and_delete(struct check *c, int i)
{
	for (int round = 0; round < ROUNDS; round++) {
		const char *suffix = number_name(c, (round + i) % 2);
		struct fl_volume volume;

		if (create_patiently(c, suffix, &volume) < 0) {
			REFUSED(FL_NOT_FOUND);
			continue;
		}
		if (check_get(c, volume.handle, &volume) < 0 && !REFUSED(FL_NOT_FOUND))
			return;
		if (!WORKS(delete_patiently(c, volume.handle)))
			return;
	}
}

static void creating_against_deleting(struct check *c)
{
	struct fl_volume volume;
	struct fl_strings all;

	if (!WORKS(check_in_processes(c, WORKERS, create_and_delete)) || !WORKS(check_clean(c)) ||
	    !WORKS(check_volumes(c, NULL, &all)))
		return;
	EQUALS(all.n, 0);
	WORKS(check_create(c, "n0", MIB, &volume));
}

static void delete_them_all(struct check *c, int i)
{
	struct fl_strings all;

	(void)i;
	if (!WORKS(check_volumes(c, NULL, &all)))
		return;
	for (size_t n = 0; n < all.n; n++)
		if (!WORKS(delete_patiently(c, all.items[n])))
			return;
}

static void deleting_at_once(struct check *c)
{
	struct fl_strings all;

	create_them_all(c, 0);
	if (WORKS(check_in_processes(c, WORKERS, delete_them_all)) &&
	    WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, 0);
}

static void snapshot_them_all(struct check *c, int i)
{
	const char *handle = check_name(c, "source");

	(void)i;
	for (int number = 0; number < ROUNDS; number++) {
		struct fl_snapshot snapshot;

		while (check_snapshot(c, number_name(c, number), handle, &snapshot) < 0) {
			if (!HOLDS(may_be_asked_again(c)) ||
			    !HOLDS(!fl_clock_passed(c->op.deadline)))
				return;
			fl_clock_sleep_ms(2);
		}
	}
}

static void same_snapshots_at_once(struct check *c)
{
	struct fl_volume volume;
	struct fl_strings all;

	if (!WORKS(check_create(c, "source", MIB, &volume)))
		return;
	if (strcmp(volume.handle, check_name(c, "source")) != 0) {
		check_skip(c, "handles do not follow plain names");
		return;
	}
	if (WORKS(check_in_processes(c, WORKERS, snapshot_them_all)) &&
	    WORKS(check_snapshots(c, NULL, &all)))
		EQUALS(all.n, ROUNDS);
}

static const struct statement statements[] = {
	{ "processes that create the same names make each once", same_names_at_once, 0 },
	{ "threads that create the same names make each once", same_names_in_threads, 0 },
	{ "processes that create and delete leave nothing half done", creating_against_deleting,
	  0 },
	{ "processes that delete the same volumes all succeed", deleting_at_once, 0 },
	{ "processes that snapshot the same names make each once", same_snapshots_at_once,
	  NEEDS_SNAPSHOTS },
};
const struct statement_group statements_of_races = { statements, FL_COUNT(statements) };
