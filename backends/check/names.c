/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about names and the handles that follow from them. */
#include <string.h>

#include "statement.h"

#define NAME_BYTES 128

/* A name of ours with exactly `size` bytes that ends with `last`. */
static const char *long_name(struct check *c, size_t size, char last)
{
	size_t prefix = strlen(CHECK_PREFIX);
	char *suffix = fl_arena_alloc(c->op.arena, size + 1);

	memset(suffix, 'x', size - prefix);
	suffix[size - prefix - 1] = last;
	return suffix;
}

/* Creates each name and finds it again under its own handle. */
static void names_are_kept(struct check *c, const char *const *names, size_t n)
{
	struct fl_volume volume;
	struct fl_strings all;

	for (size_t i = 0; i < n; i++) {
		if (!WORKS(check_create(c, names[i], MIB, &volume)) ||
		    !WORKS(check_get(c, volume.handle, &volume)))
			return;
		SAME(volume.name, check_name(c, names[i]));
		HOLDS(fl_text_is_safe_name(volume.handle, NAME_BYTES));
	}
	if (WORKS(check_volumes(c, NULL, &all)))
		EQUALS(all.n, n);
}

static void longest_names(struct check *c)
{
	const char *names[] = { long_name(c, NAME_BYTES, '1'),
				long_name(c, NAME_BYTES, '2'),
				long_name(c, NAME_BYTES - 1, '1'),
				long_name(c, 64, '1'),
				long_name(c, 65, '1'),
				long_name(c, 63, '1') };

	names_are_kept(c, names, FL_COUNT(names));
}

static void names_with_anything(struct check *c)
{
	static const char *const names[] = {
		"two words", "a/b",   "../../etc", "ünïcödé",   "日本語", "quote\"'`$(x)",
		"-rf",       "a,b;c", "a:b",       "trailing.", "100%",   "a\tb\nc\r\n",
	};

	names_are_kept(c, names, FL_COUNT(names));
}

static void names_that_differ_in_case(struct check *c)
{
	static const char *const names[] = { "disk", "Disk", "DISK" };

	names_are_kept(c, names, FL_COUNT(names));
}

/* A name that reads like the handle of another volume. */
static void names_that_look_like_handles(struct check *c)
{
	struct fl_volume odd, mimic;
	struct fl_volume_spec spec = { .min_bytes = MIB, .thin = true };

	if (!WORKS(check_create(c, "an odd/name", MIB, &odd)))
		return;
	spec.name = odd.handle;
	if (!WORKS(fl_volume_create(c->pool, &c->op, &spec, &mimic, &c->err)))
		return;
	HOLDS(strcmp(mimic.handle, odd.handle) != 0);
	WORKS(check_delete(c, mimic.handle));
	WORKS(check_get(c, odd.handle, &odd));
}

static void handles_follow_from_names(struct check *c)
{
	struct fl_volume first, again;

	if (!WORKS(check_create(c, "a b", MIB, &first)) || !WORKS(check_delete(c, first.handle)) ||
	    !WORKS(check_reopen(c)) || !WORKS(check_create(c, "a b", MIB, &again)))
		return;
	SAME(first.handle, again.handle);
}

static void snapshots_have_names_of_their_own(struct check *c)
{
	struct fl_snapshot first, second;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "same", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "same", volume.handle, &first)) ||
	    !WORKS(check_snapshot(c, long_name(c, NAME_BYTES, 's'), volume.handle, &second)))
		return;
	EQUALS(strlen(second.name), NAME_BYTES);
	HOLDS(strcmp(first.handle, second.handle) != 0);
	WORKS(fl_snapshot_delete(c->pool, &c->op, first.handle, &c->err));
	WORKS(check_get(c, volume.handle, &volume));
}

static const struct statement statements[] = {
	{ "names may have 128 bytes, and every byte counts", longest_names, 0 },
	{ "names may hold anything that CSI allows", names_with_anything, 0 },
	{ "names that differ in case are different names", names_that_differ_in_case, 0 },
	{ "a name that looks like a handle is not that volume", names_that_look_like_handles, 0 },
	{ "the same name has the same handle for ever", handles_follow_from_names, 0 },
	{ "volumes and snapshots do not share names", snapshots_have_names_of_their_own,
	  NEEDS_SNAPSHOTS },
};
const struct statement_group statements_of_names = { statements, FL_COUNT(statements) };
