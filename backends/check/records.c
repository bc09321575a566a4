/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about records. */
#include <string.h>

#include "statement.h"

#define WORKERS 4
#define ROUNDS 25

static int record_get(struct check *c, const char *handle, const char *key, struct fl_record *ret)
{
	return fl_volume_record_get(c->pool, &c->op, handle, key, ret, &c->err);
}

static bool record_is(struct check *c, const struct fl_record *record, uint64_t version,
		      const char *value)
{
	return EQUALS(record->version, version) && SAME(record->value, value);
}

static void versions_count(struct check *c)
{
	struct fl_record record;
	struct fl_volume volume;
	uint64_t version = 0;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(record_get(c, volume.handle, "k", &record)))
		return;
	EQUALS(record.version, 0);
	SAME(record.value, "");
	if (!WORKS(check_record_set(c, volume.handle, "k", 0, "one", &version)) ||
	    !EQUALS(version, 1) ||
	    !WORKS(check_record_set(c, volume.handle, "k", 1, "two", &version)) ||
	    !WORKS(record_get(c, volume.handle, "k", &record)))
		return;
	EQUALS(version, 2);
	EQUALS(record.version, 2);
	SAME(record.value, "two");
}

static void a_volume_is_born_with_records(struct check *c)
{
	struct fl_pair pairs[] = { { "k", "one" }, { FL_RECORD_MKFS, "-m \"ü\"" } };
	struct fl_volume_spec spec = { .name = check_name(c, "a"),
				       .min_bytes = MIB,
				       .thin = true,
				       .records = pairs,
				       .n_records = FL_COUNT(pairs) };
	struct fl_record record;
	struct fl_volume volume;

	/* Again, with another value: those that are there stay. */
	for (unsigned i = 0; i < 2; i++, pairs[0].value = "two") {
		if (!WORKS(fl_volume_create(c->pool, &c->op, &spec, &volume, &c->err)) ||
		    !WORKS(record_get(c, volume.handle, "k", &record)) ||
		    !record_is(c, &record, 1, "one") ||
		    !WORKS(record_get(c, volume.handle, FL_RECORD_MKFS, &record)) ||
		    !record_is(c, &record, 1, pairs[1].value))
			return;
	}
}

static void another_version_is_busy(struct check *c)
{
	struct fl_record record;
	struct fl_volume volume;
	uint64_t version;

	if (!WORKS(check_create(c, "a", MIB, &volume)))
		return;
	FAILS(check_record_set(c, volume.handle, "k", 1, "x", &version), FL_BUSY);
	if (!WORKS(check_record_set(c, volume.handle, "k", 0, "one", &version)))
		return;
	FAILS(check_record_set(c, volume.handle, "k", 0, "x", &version), FL_BUSY);
	FAILS(check_record_set(c, volume.handle, "k", 2, "x", &version), FL_BUSY);
	if (WORKS(record_get(c, volume.handle, "k", &record)))
		record_is(c, &record, 1, "one");
}

static void large_and_odd_values(struct check *c)
{
	char *large = fl_arena_alloc(c->op.arena, FL_RECORD_MAX + 2);
	struct fl_record record;
	struct fl_volume volume;
	uint64_t version;

	memset(large, 'v', FL_RECORD_MAX);
	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_record_set(c, volume.handle, "k", 0, large, &version)) ||
	    !WORKS(record_get(c, volume.handle, "k", &record)) || !SAME(record.value, large) ||
	    !WORKS(check_record_set(c, volume.handle, "k", 1, "line\nline \"ü\"\\", &version)) ||
	    !WORKS(record_get(c, volume.handle, "k", &record)))
		return;
	SAME(record.value, "line\nline \"ü\"\\");
	large[FL_RECORD_MAX] = 'v';
	FAILS(check_record_set(c, volume.handle, "k", 2, large, &version), FL_INVALID);
}

static void records_are_apart(struct check *c)
{
	struct fl_volume first, second;
	struct fl_record record;
	uint64_t version;

	if (!WORKS(check_create(c, "a", MIB, &first)) ||
	    !WORKS(check_create(c, "b", MIB, &second)) ||
	    !WORKS(check_record_set(c, first.handle, "k", 0, "a", &version)) ||
	    !WORKS(check_record_set(c, first.handle, "l", 0, "b", &version)))
		return;
	if (WORKS(record_get(c, second.handle, "k", &record)))
		EQUALS(record.version, 0);
	if (WORKS(record_get(c, first.handle, "k", &record)))
		SAME(record.value, "a");
}

static void records_go_with_their_volume(struct check *c)
{
	struct fl_record record;
	struct fl_volume volume;
	uint64_t version;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_record_set(c, volume.handle, FL_RECORD_OWNER, 0, "x", &version)) ||
	    !WORKS(check_record_set(c, volume.handle, FL_RECORD_FORMAT, 1, "ext4", &version)) ||
	    !WORKS(check_delete(c, volume.handle)))
		return;
	FAILS(record_get(c, volume.handle, FL_RECORD_OWNER, &record), FL_NOT_FOUND);
	FAILS(check_record_set(c, volume.handle, FL_RECORD_OWNER, 0, "x", &version), FL_NOT_FOUND);
	if (!WORKS(check_create(c, "a", MIB, &volume)))
		return;
	if (WORKS(record_get(c, volume.handle, FL_RECORD_OWNER, &record)))
		EQUALS(record.version, 0);
	if (WORKS(record_get(c, volume.handle, FL_RECORD_FORMAT, &record)))
		SAME(record.value, FL_FORMAT_NEVER);
}

static void records_survive_reopening(struct check *c)
{
	struct fl_record record;
	struct fl_volume volume;
	uint64_t version;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_record_set(c, volume.handle, "k", 0, "kept", &version)) ||
	    !WORKS(check_reopen(c)) || !WORKS(record_get(c, volume.handle, "k", &record)))
		return;
	EQUALS(record.version, 1);
	SAME(record.value, "kept");
}

static void blank_was_never_formatted(struct check *c)
{
	struct fl_record record;
	struct fl_volume volume;

	if (WORKS(check_create(c, "a", MIB, &volume)) &&
	    WORKS(record_get(c, volume.handle, FL_RECORD_FORMAT, &record)))
		SAME(record.value, FL_FORMAT_NEVER);
}

static bool format_is(struct check *c, const char *handle, const char *wanted)
{
	struct fl_record record;

	return WORKS(record_get(c, handle, FL_RECORD_FORMAT, &record)) &&
	       SAME(record.value, wanted);
}

static void format_goes_with_the_content(struct check *c)
{
	struct fl_content content = { .kind = FL_CONTENT_SNAPSHOT };
	struct fl_volume source, copy;
	struct fl_snapshot snapshot;
	uint64_t version;

	if (!WORKS(check_create(c, "a", MIB, &source)) ||
	    !WORKS(check_record_set(c, source.handle, FL_RECORD_FORMAT, 1, "xfs", &version)) ||
	    !WORKS(check_snapshot(c, "s", source.handle, &snapshot)) ||
	    !WORKS(check_record_set(c, source.handle, FL_RECORD_FORMAT, 2, FL_FORMAT_RAW,
				    &version)))
		return;
	content.handle = snapshot.handle;
	if (WORKS(check_create_from(c, "b", content, snapshot.size_bytes, &copy)))
		format_is(c, copy.handle, "xfs");
	if (!(c->pool->flags & FL_BACKEND_CLONES))
		return;
	content = (struct fl_content){ FL_CONTENT_VOLUME, source.handle };
	if (WORKS(check_create_from(c, "d", content, source.size_bytes, &copy)))
		format_is(c, copy.handle, FL_FORMAT_RAW);
}

/* Counts in a record: each round is one successful change, however many refusals it takes. */
static void count_up(struct check *c, int i)
{
	const char *handle = check_name(c, "counter");

	(void)i;
	for (int round = 0; round < ROUNDS;) {
		struct fl_record record;
		uint64_t version, number = 0;

		if (!WORKS(record_get(c, handle, "n", &record)))
			return;
		if (record.version && !WORKS(fl_text_parse_number(record.value, &number, &c->err)))
			return;
		if (check_record_set(
			    c, handle, "n", record.version,
			    fl_arena_printf(c->op.arena, "%llu", (unsigned long long)number + 1),
			    &version) == 0)
			round++;
		else if (!REFUSED(FL_BUSY))
			return;
	}
}

static void nothing_is_lost(struct check *c,
			    int (*run)(struct check *, int, void (*)(struct check *, int)))
{
	struct fl_record record;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "counter", MIB, &volume)))
		return;
	if (strcmp(volume.handle, check_name(c, "counter")) != 0) {
		check_skip(c, "handles do not follow plain names");
		return;
	}
	if (!WORKS(run(c, WORKERS, count_up)) || !WORKS(record_get(c, volume.handle, "n", &record)))
		return;
	EQUALS(record.version, WORKERS * ROUNDS);
	SAME(record.value, fl_arena_printf(c->op.arena, "%d", WORKERS * ROUNDS));
}

static void threads_lose_nothing(struct check *c)
{
	nothing_is_lost(c, check_in_threads);
}

static void processes_lose_nothing(struct check *c)
{
	nothing_is_lost(c, check_in_processes);
}

struct record_listed {
	struct check *c;
	const char *handle;
	struct fl_record wanted;
	bool found;
};

static int record_listed(void *cookie, const struct fl_volume *volume)
{
	struct record_listed *listed = cookie;
	struct check *c = listed->c;

	if (strcmp(volume->handle, listed->handle) != 0)
		return 0;
	listed->found = true;
	if (volume->owner) {
		EQUALS(volume->owner->version, listed->wanted.version);
		SAME(volume->owner->value, listed->wanted.value);
	}
	return 0;
}

static void listing_tells_the_owner(struct check *c)
{
	struct record_listed listed = { .c = c };
	struct fl_volume volume;
	uint64_t version = 0;

	if (!WORKS(check_create(c, "a", MIB, &volume)))
		return;
	listed.handle = volume.handle;
	for (unsigned i = 0; i < 4; i++) {
		listed.found = false;
		if (!WORKS(fl_volume_record_get(c->pool, &c->op, volume.handle, FL_RECORD_OWNER,
						&listed.wanted, &c->err)) ||
		    !WORKS(fl_volume_list(c->pool, &c->op, NULL, record_listed, &listed, &c->err)))
			return;
		HOLDS(listed.found);
		if (!WORKS(check_record_set(c, volume.handle, FL_RECORD_OWNER, version,
					    fl_arena_printf(c->op.arena, "node %u", i), &version)))
			return;
	}
}

static const struct statement statements[] = {
	{ "the versions of a record count up from one", versions_count, NEEDS_RECORDS },
	{ "a volume is born with the records that it was asked for", a_volume_is_born_with_records,
	  NEEDS_RECORDS },
	{ "a record with another version is not changed", another_version_is_busy, NEEDS_RECORDS },
	{ "a record holds any text of 64 KiB", large_and_odd_values, NEEDS_RECORDS },
	{ "records do not mix", records_are_apart, NEEDS_RECORDS },
	{ "records go with their volume", records_go_with_their_volume, NEEDS_RECORDS },
	{ "records survive that the pool is opened again", records_survive_reopening,
	  NEEDS_RECORDS },
	{ "a blank volume was never formatted", blank_was_never_formatted, NEEDS_RECORDS },
	{ "what formatted the content is said of each copy", format_goes_with_the_content,
	  NEEDS_RECORDS | NEEDS_SNAPSHOTS },
	{ "a listing tells the owner record as it is, or nothing", listing_tells_the_owner,
	  NEEDS_RECORDS },
	{ "threads that change one record lose nothing", threads_lose_nothing, NEEDS_RECORDS },
	{ "processes that change one record lose nothing", processes_lose_nothing, NEEDS_RECORDS },
};
const struct statement_group statements_of_records = { statements, FL_COUNT(statements) };
