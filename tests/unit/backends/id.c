/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/pools.h"
#include "tests/test.h"

static struct fl_arena *arena;

static const struct fl_peer nodes[] = { { .id = "n2" } };
static const struct fl_settings settings = {
	.node = { .id = "n1" },
	.nodes = nodes,
	.n_nodes = 1,
};
static struct fl_pool local = { .name = "local", .flags = FL_BACKEND_NODE_LOCAL };
static struct fl_pool shared = { .name = "shared", .flags = FL_BACKEND_SHARED };
static struct fl_pool *items[] = { &local, &shared };
static const struct fl_pools pools = { .settings = &settings, .items = items, .n = 2 };

static void ids_go_there_and_back(void)
{
	struct fl_object_id id;

	SAME(fl_object_id_format(arena, &pools, &local, "pvc-1"), "local/n1/pvc-1");
	SAME(fl_object_id_format(arena, &pools, &shared, "pvc-1"), "shared/pvc-1");
	WORKS(fl_object_id_parse(arena, &pools, "local/n1/pvc-1", "volume", &id, &test_error));
	OK(id.pool == &local);
	SAME(id.node, "n1");
	SAME(id.handle, "pvc-1");
	WORKS(fl_object_id_parse(arena, &pools, "local/n2/a", "volume", &id, &test_error));
	SAME(id.node, "n2");
	WORKS(fl_object_id_parse(arena, &pools, "shared/pvc-1", "volume", &id, &test_error));
	OK(id.pool == &shared && !id.node);
	SAME(id.handle, "pvc-1");
}

static void what_is_no_id_is_not_found(void)
{
	static const char *const wrong[] = {
		"",
		"pvc-1",
		"/",
		"//",
		"local",
		"local/",
		"local/n1",
		"local/n1/",
		"local//a",
		"local/n1/a/b",
		"nobody/a",
		"local/n9/a",
		"local/../a",
		"local/n1/..",
		"local/n1/.a",
		"shared/",
		"shared/n1/a",
		"shared/../etc",
		"shared/-a",
		"Shared/a",
		" shared/a",
		"shared/a b",
		"shared/a\n",
		"shared/\xff",
		"shared/a\x01",
		"shared//a",
		"local/n1/a\t",
	};
	struct fl_object_id id;
	char *longest = fl_arena_alloc(arena, 5000);

	for (size_t i = 0; i < FL_COUNT(wrong); i++)
		FAILS(fl_object_id_parse(arena, &pools, wrong[i], "volume", &id, &test_error),
		      FL_NOT_FOUND);
	memset(longest, 'a', 4999);
	memcpy(longest, "shared/", 7);
	FAILS(fl_object_id_parse(arena, &pools, longest, "volume", &id, &test_error), FL_NOT_FOUND);
	longest[7 + 128] = '\0';
	WORKS(fl_object_id_parse(arena, &pools, longest, "volume", &id, &test_error));
	longest[7 + 128] = 'a';
	longest[7 + 129] = '\0';
	FAILS(fl_object_id_parse(arena, &pools, longest, "volume", &id, &test_error), FL_NOT_FOUND);
}

static void the_error_names_the_thing(void)
{
	struct fl_object_id id;

	FAILS(fl_object_id_parse(arena, &pools, "local/x", "snapshot", &id, &test_error),
	      FL_NOT_FOUND);
	SAME(test_error.text, "there is no snapshot \"local/x\"");
}

static void what_may_be_there_is_not_gone(void)
{
	static const char *const gone[] = {
		"",           "pvc-1",       "/",         "//",         "local/",      "local/n1/a",
		"local/n2/a", "shared/a",    "local//a",  "local/../a", "local/n1/..", "a/b/c/d",
		"shared/a b", "shared/\xff", "nobody/a/", "nobody/.a",  "-x/a",
	};
	static const char *const there[][2] = {
		{ "nobody/a", "pool nobody is not" },   { "nobody/n1/a", "pool nobody is not" },
		{ "local/n9/a", "node n9 is not" },     { "local/a", "pool local was shared" },
		{ "shared/n1/a", "shared was on one" }, { "Shared/a", "pool Shared is not" },
	};

	for (size_t i = 0; i < FL_COUNT(gone); i++)
		WORKS(fl_object_id_check_gone(arena, &pools, gone[i], "volume", &test_error));
	for (size_t i = 0; i < FL_COUNT(there); i++) {
		FAILS(fl_object_id_check_gone(arena, &pools, there[i][0], "volume", &test_error),
		      FL_IN_USE);
		OK(strstr(test_error.text, there[i][1]) != NULL, "%s", test_error.text);
	}
}

static const struct test tests[] = {
	{ "ids go there and back", ids_go_there_and_back },
	{ "what is no id is not found", what_is_no_id_is_not_found },
	{ "what may be there is not said to be gone", what_may_be_there_is_not_gone },
	{ "the error names the thing", the_error_names_the_thing },
};

int main(int argc, char **argv)
{
	int result;

	arena = fl_arena_new(0);
	result = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return result;
}
