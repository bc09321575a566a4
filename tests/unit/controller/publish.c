/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching and detaching over RPC. */
#include "asks.h"

static struct rig rig;

static const char *context(const Csi__V1__ControllerPublishVolumeResponse *answer, const char *key)
{
	for (size_t i = 0; i < answer->n_publish_context; i++)
		if (strcmp(answer->publish_context[i]->key, key) == 0)
			return answer->publish_context[i]->value;
	return "";
}

static void make(const char *name, const char *pool)
{
	const struct ask_create ask = { .name = name, .pool = pool, .required = 1 << 20 };

	WORKS(ask_create(&rig, ask, NULL));
}

static void publishing_answers_the_source_and_an_epoch(void)
{
	const struct ask_publish ask = { .id = "near/n1/p1", .node = "n1" };
	const Csi__V1__ControllerPublishVolumeResponse *first, *again;

	make("p1", "near");
	WORKS(ask_publish(&rig, ask, &first));
	SAME(context(first, "source"), "file");
	SAME(context(first, "epoch"), "1");
	WORKS(ask_publish(&rig, ask, &again));
	SAME(context(again, "epoch"), "1");
	WORKS(ask_unpublish(&rig, "near/n1/p1", "n1"));
	WORKS(ask_unpublish(&rig, "near/n1/p1", "n1"));
	WORKS(ask_publish(&rig, ask, &again));
	SAME(context(again, "epoch"), "2");
	/* An empty node is every node. */
	WORKS(ask_unpublish(&rig, "near/n1/p1", ""));
	WORKS(ask_delete(&rig, "near/n1/p1"));
}

static void the_same_node_in_another_way_is_refused(void)
{
	static const struct ask_publish others[] = {
		{ .id = "near/n1/p2", .node = "n1", .read_only = true },
		{ .id = "near/n1/p2", .node = "n1", .mount = true },
		{ .id = "near/n1/p2", .node = "n1", .mode = ACCESS_SINGLE_NODE_SINGLE_WRITER },
	};

	make("p2", "near");
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "near/n1/p2", .node = "n1" }, NULL));
	for (size_t i = 0; i < FL_COUNT(others); i++)
		FAILS(ask_publish(&rig, others[i], NULL), FL_EXISTS);
	WORKS(ask_unpublish(&rig, "near/n1/p2", "n1"));
	WORKS(ask_delete(&rig, "near/n1/p2"));
}

static void reader_modes_publish_read_only(void)
{
	const struct ask_publish ask = { .id = "near/n1/p3",
					 .node = "n1",
					 .mode = ACCESS_SINGLE_NODE_READER_ONLY };
	const Csi__V1__ControllerPublishVolumeResponse *answer;

	make("p3", "near");
	WORKS(ask_publish(&rig, ask, &answer));
	SAME(context(answer, "readonly"), "true");
	WORKS(ask_unpublish(&rig, "near/n1/p3", "n1"));
	WORKS(ask_delete(&rig, "near/n1/p3"));
}

static void a_second_node_is_refused_by_the_name_of_the_first(void)
{
	make("p4", "far");
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/p4", .node = "n2" }, NULL));
	FAILS(ask_publish(&rig, (struct ask_publish){ .id = "far/p4", .node = "n1" }, NULL),
	      FL_IN_USE);
	OK(strstr(test_error.text, "node n2"), "%s", test_error.text);
	FAILS(ask_delete(&rig, "far/p4"), FL_IN_USE);
	OK(strstr(test_error.text, "node n2"), "%s", test_error.text);
	WORKS(ask_unpublish(&rig, "far/p4", "n1"));
	FAILS(ask_publish(&rig, (struct ask_publish){ .id = "far/p4", .node = "n1" }, NULL),
	      FL_IN_USE);
	WORKS(ask_unpublish(&rig, "far/p4", "n2"));
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/p4", .node = "n1" }, NULL));
	WORKS(ask_unpublish(&rig, "far/p4", "n1"));
	WORKS(ask_delete(&rig, "far/p4"));
}

static void several_nodes_need_modes_for_several(void)
{
	const enum access_mode many = ACCESS_MULTI_NODE_MULTI_WRITER;
	const Csi__V1__ListVolumesResponse *list = NULL;

	make("p5", "far");
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/p5", .node = "n1", .mode = many },
			  NULL));
	FAILS(ask_publish(&rig, (struct ask_publish){ .id = "far/p5", .node = "n2" }, NULL),
	      FL_IN_USE);
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/p5", .node = "n2", .mode = many },
			  NULL));
	WORKS(ask_volumes(&rig, 0, "", &list));
	EQUAL(list->n_entries, 1);
	EQUAL(list->entries[0]->status->n_published_node_ids, 2);
	WORKS(ask_unpublish(&rig, "far/p5", ""));
	WORKS(ask_delete(&rig, "far/p5"));
}

static void one_writer_among_several_readers(void)
{
	const enum access_mode one = ACCESS_MULTI_NODE_SINGLE_WRITER;

	make("p6", "far");
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/p6", .node = "n1", .mode = one },
			  NULL));
	FAILS(ask_publish(&rig, (struct ask_publish){ .id = "far/p6", .node = "n2", .mode = one },
			  NULL),
	      FL_IN_USE);
	WORKS(ask_publish(&rig,
			  (struct ask_publish){
				  .id = "far/p6", .node = "n2", .mode = one, .read_only = true },
			  NULL));
	WORKS(ask_unpublish(&rig, "far/p6", ""));
	WORKS(ask_delete(&rig, "far/p6"));
}

static void arguments_come_before_lookups(void)
{
	static const struct {
		struct ask_publish ask;
		enum fl_error_code code;
		const char *says;
	} rows[] = {
		{ { .id = "", .node = "n1" }, FL_INVALID, "volume_id" },
		{ { .id = "near/n1/none", .node = "" }, FL_INVALID, "node_id" },
		{ { .id = "near/n1/none", .node = "n1", .mode = (enum access_mode)99 },
		  FL_INVALID,
		  "99" },
		{ { .id = "near/n1/none", .node = "n7" }, FL_NOT_FOUND, "none" },
		{ { .id = "near/n1/p7", .node = "n7" }, FL_NOT_FOUND, "nodes:" },
		{ { .id = "near/n1/p7", .node = "n2" }, FL_IN_USE, "lives on node n1" },
		{ { .id = "near/n1/p7", .node = "n1", .mode = ACCESS_MULTI_NODE_READER_ONLY },
		  FL_INVALID,
		  "several nodes" },
	};

	make("p7", "near");
	for (size_t i = 0; i < FL_COUNT(rows); i++) {
		FAILS(ask_publish(&rig, rows[i].ask, NULL), rows[i].code);
		OK(strstr(test_error.text, rows[i].says), "row %zu says: %s", i, test_error.text);
	}
	WORKS(ask_delete(&rig, "near/n1/p7"));
}

static void unpublishing_what_is_gone_succeeds(void)
{
	FAILS(ask_unpublish(&rig, "", "n1"), FL_INVALID);
	WORKS(ask_unpublish(&rig, "near/n1/none", "n1"));
	WORKS(ask_unpublish(&rig, "fake", "n9"));
}

static void a_restart_forgets_nothing(void)
{
	make("p8", "far");
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "far/p8", .node = "n2" }, NULL));
	rig_stop(&rig);
	rig_start(&rig);
	FAILS(ask_publish(&rig, (struct ask_publish){ .id = "far/p8", .node = "n1" }, NULL),
	      FL_IN_USE);
	WORKS(ask_unpublish(&rig, "far/p8", "n2"));
	WORKS(ask_delete(&rig, "far/p8"));
}

static const struct test tests[] = {
	{ "publishing answers the source and an epoch",
	  publishing_answers_the_source_and_an_epoch },
	{ "the same node in another way is refused", the_same_node_in_another_way_is_refused },
	{ "reader modes publish read-only", reader_modes_publish_read_only },
	{ "a second node is refused by the name of the first",
	  a_second_node_is_refused_by_the_name_of_the_first },
	{ "several nodes need modes for several", several_nodes_need_modes_for_several },
	{ "one writer among several readers", one_writer_among_several_readers },
	{ "arguments come before look-ups", arguments_come_before_lookups },
	{ "unpublishing what is gone succeeds", unpublishing_what_is_gone_succeeds },
	{ "a restart forgets nothing", a_restart_forgets_nothing },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
