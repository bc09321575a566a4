/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about the pool's own records. */
#include <string.h>

#include "statement.h"

#define KEY CHECK_POOL_RECORD
#define WORKERS 4
#define ROUNDS 25

static int get(struct check *c, const char *key, struct fl_record *ret)
{
	return fl_pool_record_get(c->pool, &c->op, key, ret, &c->err);
}

static int set(struct check *c, uint64_t expected, const char *value, uint64_t *ret_version)
{
	return fl_pool_record_set(c->pool, &c->op, KEY, expected, value, ret_version, &c->err);
}

static int remove_it(struct check *c, uint64_t expected)
{
	return fl_pool_record_remove(c->pool, &c->op, KEY, expected, &c->err);
}

static bool reads(struct check *c, uint64_t version, const char *value)
{
	struct fl_record record;

	return WORKS(get(c, KEY, &record)) && EQUALS(record.version, version) &&
	       SAME(record.value, value);
}

static void is_kept_and_changed(struct check *c)
{
	uint64_t first, second;

	if (reads(c, 0, "") && WORKS(set(c, 0, "one", &first)) && reads(c, first, "one") &&
	    WORKS(set(c, first, "two \"ü\"\nline", &second)) && HOLDS(second > first) &&
	    WORKS(check_reopen(c)))
		reads(c, second, "two \"ü\"\nline");
}

static void another_version_is_busy(struct check *c)
{
	uint64_t version, ignored;

	FAILS(set(c, 1, "x", &ignored), FL_BUSY);
	if (!WORKS(set(c, 0, "one", &version)))
		return;
	FAILS(set(c, 0, "x", &ignored), FL_BUSY);
	FAILS(set(c, version + 1, "x", &ignored), FL_BUSY);
	FAILS(remove_it(c, version + 1), FL_BUSY);
	reads(c, version, "one");
}

static void removing_is_idempotent(struct check *c)
{
	uint64_t version;

	WORKS(remove_it(c, 0));
	WORKS(remove_it(c, 7));
	if (!WORKS(set(c, 0, "one", &version)) || !WORKS(remove_it(c, version)))
		return;
	reads(c, 0, "");
	WORKS(remove_it(c, version));
}

/* Who read a version before the record was removed and made again must not be able to change it. */
static void a_version_never_comes_back(struct check *c)
{
	uint64_t old[3], version, ignored;

	if (!WORKS(set(c, 0, "a", &old[0])) || !WORKS(set(c, old[0], "b", &old[1])) ||
	    !WORKS(set(c, old[1], "c", &old[2])) || !WORKS(remove_it(c, old[2])) ||
	    !WORKS(set(c, 0, "d", &version)))
		return;
	for (size_t i = 0; i < FL_COUNT(old); i++) {
		FAILS(set(c, old[i], "x", &ignored), FL_BUSY);
		FAILS(remove_it(c, old[i]), FL_BUSY);
	}
	reads(c, version, "d");
}

static void large_values(struct check *c)
{
	char *large = fl_arena_alloc(c->op.arena, FL_RECORD_MAX + 2);
	uint64_t version;

	memset(large, 'v', FL_RECORD_MAX);
	if (!WORKS(set(c, 0, large, &version)) || !reads(c, version, large))
		return;
	large[FL_RECORD_MAX] = 'v';
	FAILS(set(c, version, large, &version), FL_INVALID);
}

static void unsafe_keys_are_refused(struct check *c)
{
	static const char *const keys[] = { "", ".", "..", "a/b", "../volumes", "a\nb" };
	struct fl_record record;
	uint64_t version;

	for (size_t i = 0; i < FL_COUNT(keys); i++) {
		FAILS(get(c, keys[i], &record), FL_INVALID);
		FAILS(fl_pool_record_set(c->pool, &c->op, keys[i], 0, "x", &version, &c->err),
		      FL_INVALID);
		FAILS(fl_pool_record_remove(c->pool, &c->op, keys[i], 0, &c->err), FL_INVALID);
	}
}

/* Each round is one successful change, however many refusals it takes. */
static void count_up(struct check *c, int i)
{
	(void)i;
	for (int round = 0; round < ROUNDS;) {
		struct fl_record record;
		uint64_t version, number = 0;

		if (!WORKS(get(c, KEY, &record)))
			return;
		if (record.version && !WORKS(fl_text_parse_number(record.value, &number, &c->err)))
			return;
		if (set(c, record.version,
			fl_arena_printf(c->op.arena, "%llu", (unsigned long long)number + 1),
			&version) == 0)
			round++;
		else if (!REFUSED(FL_BUSY))
			return;
	}
}

static void nothing_is_lost(struct check *c)
{
	struct fl_record record;

	if (!WORKS(check_in_processes(c, WORKERS, count_up)) || !WORKS(get(c, KEY, &record)))
		return;
	SAME(record.value, fl_arena_printf(c->op.arena, "%d", WORKERS * ROUNDS));
}

static const struct statement statements[] = {
	{ "a record of the pool is kept and changed", is_kept_and_changed, NEEDS_POOL_RECORDS },
	{ "a record of the pool with another version is not changed", another_version_is_busy,
	  NEEDS_POOL_RECORDS },
	{ "a record of the pool is removed once", removing_is_idempotent, NEEDS_POOL_RECORDS },
	{ "no version of a removed record of the pool comes back", a_version_never_comes_back,
	  NEEDS_POOL_RECORDS },
	{ "a record of the pool holds 64 KiB", large_values, NEEDS_POOL_RECORDS },
	{ "an unsafe key of a record of the pool is refused", unsafe_keys_are_refused,
	  NEEDS_POOL_RECORDS },
	{ "processes that change one record of the pool lose nothing", nothing_is_lost,
	  NEEDS_POOL_RECORDS },
};
const struct statement_group statements_of_pool_records = { statements, FL_COUNT(statements) };
