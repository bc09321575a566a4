/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: whatever the text, it becomes nodes or is refused in words, and what becomes
 * nodes can be filled into a struct or is refused as well. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "fuzz.h"

struct pool {
	const char *directory;
	uint64_t size;
	uint64_t wait_ms;
	bool thin;
	struct fl_strings monitors;
};

static const struct fl_option table[] = {
	{ "directory", FL_OPTION_PATH, offsetof(struct pool, directory), true, NULL, NULL,
	  "where" },
	{ "size", FL_OPTION_SIZE, offsetof(struct pool, size), false, "1Gi", NULL, "how large" },
	{ "wait", FL_OPTION_DURATION, offsetof(struct pool, wait_ms), false, NULL, NULL,
	  "how long" },
	{ "thin", FL_OPTION_BOOL, offsetof(struct pool, thin), false, NULL, NULL, "sparse" },
	{ "monitors", FL_OPTION_LIST, offsetof(struct pool, monitors), false, NULL, NULL, "who" },
};

static const char *const seeds[] = {
	"directory: /srv/x\nsize: 10Gi\nwait: 30s\nthin: true\nmonitors: [10.0.0.1, b]\n",
	"node: { id: worker-1, zone: a }\npools:\n  - { name: default, directory: /x }\n  - name: b\n",
	"directory: |\n  /a\n  b\nsize: \"1\\x30\"\n# comment\n? x\n: 'it''s'\n",
	"a: &x 1\nb: *x\nc: !!int 3\n---\nd: [[[[{a: [b]}]]]]\n",
	"%YAML 1.1\n---\nthin: false\nmonitors:\n- a\n- \"b\\0c\"\n...\n",
};

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	const char *seed = seeds[i % FL_COUNT(seeds)];

	memcpy(ret, seed, strlen(seed));
	return strlen(seed);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Every node can be reached, and each child by its key. */
static void walk(const struct fl_config_node *node, int level)
{
	const char *key = NULL;

	must(level <= 32);
	must((fl_config_kind(node) == FL_CONFIG_SCALAR) == (fl_config_scalar(node) != NULL));
	for (size_t i = 0; i < fl_config_count(node); i++) {
		const struct fl_config_node *child = fl_config_at(node, i, &key);

		must((fl_config_kind(node) == FL_CONFIG_MAP) == (key != NULL));
		must(!key || fl_config_get(node, key) == child);
		walk(child, level + 1);
	}
}

static void must_be_phrase(const struct fl_error *err)
{
	must(err->code == FL_INVALID && err->text[0]);
	must(!strchr(err->text, '\n') && memchr(err->text, '\0', sizeof(err->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct fl_config_node *root;
	struct fl_error err = { .code = FL_OK };
	struct pool pool;

	if (fl_config_parse(arena, "fuzz", (const char *)data, size, &root, &err) < 0) {
		must_be_phrase(&err);
		return 0;
	}
	walk(root, 1);
	if (fl_config_fill(arena, root, "it", table, FL_COUNT(table), NULL, &pool, sizeof(pool),
			   &err) < 0)
		must_be_phrase(&err);
	else
		must(pool.directory[0] == '/' && pool.size <= INT64_MAX);
	return 0;
}
