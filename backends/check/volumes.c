/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about the life of a volume, lists and publishing. */
#include <fcntl.h>
#include <string.h>

#include "statement.h"

static void is_created_once(struct check *c)
{
	struct fl_volume first, again, got;
	struct fl_strings all;

	if (!WORKS(check_create(c, "a", MIB, &first)) || !WORKS(check_create(c, "a", MIB, &again)))
		return;
	SAME(first.handle, again.handle);
	EQUALS(again.size_bytes, first.size_bytes);
	if (!WORKS(check_get(c, first.handle, &got)) || !WORKS(check_volumes(c, NULL, &all)))
		return;
	SAME(got.name, check_name(c, "a"));
	EQUALS(got.size_bytes, first.size_bytes);
	EQUALS(got.content.kind, FL_CONTENT_BLANK);
	EQUALS(all.n, 1);
}

static void other_size_exists(struct check *c)
{
	struct fl_volume volume, other;
	struct fl_volume_spec spec = {
		.name = check_name(c, "a"), .min_bytes = MIB, .max_bytes = 2 * MIB, .thin = true
	};

	if (!WORKS(check_create(c, "a", 8 * MIB, &volume)))
		return;
	FAILS(check_create(c, "a", volume.size_bytes + MIB, &other), FL_EXISTS);
	FAILS(fl_volume_create(c->pool, &c->op, &spec, &other, &c->err), FL_EXISTS);
	if (WORKS(check_get(c, volume.handle, &other)))
		EQUALS(other.size_bytes, volume.size_bytes);
}

static void other_content_exists(struct check *c)
{
	struct fl_volume volume, other;
	struct fl_content content = { .kind = FL_CONTENT_SNAPSHOT };
	struct fl_snapshot snapshot;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_snapshot(c, "s", volume.handle, &snapshot)))
		return;
	content.handle = snapshot.handle;
	FAILS(check_create_from(c, "a", content, MIB, &other), FL_EXISTS);
	if (!WORKS(check_create_from(c, "b", content, snapshot.size_bytes, &other)))
		return;
	FAILS(check_create(c, "b", MIB, &other), FL_EXISTS);
}

static void absent_is_not_found(struct check *c)
{
	const char *handle = check_name(c, "nobody");
	struct fl_publish_spec spec = { .handle = handle, .node = "check" };
	struct fl_source source;
	struct fl_volume volume;

	FAILS(check_get(c, handle, &volume), FL_NOT_FOUND);
	FAILS(fl_volume_publish(c->pool, &c->op, &spec, &source, &c->err), FL_NOT_FOUND);
}

static void deleting_nothing_works(struct check *c)
{
	struct fl_volume volume;

	WORKS(check_delete(c, check_name(c, "nobody")));
	if (!WORKS(check_create(c, "a", MIB, &volume)) || !WORKS(check_delete(c, volume.handle)))
		return;
	WORKS(check_delete(c, volume.handle));
	FAILS(check_get(c, volume.handle, &volume), FL_NOT_FOUND);
}

static void name_is_free_after_delete(struct check *c)
{
	struct fl_volume volume, other;

	if (!WORKS(check_create(c, "a", 4 * MIB, &volume)) ||
	    !WORKS(check_delete(c, volume.handle)) || !WORKS(check_create(c, "a", MIB, &other)))
		return;
	HOLDS(other.size_bytes < 4 * MIB);
}

static void list_is_sorted(struct check *c)
{
	static const char *const names[] = { "c", "A", "b2", "b10", "b-1", "z", "0" };
	struct fl_volume volume;
	struct fl_strings all;

	for (size_t i = 0; i < FL_COUNT(names); i++)
		if (!WORKS(check_create(c, names[i], MIB, &volume)))
			return;
	if (!WORKS(check_volumes(c, NULL, &all)))
		return;
	EQUALS(all.n, FL_COUNT(names));
	for (size_t i = 1; i < all.n; i++)
		HOLDS(strcmp(all.items[i - 1], all.items[i]) < 0);
}

static void list_goes_on_after(struct check *c)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct fl_strings all, rest;
	struct fl_volume volume;

	for (size_t i = 0; i < FL_COUNT(names); i++)
		if (!WORKS(check_create(c, names[i], MIB, &volume)))
			return;
	if (!WORKS(check_volumes(c, NULL, &all)) || !EQUALS(all.n, FL_COUNT(names)))
		return;
	for (size_t i = 0; i < all.n; i++) {
		if (!WORKS(check_volumes(c, all.items[i], &rest)))
			return;
		EQUALS(rest.n, all.n - i - 1);
		if (rest.n)
			SAME(rest.items[0], all.items[i + 1]);
	}
	/* The place to go on after need not exist any more. */
	if (WORKS(check_delete(c, all.items[1])) && WORKS(check_volumes(c, all.items[1], &rest)))
		HOLDS(rest.n == 3 && strcmp(rest.items[0], all.items[2]) == 0);
}

static int stop_at_second(void *cookie, const struct fl_volume *volume)
{
	int *n = cookie;

	(void)volume;
	return ++*n == 2;
}

static void list_stops_when_told(struct check *c)
{
	struct fl_volume volume;
	int n = 0;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_create(c, "b", MIB, &volume)) ||
	    !WORKS(check_create(c, "c", MIB, &volume)))
		return;
	if (WORKS(fl_volume_list(c->pool, &c->op, NULL, stop_at_second, &n, &c->err)))
		EQUALS(n, 2);
}

struct list_compare {
	struct check *c;
	struct fl_volume wanted;
	bool found;
};

static int compare_listed(void *cookie, const struct fl_volume *volume)
{
	struct list_compare *compare = cookie;
	const struct fl_volume *wanted = &compare->wanted;
	struct check *c = compare->c;

	if (strcmp(volume->handle, wanted->handle) != 0)
		return 0;
	compare->found = true;
	SAME(volume->name, wanted->name);
	EQUALS(volume->size_bytes, wanted->size_bytes);
	EQUALS(volume->content.kind, wanted->content.kind);
	EQUALS(volume->thin, wanted->thin);
	return 0;
}

static void list_tells_what_get_tells(struct check *c)
{
	struct list_compare compare = { .c = c };
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", 3 * MIB, &volume)) ||
	    !WORKS(check_get(c, volume.handle, &compare.wanted)) ||
	    !WORKS(fl_volume_list(c->pool, &c->op, NULL, compare_listed, &compare, &c->err)))
		return;
	HOLDS(compare.found);
}

static void deleted_is_not_listed(struct check *c)
{
	struct fl_volume first, second;
	struct fl_strings all;

	if (!WORKS(check_create(c, "a", MIB, &first)) ||
	    !WORKS(check_create(c, "b", MIB, &second)) || !WORKS(check_delete(c, first.handle)) ||
	    !WORKS(check_volumes(c, NULL, &all)))
		return;
	EQUALS(all.n, 1);
	HOLDS(check_strings_have(&all, second.handle));
}

static void publish_describes(struct check *c)
{
	struct fl_publish_spec spec = { .node = "check" };
	struct fl_source first, again;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", 3 * MIB, &volume)))
		return;
	spec.handle = volume.handle;
	if (!WORKS(fl_volume_publish(c->pool, &c->op, &spec, &first, &c->err)) ||
	    !WORKS(fl_volume_publish(c->pool, &c->op, &spec, &again, &c->err)))
		return;
	EQUALS(first.size_bytes, volume.size_bytes);
	HOLDS(!first.read_only);
	EQUALS(first.kind, again.kind);
	EQUALS(first.size_bytes, again.size_bytes);
	spec.read_only = true;
	if (WORKS(fl_volume_publish(c->pool, &c->op, &spec, &again, &c->err)))
		HOLDS(again.read_only);
}

static void publish_survives_pairs(struct check *c)
{
	struct fl_publish_spec spec = { .node = "check", .read_only = true };
	struct fl_source source, back;
	const struct fl_pair *pairs;
	struct fl_volume volume;
	size_t n;

	if (!WORKS(check_create(c, "a", MIB, &volume)))
		return;
	spec.handle = volume.handle;
	if (!WORKS(fl_volume_publish(c->pool, &c->op, &spec, &source, &c->err)))
		return;
	fl_source_to_pairs(c->op.arena, &source, &pairs, &n);
	if (!WORKS(fl_source_from_pairs(c->op.arena, pairs, n, &back, &c->err)))
		return;
	HOLDS(back.kind == source.kind && back.size_bytes == source.size_bytes && back.read_only);
}

static void open_volume_stays(struct check *c)
{
	fl_cleanup(fl_close) int fd = -1;
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_open(c, volume.handle, O_RDWR, &fd)))
		return;
	FAILS(check_delete(c, volume.handle), FL_IN_USE);
	WORKS(check_get(c, volume.handle, &volume));
	fl_close(&fd);
	fd = -1;
	if (!WORKS(check_open(c, volume.handle, O_RDONLY, &fd)))
		return;
	FAILS(check_delete(c, volume.handle), FL_IN_USE);
	fl_close(&fd);
	fd = -1;
	WORKS(check_delete(c, volume.handle));
}

static void pool_can_be_reopened(struct check *c)
{
	struct fl_volume volume, again;

	if (!WORKS(check_create(c, "a", MIB, &volume)) || !WORKS(check_reopen(c)) ||
	    !WORKS(check_get(c, volume.handle, &again)))
		return;
	SAME(again.name, volume.name);
	EQUALS(again.size_bytes, volume.size_bytes);
	if (WORKS(check_create(c, "a", MIB, &again)))
		SAME(again.handle, volume.handle);
}

static const struct statement statements[] = {
	{ "a volume is created once", is_created_once, 0 },
	{ "the same name with another size is refused", other_size_exists, 0 },
	{ "the same name with other content is refused", other_content_exists, NEEDS_SNAPSHOTS },
	{ "a volume that is not there is not found", absent_is_not_found, 0 },
	{ "deleting nothing works", deleting_nothing_works, 0 },
	{ "a name is free after its volume was deleted", name_is_free_after_delete, 0 },
	{ "volumes are listed in the order of their handles", list_is_sorted, 0 },
	{ "a list of volumes goes on after any handle", list_goes_on_after, 0 },
	{ "a list of volumes stops when it is told to", list_stops_when_told, 0 },
	{ "a list tells the same as a get", list_tells_what_get_tells, 0 },
	{ "a deleted volume is not listed", deleted_is_not_listed, 0 },
	{ "publishing describes the volume, again and again", publish_describes, 0 },
	{ "what publishing describes survives the way to the node", publish_survives_pairs, 0 },
	{ "a volume that is open is not deleted", open_volume_stays, NEEDS_BYTES },
	{ "a pool that is opened again has the same volumes", pool_can_be_reopened, 0 },
};
const struct statement_group statements_of_volumes = { statements, FL_COUNT(statements) };
