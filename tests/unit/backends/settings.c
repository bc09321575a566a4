/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/test.h"

static struct fl_arena *arena;
static char path[] = "/tmp/fairlead-settings-XXXXXX";

static int load(const char *text, struct fl_settings *ret)
{
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || fl_file_write_all(fd, text, strlen(text), &test_error) < 0)
		abort();
	return fl_settings_load(arena, path, ret, &test_error);
}

#define POOLS "pools:\n- { name: p, backend: file, directory: /srv }\n"

/* A configuration and how its error goes on after "FILE:". */
static const struct {
	const char *text;
	const char *sentence;
} bad[] = {
	{ "- a\n", "1: the configuration is not a map" },
	{ "polls: []\n", "1: unknown key \"polls\" in the configuration: did you mean \"pools\"?" },
	{ "\n\nxyzzy: 1\n", "3: unknown key \"xyzzy\" in the configuration" },
	{ "pools: []\n", "1: pools is not a list of at least one pool" },
	{ "pools: file\n", "1: pools is not a list of at least one pool" },
	{ "pools:\n- file\n", "2: pool number 1 is not a map" },
	{ "pools:\n- { name: p }\n", "2: pool \"p\": backend is missing" },
	{ "pools:\n- { name: p, backend: [a] }\n", "2: pool \"p\": backend is not a word" },
	{ "pools:\n- { name: p, backend: fiel }\n",
	  "2: pool \"p\": unknown backend \"fiel\": did you mean \"file\"?" },
	{ "pools:\n- { name: p, backend: qwertyuiop }\n",
	  "2: pool \"p\": unknown backend \"qwertyuiop\": there is no " },
	{ "pools:\n- { name: p, backend: '..' }\n",
	  "2: pool \"p\": \"..\" cannot be the name of a backend" },
	{ "pools:\n- { backend: file, directory: /a }\n", "2: " },
	{ "pools:\n- { name: a/b, backend: file, directory: /a }\n",
	  "2: pool name \"a/b\" is not 1 to 32 letters" },
	{ "pools:\n- { name: abcdefghijklmnopqrstuvwxyzabcdefg, backend: file, directory: /a }\n",
	  "2: pool name \"abcdefghijklmnopqrstuvwxyzabcdefg\" is not 1 to 32 letters" },
	{ "pools:\n- name: p\n  backend: file\n  directry: /a\n",
	  "4: unknown key \"directry\" in pool \"p\": did you mean \"directory\"?" },
	{ "pools:\n- name: p\n  backend: file\n", "" },
	{ "pools:\n- name: p\n  backend: file\n  directory: relative\n", "4: " },
	{ "pools:\n- name: p\n  backend: file\n  directory: /a\n  shared: perhaps\n", "5: " },
	{ "pools:\n- name: p\n  backend: file\n  directory: /a\n  multi_attach: maybe\n", "5: " },
	{ "pools:\n- { name: p, backend: file, directory: /a }\n"
	  "- { name: p, backend: file, directory: /b }\n",
	  "3: there are two pools with the name \"p\"" },
	{ "pools: []\npools: []\n", "2: " },
	{ "operation_timeout: soon\n" POOLS, "1: " },
	{ "operation_timeout: -1s\n" POOLS, "1: " },
	{ "nodes: n1\n" POOLS, "1: " },
	{ "nodes: [ a, b, a ]\n" POOLS, "1: node a stands twice in nodes" },
	{ "nodes: [ a/b ]\n" POOLS, "1: node id \"a/b\" is not 1 to 63 letters" },
	{ "nodes: [ a- ]\n" POOLS, "1: node id \"a-\" is not 1 to 63 letters" },
	{ "nodes: [ [ a ] ]\n" POOLS, "1: an entry of nodes is neither an id nor a map" },
	{ "nodes:\n- id: a\n  zoen: b\n" POOLS,
	  "3: unknown key \"zoen\" in an entry of nodes: did you mean \"zone\"?" },
	{ "nodes:\n- zone: b\n" POOLS, "2: " },
	{ "nodes: [ { id: a, zone: 'b c' } ]\n" POOLS, "1: zone \"b c\" is not 1 to 63 letters" },
	{ "nodes: [ { id: a, max_volumes: 401 } ]\n" POOLS, "1: max_volumes is at most 400" },
	{ "node:\n  max_volumes: 500\n" POOLS, "2: max_volumes is at most 400" },
	{ "node: { zone: /a }\n" POOLS, "1: zone \"/a\" is not 1 to 63 letters" },
	{ "pools:\n- name: p\n  backend: file\n  directory: /a\n  zones: [ a, a ]\n",
	  "5: zone a stands twice in zones" },
	{ "node: n1\n" POOLS, "1: " },
	{ "node:\n  id: 'a b'\n" POOLS, "2: node id \"a b\" is not 1 to 63 letters" },
	{ "node:\n  idd: a\n" POOLS, "2: unknown key \"idd\" in node: did you mean \"id\"?" },
	{ "node: { disks: here }\n" POOLS, "1: " },
	{ "node: { max_volumes: many }\n" POOLS, "1: " },
	{ "pools: [ { name: p, backend: file", "" },
	{ "a: &x 1\nb: *x\n", "1: " },
};

static void wrong_configurations_are_named(void)
{
	for (size_t i = 0; i < FL_COUNT(bad); i++) {
		struct fl_settings settings;
		const char *wanted = fl_arena_printf(arena, "%s:%s", path, bad[i].sentence);

		FAILS(load(bad[i].text, &settings), FL_INVALID);
		OK(strncmp(test_error.text, wanted, strlen(wanted)) == 0, "\"%s\", wanted \"%s…\"",
		   test_error.text, wanted);
	}
}

static void a_missing_file_is_named(void)
{
	struct fl_settings settings;

	FAILS(fl_settings_load(arena, "/nowhere/fairlead.yaml", &settings, &test_error),
	      FL_NOT_FOUND);
	OK(strstr(test_error.text, "/nowhere/fairlead.yaml") != NULL, "%s", test_error.text);
}

static void check_default_pool(const struct fl_settings *settings)
{
	EQUAL(settings->n_pools, 1);
	SAME(settings->pools[0].name, "default");
	SAME(settings->backends[0]->name, "file");
	SAME(*(const char *const *)settings->options[0], "/var/lib/fairlead/volumes");
}

static void no_file_is_the_default(void)
{
	struct fl_settings settings;
	char host[256] = "";

	WORKS(fl_settings_load(arena, NULL, &settings, &test_error));
	check_default_pool(&settings);
	gethostname(host, sizeof(host) - 1);
	SAME(settings.node.id, host);
	SAME(settings.node.disks, "/run/fairlead/disks.sock");
	SAME(settings.node.state, "/run/fairlead/node");
	EQUAL(settings.operation_timeout_ms, 300000);
	EQUAL(settings.n_nodes, 0);
}

static void a_file_without_pools_has_the_default_one(void)
{
	struct fl_settings settings;

	WORKS(load("node: { id: n1 }\n", &settings));
	check_default_pool(&settings);
	SAME(settings.node.id, "n1");
	WORKS(load("", &settings));
	check_default_pool(&settings);
}

static void everything_is_read(void)
{
	struct fl_settings settings;
	struct fl_peer peer;

	WORKS(load("node: { id: n1, zone: z, disks: /d, state: /s, max_volumes: 7 }\n"
		   "nodes: [ n2, { id: n3, zone: y, max_volumes: 9 } ]\n"
		   "operation_timeout: 90s\n"
		   "pools:\n"
		   "- { name: slow, backend: file, directory: /a, shared: true, zones: [ y, z ] }\n"
		   "- { name: fast, backend: example, directory: /b, multi_attach: trust, "
		   "ephemeral_max: 0 }\n",
		   &settings));
	SAME(settings.node.zone, "z");
	SAME(settings.node.disks, "/d");
	EQUAL(settings.node.max_volumes, 7);
	EQUAL(settings.n_nodes, 2);
	OK(fl_settings_peer(&settings, "n3", &peer) && peer.max_volumes == 9);
	SAME(peer.zone, "y");
	OK(fl_settings_peer(&settings, "n2", &peer) && !peer.zone && !peer.max_volumes);
	OK(fl_settings_peer(&settings, "n1", &peer) && peer.max_volumes == 7);
	OK(!fl_settings_peer(&settings, "n4", &peer));
	EQUAL(settings.pools[0].zones.n, 2);
	SAME(settings.pools[0].zones.items[1], "z");
	EQUAL(settings.pools[1].zones.n, 0);
	EQUAL(settings.operation_timeout_ms, 90000);
	EQUAL(settings.n_pools, 2);
	OK(!settings.pools[0].multi_attach_trust && settings.pools[1].multi_attach_trust,
	   "multi_attach");
	EQUAL(settings.pools[0].ephemeral_max_bytes, (uint64_t)10 << 30);
	EQUAL(settings.pools[1].ephemeral_max_bytes, 0);
	SAME(settings.backends[1]->name, "example");
	SAME(*(const char *const *)settings.options[1], "/b");
}

static void pools_open_all_or_none(void)
{
	struct fl_op op = { .id = "t", .deadline = fl_clock_after_ms(10000), .arena = arena };
	fl_cleanup(fl_close) int tmp_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *directory = fl_arena_printf(arena, "%s.d", path);
	struct fl_settings settings;
	struct fl_pools *pools;

	WORKS(load(fl_arena_printf(
			   arena,
			   "node: { id: n1 }\npools:\n- { name: a, backend: file, directory: %s }\n"
			   "- { name: b, backend: example, directory: /nowhere/at/all }\n",
			   directory),
		   &settings));
	FAILS(fl_pools_open(&settings, &op, &pools, &test_error), FL_NOT_FOUND);
	OK(strncmp(test_error.text, "pool b: ", 8) == 0, "%s", test_error.text);
	settings.n_pools = 1;
	WORKS(fl_pools_open(&settings, &op, &pools, &test_error));
	OK(fl_pools_get(pools, "a") == pools->items[0]);
	OK(fl_pools_get(pools, "b") == NULL);
	OK(fl_pools_settings(pools, pools->items[0]) == &settings.pools[0]);
	fl_pools_close(pools);

	settings.node.id = "a-node-id-of-sixty-three-bytes-which-is-the-longest-that-we-take";
	FAILS(fl_pools_open(&settings, &op, &pools, &test_error), FL_INVALID);
	OK(strstr(test_error.text, "CSI allows 128") != NULL, "%s", test_error.text);
	settings.pools = (struct fl_pool_settings[]){
		{ .name = "a", .backend = "file", .zones = { (const char *[]){ "z" }, 1 } }
	};
	FAILS(fl_pools_open(&settings, &op, &pools, &test_error), FL_INVALID);
	OK(strstr(test_error.text, ", so it has no zones") != NULL, "%s", test_error.text);
	WORKS(fl_file_remove_tree(tmp_fd, directory + strlen("/tmp/"), &test_error));
}

static const struct test tests[] = {
	{ "wrong configurations are named with their line", wrong_configurations_are_named },
	{ "a missing file is named", a_missing_file_is_named },
	{ "no file is the embedded default", no_file_is_the_default },
	{ "a file without pools has the default one", a_file_without_pools_has_the_default_one },
	{ "everything is read", everything_is_read },
	{ "pools open all or none", pools_open_all_or_none },
};

int main(int argc, char **argv)
{
	fl_cleanup(fl_close) int fd = mkostemp(path, O_CLOEXEC);
	int result;

	if (fd < 0)
		return 1;
	arena = fl_arena_new(0);
	result = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	unlink(path);
	return result;
}
