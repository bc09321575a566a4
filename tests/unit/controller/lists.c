/* SPDX-License-Identifier: Apache-2.0 */
#include "asks.h"
#include "controller/page.h"
#include "csi/owner_record.h"

static struct rig rig;

#define EACH 7
/* A bad token is ABORTED on the wire, as what is busy. */
#define REFUSED FL_BUSY

static void fill(const char *pool)
{
	for (unsigned i = 0; i < EACH; i++) {
		const struct ask_create ask = { .name = fl_arena_printf(rig.arena, "l%u", i),
						.pool = pool,
						.required = 1 << 20 };
		WORKS(ask_create(&rig, ask, NULL));
	}
}

/* Pages of `max` entries: each volume once, in order, and never more than asked. */
static void pages_of(int32_t max)
{
	const Csi__V1__ListVolumesResponse *page = NULL;
	const char *token = "";
	size_t seen = 0;

	for (unsigned pages = 0; pages < 50; pages++) {
		WORKS(ask_volumes(&rig, max, token, &page));
		OK(max == 0 || page->n_entries <= (size_t)max);
		for (size_t i = 0; i < page->n_entries; i++, seen++)
			SAME(page->entries[i]->volume->volume_id,
			     fl_arena_printf(rig.arena, "%s/l%zu", seen < EACH ? "near/n1" : "far",
					     seen % EACH));
		token = page->next_token;
		if (!token[0])
			break;
		OK(page->n_entries > 0, "a page that leads on holds something");
	}
	EQUAL(seen, 2 * EACH);
}

static void pages_hold_everything_once(void)
{
	static const int32_t sizes[] = { 0, 1, 2, 3, EACH, EACH + 1, 2 * EACH, 100, INT32_MAX };

	for (size_t i = 0; i < FL_COUNT(sizes); i++)
		pages_of(sizes[i]);
}

static void deleting_the_last_of_a_page_does_not_matter(void)
{
	const Csi__V1__ListVolumesResponse *page = NULL, *next = NULL;

	WORKS(ask_volumes(&rig, 3, "", &page));
	WORKS(ask_delete(&rig, "near/n1/l2"));
	WORKS(ask_volumes(&rig, 3, page->next_token, &next));
	SAME(next->entries[0]->volume->volume_id, "near/n1/l3");
	WORKS(ask_create(&rig, (struct ask_create){ .name = "l2", .required = 1 << 20 }, NULL));
}

static void tokens_that_are_not_ours_are_refused(void)
{
	const Csi__V1__ListVolumesResponse *page = NULL;
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	static const char *const tokens[] = { "invalid-token", "0", "/", "near/l1",
					      "0123456789abcdef.near/l1" };
	char *bent;

	for (size_t i = 0; i < FL_COUNT(tokens); i++) {
		FAILS(ask_volumes(&rig, 0, tokens[i], &page), REFUSED);
		FAILS(ask_snapshots(&rig, (struct ask_snapshots){ .token = tokens[i] }, &list),
		      REFUSED);
	}
	FAILS(ask_volumes(&rig, -1, "", &page), FL_INVALID);
	WORKS(ask_volumes(&rig, 1, "", &page));
	/* A token of volumes is none of snapshots, and one that was bent is none at all. */
	FAILS(ask_snapshots(&rig, (struct ask_snapshots){ .token = page->next_token }, &list),
	      REFUSED);
	bent = fl_arena_strdup(rig.arena, page->next_token);
	bent[strlen(bent) - 1] = '1';
	FAILS(ask_volumes(&rig, 1, bent, &page), REFUSED);
}

static void snapshots_are_listed_by_what_is_asked(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	const char *token;

	for (unsigned i = 0; i < 5; i++)
		WORKS(ask_snapshot(&rig, fl_arena_printf(rig.arena, "s%u", i),
				   i % 2 ? "near/n1/l1" : "near/n1/l0", NULL));
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	EQUAL(list->n_entries, 5);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .source = "near/n1/l0" }, &list));
	EQUAL(list->n_entries, 3);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .source = "far/l0" }, &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .source = "none" }, &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .id = "near/n1/s3" }, &list));
	EQUAL(list->n_entries, 1);
	SAME(list->entries[0]->snapshot->source_volume_id, "near/n1/l1");
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .id = "near/n1/none" }, &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .id = "near/n1/s3", .source = "far/l1" },
			    &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .max = 2 }, &list));
	EQUAL(list->n_entries, 2);
	token = list->next_token;
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .token = token }, &list));
	EQUAL(list->n_entries, 3);
	SAME(list->next_token, "");
	/* The filter is part of the token. */
	FAILS(ask_snapshots(&rig, (struct ask_snapshots){ .token = token, .source = "near/n1/l0" },
			    &list),
	      REFUSED);
}

static void an_answer_stays_below_what_orchestrators_take(void)
{
	Csi__V1__ListVolumesResponse__Entry entry = CSI__V1__LIST_VOLUMES_RESPONSE__ENTRY__INIT;
	Csi__V1__Volume volume = CSI__V1__VOLUME__INIT;
	struct page page = { .kind = PAGE_VOLUMES, .filter = "" };
	char id[129] = "";
	size_t n = 0;

	memset(id, 'x', 128);
	volume.volume_id = id;
	entry.volume = &volume;
	WORKS(page_begin(&page, rig.controller, rig.arena, 0, "", &test_error));
	while (n < 1000000 && page_add(&page, &entry.base))
		n++;
	OK(n > 10000, "%zu entries", n);
	OK(n * protobuf_c_message_get_packed_size(&entry.base) < (size_t)3500 << 10, "%zu", n);
}

#define ATTACHED 300

static void attach(const char *volume, uint64_t version, const char *node)
{
	struct owner_attachment attachment = { .node = node,
					       .mode = ACCESS_SINGLE_NODE_SINGLE_WRITER };
	const struct owner owner = { .epoch = version + 1,
				     .state = OWNER_OWNED,
				     .attachments = &attachment,
				     .n_attachments = 1 };

	WORKS(fl_volume_record_set(fl_pools_get(rig.pools, "near"), &rig.op, volume,
				   FL_RECORD_OWNER, version, owner_format(rig.arena, &owner),
				   &version, &test_error));
}

static const char *node_of(size_t i, size_t change)
{
	return i % 3 ? fl_arena_printf(rig.arena, "node-%zu-%zu", change, i) : "alike";
}

static void each_volume_is_on_its_nodes(size_t change)
{
	const Csi__V1__ListVolumesResponse *page = NULL;

	WORKS(ask_volumes(&rig, 0, "", &page));
	for (size_t i = 0; i < ATTACHED; i++) {
		const Csi__V1__ListVolumesResponse__Entry *entry = page->entries[i];

		SAME(entry->volume->volume_id, fl_arena_printf(rig.arena, "near/n1/a%03zu", i));
		EQUAL(entry->status->n_published_node_ids, 1);
		SAME(entry->status->published_node_ids[0], node_of(i, change));
		OK(!entry->status->volume_condition->abnormal);
	}
}

/* More of them than the list remembers. */
static void every_volume_shows_its_own_nodes(void)
{
	for (size_t i = 0; i < ATTACHED; i++) {
		const char *name = fl_arena_printf(rig.arena, "a%03zu", i);
		const struct ask_create ask = { .name = name, .pool = "near", .required = 1 << 20 };

		WORKS(ask_create(&rig, ask, NULL));
		attach(name, 0, node_of(i, 1));
	}
	each_volume_is_on_its_nodes(1);
	for (size_t i = 0; i < ATTACHED; i++)
		attach(fl_arena_printf(rig.arena, "a%03zu", i), 1, node_of(i, 2));
	each_volume_is_on_its_nodes(2);
}

static const struct test tests[] = {
	{ "pages hold everything once", pages_hold_everything_once },
	{ "deleting the last of a page does not matter",
	  deleting_the_last_of_a_page_does_not_matter },
	{ "tokens that are not ours are refused", tokens_that_are_not_ours_are_refused },
	{ "snapshots are listed by what is asked", snapshots_are_listed_by_what_is_asked },
	{ "an answer stays below what orchestrators take",
	  an_answer_stays_below_what_orchestrators_take },
	{ "every volume shows its own nodes", every_volume_shows_its_own_nodes },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	fill("near");
	fill("far");
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
