/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML reader of base/config.h. */
#include "base/config.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/test.h"

static struct fl_arena *arena;
static const struct fl_config_node *root;

static int parse(const char *text)
{
	root = NULL;
	return fl_config_parse(arena, "f.yaml", text, strlen(text), &root, &test_error);
}

/* Text that must be refused, and the whole sentence it gets. */
static void refused(const char *text, const char *sentence)
{
	FAILS(parse(text), FL_INVALID);
	SAME(test_error.text, sentence);
	OK(root == NULL);
}

static void a_document_becomes_nodes(void)
{
	const struct fl_config_node *pools, *pool;
	const char *key = NULL;

	WORKS(parse(
		"node:\n  id: worker-1\npools:\n  - {name: a, size: 10Gi}\n  - name: \"b c\"\n"));
	EQUAL(fl_config_kind(root), FL_CONFIG_MAP);
	EQUAL(fl_config_count(root), 2);
	SAME(fl_config_scalar(fl_config_get(fl_config_get(root, "node"), "id")), "worker-1");
	pools = fl_config_at(root, 1, &key);
	SAME(key, "pools");
	EQUAL(fl_config_kind(pools), FL_CONFIG_LIST);
	EQUAL(fl_config_count(pools), 2);
	pool = fl_config_at(pools, 0, &key);
	OK(key == NULL, "a list has no keys");
	EQUAL(fl_config_kind(pool), FL_CONFIG_MAP);
	SAME(fl_config_scalar(fl_config_get(pool, "size")), "10Gi");
	pool = fl_config_at(pools, 1, NULL);
	SAME(fl_config_scalar(fl_config_get(pool, "name")), "b c");
	OK(fl_config_get(pool, "size") == NULL);
	OK(fl_config_get(pools, "x") == NULL, "a list has no keys");
	OK(fl_config_scalar(pools) == NULL && fl_config_scalar(root) == NULL);
	EQUAL(fl_config_count(fl_config_get(pool, "name")), 0);
}

static void texts_of_all_styles_are_read(void)
{
	WORKS(parse(
		"a: plain words\nb: 'it''s'\nc: \"x\\ty\"\nd: |\n  one\n  two\ne: >\n  f\n  g\n"));
	SAME(fl_config_scalar(fl_config_get(root, "a")), "plain words");
	SAME(fl_config_scalar(fl_config_get(root, "b")), "it's");
	SAME(fl_config_scalar(fl_config_get(root, "c")), "x\ty");
	SAME(fl_config_scalar(fl_config_get(root, "d")), "one\ntwo\n");
	SAME(fl_config_scalar(fl_config_get(root, "e")), "f g\n");
}

static void an_empty_document_is_an_empty_map(void)
{
	static const char *const empty[] = {
		"", "\n\n", "# nothing\n", "---\n", "---\n...\n", "{}"
	};

	for (size_t i = 0; i < FL_COUNT(empty); i++) {
		WORKS(parse(empty[i]));
		EQUAL(fl_config_kind(root), FL_CONFIG_MAP);
		EQUAL(fl_config_count(root), 0);
	}
}

static void what_gives_two_readings_is_refused(void)
{
	refused("a: 1\nb: 2\na: 3\n", "f.yaml:3: the key \"a\" stands here twice");
	refused("a: 1\nb: &x 2\n", "f.yaml:2: anchors (&x) are not supported");
	refused("a: &x {b: 1}\n", "f.yaml:1: anchors (&x) are not supported");
	refused("a: &x [b]\n", "f.yaml:1: anchors (&x) are not supported");
	refused("&x a: 1\n", "f.yaml:1: anchors (&x) are not supported");
	refused("a:\n  - *x\n", "f.yaml:2: aliases (*x) are not supported");
	refused("*x : 1\n", "f.yaml:1: a key must be a plain word");
	refused("a: !!int 1\n", "f.yaml:1: tags (tag:yaml.org,2002:int) are not supported");
	refused("a: ! 1\n", "f.yaml:1: tags (!) are not supported");
	refused("a: !x {b: 1}\n", "f.yaml:1: tags (!x) are not supported");
	refused("a: !x [b]\n", "f.yaml:1: tags (!x) are not supported");
	refused("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins here");
	refused("---\n---\n", "f.yaml:2: a second document begins here");
}

static void odd_keys_are_refused(void)
{
	refused("a: 1\n\"\": 2\n", "f.yaml:2: a key is empty");
	refused("? [a]\n: 1\n", "f.yaml:1: a key must be a plain word");
	refused("? {a: 1}\n: 1\n", "f.yaml:1: a key must be a plain word");
	refused("a: \"x\\0y\"\n", "f.yaml:1: a text contains a NUL character");
	refused("\"x\\0y\": 1\n", "f.yaml:1: a text contains a NUL character");
}

static void what_is_no_yaml_is_refused_with_its_line(void)
{
	static const struct {
		const char *text;
		const char *start;
	} cases[] = {
		{ "a: 1\nb: [1, 2\n", "f.yaml:3: not YAML: " },
		{ "a: 1\n\tb: 2\n", "f.yaml:2: not YAML: " },
		{ "a: 1\n b: 2\n", "f.yaml:2: not YAML: " },
		{ "a: \"x\n", "f.yaml:2: not YAML: " },
		{ "a: 1\nb\n", "f.yaml:3: not YAML: " },
		{ "a: @x\n", "f.yaml:1: not YAML: " },
		{ "a: \xff\n", "f.yaml: not UTF-8 text: " },
		{ "a: \xe2\x82\n", "f.yaml: not UTF-8 text: " },
		{ "a: \x01\n", "f.yaml: not UTF-8 text: " },
	};

	for (size_t i = 0; i < FL_COUNT(cases); i++) {
		FAILS(parse(cases[i].text), FL_INVALID);
		OK(fl_text_starts_with(test_error.text, cases[i].start), "%s", test_error.text);
	}
}

/* `levels` nested lists, in one line. */
static const char *nested(size_t levels)
{
	char *text = fl_arena_alloc(arena, levels * 2 + 1);

	memset(text, '[', levels);
	memset(text + levels, ']', levels);
	return text;
}

static void limits_are_kept(void)
{
	char *text = fl_arena_alloc(arena, (1 << 20) + 2);
	size_t n = 0;

	WORKS(parse(nested(32)));
	refused(nested(33), "f.yaml:1: nested deeper than 32 levels");
	refused(nested(100000), "f.yaml:1: nested deeper than 32 levels");
	for (int i = 0; i <= 1000; i++)
		n += (size_t)snprintf(text + n, 20, "k%d: 1\n", i);
	refused(text, "f.yaml:1001: more than 1000 keys in one map");
	/* 100,001 entries and the list itself. */
	for (n = 0; n < 200002; n += 2)
		memcpy(text + n, n ? ",a" : "[a", 2);
	memcpy(text + n, "]", 2);
	refused(text, "f.yaml:1: more than 100000 values");
	memset(text, '#', (1 << 20) + 1);
	text[(1 << 20) + 1] = '\0';
	refused(text, "f.yaml is larger than 1 MiB");
	text[1 << 20] = '\0';
	WORKS(parse(text));
}

static void the_caller_s_own_checks_have_lines(void)
{
	WORKS(parse("a: 1\nb:\n  - x\n  - y\nc:\n  d: 1\n"));
	EQUAL(fl_config_fail(root, &test_error, "is %s", "bad"), -1);
	EQUAL(test_error.code, FL_INVALID);
	SAME(test_error.text, "f.yaml:1: is bad");
	fl_config_fail(fl_config_get(root, "b"), &test_error, "list");
	SAME(test_error.text, "f.yaml:2: list");
	fl_config_fail(fl_config_at(fl_config_get(root, "b"), 1, NULL), &test_error, "y");
	SAME(test_error.text, "f.yaml:4: y");
	/* A map is found at its key. */
	fl_config_fail(fl_config_get(root, "c"), &test_error, "%s", test_error.text);
	SAME(test_error.text, "f.yaml:5: f.yaml:4: y");
}

static void a_file_is_loaded_under_its_path(void)
{
	char path[] = "/tmp/fl-config-XXXXXX", wanted[100];
	int fd = mkostemp(path, O_CLOEXEC);

	OK(write(fd, "a: 1\na: 2\n", 10) == 10);
	FAILS(fl_config_load(arena, path, &root, &test_error), FL_INVALID);
	snprintf(wanted, sizeof(wanted), "%s:2: the key \"a\" stands here twice", path);
	SAME(test_error.text, wanted);
	OK(ftruncate(fd, 5) == 0);
	WORKS(fl_config_load(arena, path, &root, &test_error));
	SAME(fl_config_scalar(fl_config_get(root, "a")), "1");
	OK(ftruncate(fd, (1 << 20) + 1) == 0);
	FAILS(fl_config_load(arena, path, &root, &test_error), FL_OUT_OF_RANGE);
	close(fd);
	unlink(path);
	FAILS(fl_config_load(arena, path, &root, &test_error), FL_NOT_FOUND);
}

static const struct test tests[] = {
	{ "a document becomes nodes", a_document_becomes_nodes },
	{ "texts of all styles are read", texts_of_all_styles_are_read },
	{ "an empty document is an empty map", an_empty_document_is_an_empty_map },
	{ "what gives two readings is refused", what_gives_two_readings_is_refused },
	{ "odd keys are refused", odd_keys_are_refused },
	{ "what is no YAML is refused with its line", what_is_no_yaml_is_refused_with_its_line },
	{ "limits are kept", limits_are_kept },
	{ "the caller's own checks have lines", the_caller_s_own_checks_have_lines },
	{ "a file is loaded under its path", a_file_is_loaded_under_its_path },
};

int main(int argc, char **argv)
{
	int status;

	arena = fl_arena_new(0);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return status;
}
