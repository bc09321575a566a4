/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of options of base/config.h: structs filled from maps and from pairs. */
#include <fcntl.h>
#include <unistd.h>

#include "base/config.h"
#include "tests/test.h"

static struct fl_arena *arena;

struct pool {
	const char *directory;
	const char *mode;
	const char *label;
	uint64_t number;
	uint64_t size;
	uint64_t wait_ms;
	bool thin;
	bool loud;
	struct fl_strings monitors;
	const char *key;
};

static const char *const modes[] = { "auto", "kvm", "tcg", NULL };

static const struct fl_option table[] = {
	{ "directory", FL_OPTION_PATH, offsetof(struct pool, directory), true, NULL, NULL,
	  "where the files live" },
	{ "mode", FL_OPTION_STRING, offsetof(struct pool, mode), false, "auto", modes, "how" },
	{ "label", FL_OPTION_STRING, offsetof(struct pool, label), false, NULL, NULL, "a label" },
	{ "number", FL_OPTION_NUMBER, offsetof(struct pool, number), false, NULL, NULL,
	  "how many" },
	{ "size", FL_OPTION_SIZE, offsetof(struct pool, size), false, "1Gi", NULL, "how large" },
	{ "wait", FL_OPTION_DURATION, offsetof(struct pool, wait_ms), false, "30s", NULL,
	  "how long" },
	{ "thin", FL_OPTION_BOOL, offsetof(struct pool, thin), false, "true", NULL,
	  "sparse files" },
	{ "loud", FL_OPTION_BOOL, offsetof(struct pool, loud), false, NULL, NULL, "talk" },
	{ "monitors", FL_OPTION_LIST, offsetof(struct pool, monitors), false, NULL, NULL,
	  "addresses" },
	{ "key", FL_OPTION_SECRET, offsetof(struct pool, key), false, NULL, NULL, "the key" },
};

static const char *const others[] = { "name", "backend", NULL };

static int fill(const char *yaml, struct pool *ret)
{
	const struct fl_config_node *root;

	if (fl_config_parse(arena, "f.yaml", yaml, strlen(yaml), &root, &test_error) < 0)
		return -1;
	return fl_config_fill(arena, root, "pool \"fast\"", table, FL_COUNT(table), others, ret,
			      sizeof(*ret), &test_error);
}

static void refused(const char *yaml, const char *sentence)
{
	struct pool pool;

	FAILS(fill(yaml, &pool), FL_INVALID);
	SAME(test_error.text, sentence);
}

static void every_kind_is_filled(void)
{
	struct pool pool;

	memset(&pool, 0xff, sizeof(pool));
	WORKS(fill("name: fast\ndirectory: /srv/x\nmode: kvm\nlabel: a b\nnumber: 7\nsize: 1.5Gi\n"
		   "wait: 500ms\nthin: false\nloud: true\nmonitors: [10.0.0.1, \"10.0.0.2\"]\n",
		   &pool));
	SAME(pool.directory, "/srv/x");
	SAME(pool.mode, "kvm");
	SAME(pool.label, "a b");
	EQUAL(pool.number, 7);
	EQUAL(pool.size, 1610612736);
	EQUAL(pool.wait_ms, 500);
	OK(!pool.thin && pool.loud);
	EQUAL(pool.monitors.n, 2);
	SAME(pool.monitors.items[0], "10.0.0.1");
	SAME(pool.monitors.items[1], "10.0.0.2");
	OK(pool.key == NULL);
}

static void defaults_fill_what_is_not_given(void)
{
	struct pool pool;

	memset(&pool, 0xff, sizeof(pool));
	WORKS(fill("directory: /x\n", &pool));
	SAME(pool.mode, "auto");
	EQUAL(pool.size, 1 << 30);
	EQUAL(pool.wait_ms, 30000);
	OK(pool.thin && !pool.loud);
	OK(pool.label == NULL && pool.key == NULL && pool.monitors.items == NULL);
	EQUAL(pool.monitors.n, 0);
	EQUAL(pool.number, 0);
	WORKS(fill("directory: /x\nmonitors: []\n", &pool));
	EQUAL(pool.monitors.n, 0);
}

static void a_wrong_key_is_named_with_the_nearest(void)
{
	refused("name: fast\ndirectry: /x\n",
		"f.yaml:2: unknown key \"directry\" in pool \"fast\": did you mean \"directory\"?");
	refused("directory: /x\nbakend: file\n",
		"f.yaml:2: unknown key \"bakend\" in pool \"fast\": did you mean \"backend\"?");
	refused("zzzzzz: 1\n",
		"f.yaml:1: unknown key \"zzzzzz\" in pool \"fast\": there are directory, mode, label, "
		"number, size, wait, thin, loud, monitors, key, name, backend");
	refused("directory: /x\nsizes:\n  - 1\n",
		"f.yaml:2: unknown key \"sizes\" in pool \"fast\": did you mean \"size\"?");
}

static void what_is_required_and_missing_is_named(void)
{
	refused("\nname: fast\n", "f.yaml:2: pool \"fast\" lacks the key \"directory\" (where the "
				  "files live)");
	refused("", "f.yaml:1: pool \"fast\" lacks the key \"directory\" (where the files live)");
}

static void a_wrong_value_is_named_with_its_line(void)
{
	refused("directory: relative\n",
		"f.yaml:1: \"directory\" in pool \"fast\" must be an absolute path, not \"relative\"");
	refused("directory:\n",
		"f.yaml:1: \"directory\" in pool \"fast\" must be an absolute path, not \"\"");
	refused("directory: /x\nlabel:\n",
		"f.yaml:2: \"label\" in pool \"fast\" must not be empty");
	refused("directory: /x\nmode: kmv\n",
		"f.yaml:2: \"mode\" in pool \"fast\" must be one of auto, kvm, tcg, not \"kmv\"");
	refused("directory: /x\nnumber: many\n",
		"f.yaml:2: \"number\" in pool \"fast\" must be a whole number: \"many\" is not a whole "
		"number");
	refused("directory: /x\nnumber: -1\n",
		"f.yaml:2: \"number\" in pool \"fast\" must be a whole number: \"-1\" is not a whole "
		"number");
	refused("directory: /x\nsize: 10Gb\n",
		"f.yaml:2: \"size\" in pool \"fast\" must be a size: \"10Gb\" is not a size: write bytes "
		"or a number with K, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi or Ei, such as 10Gi");
	refused("directory: /x\nwait: 30\n",
		"f.yaml:2: \"wait\" in pool \"fast\" must be a duration: \"30\" is not a duration: write "
		"a whole number with ms, s, m or h, such as 30s");
	refused("directory: /x\nthin: yes\n",
		"f.yaml:2: \"thin\" in pool \"fast\" must be true or false, not \"yes\"");
}

static void a_value_of_another_shape_is_refused(void)
{
	refused("directory: [/x]\n",
		"f.yaml:1: \"directory\" in pool \"fast\" must be one value, not a "
		"list");
	refused("directory: {a: b}\n",
		"f.yaml:1: \"directory\" in pool \"fast\" must be one value, not a map");
	refused("directory: /x\nmonitors: 10.0.0.1\n",
		"f.yaml:2: \"monitors\" in pool \"fast\" must be a list, such as [a, b]");
	refused("directory: /x\nmonitors: {a: b}\n",
		"f.yaml:2: \"monitors\" in pool \"fast\" must be a list, such as [a, b]");
	refused("directory: /x\nmonitors:\n  - a\n  - [b]\n",
		"f.yaml:4: \"monitors\" in pool \"fast\" must be a list of texts");
	refused("directory: /x\nmonitors: [a, \"\"]\n",
		"f.yaml:2: \"monitors\" in pool \"fast\" must be a list of texts");
	refused("[a]", "f.yaml:1: pool \"fast\" must be a map of keys and values");
	refused("a", "f.yaml:1: pool \"fast\" must be a map of keys and values");
}

/* Writes the secret's file and gives the YAML that names it. */
static const char *with_secret(const char *path, const char *content, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	OK(write(fd, content, size) == (ssize_t)size);
	close(fd);
	return fl_arena_printf(arena, "directory: /x\nkey: file:%s\n", path);
}

static void a_secret_comes_from_its_file(void)
{
	char path[] = "/tmp/fl-option-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	struct pool pool;

	close(fd);
	WORKS(fill(with_secret(path, "hunter2\n", 8), &pool));
	SAME(pool.key, "hunter2");
	WORKS(fill(with_secret(path, "hunter2", 7), &pool));
	SAME(pool.key, "hunter2");
	WORKS(fill(with_secret(path, " two\n\n", 6), &pool));
	SAME(pool.key, " two\n");
	FAILS(fill(with_secret(path, "\n", 1), &pool), FL_INVALID);
	OK(fl_text_ends_with(test_error.text, " is empty"), "%s", test_error.text);
	FAILS(fill(with_secret(path, "hun\0ter", 7), &pool), FL_INVALID);
	OK(fl_text_ends_with(test_error.text, " is binary"), "%s", test_error.text);
	OK(truncate(path, 65537) == 0);
	FAILS(fill(fl_arena_printf(arena, "directory: /x\nkey: file:%s\n", path), &pool),
	      FL_INVALID);
	unlink(path);
	FAILS(fill(fl_arena_printf(arena, "directory: /x\nkey: file:%s\n", path), &pool),
	      FL_INVALID);
	SAME(test_error.text,
	     fl_arena_printf(
		     arena,
		     "f.yaml:2: \"key\" in pool \"fast\" cannot be read: opening %s: No such "
		     "file or directory",
		     path));
}

static void a_secret_in_the_wrong_place_is_not_told(void)
{
	refused("directory: /x\nkey: hunter2\n",
		"f.yaml:2: \"key\" in pool \"fast\" must be file: and the absolute path of a file that "
		"holds the secret");
	refused("directory: /x\nkey: file:hunter2\n",
		"f.yaml:2: \"key\" in pool \"fast\" must be file: and the absolute path of a file that "
		"holds the secret");
}

static int fill_pairs(const struct fl_pair *pairs, size_t n, struct pool *ret)
{
	return fl_config_fill_pairs(arena, pairs, n, "parameters of pool \"fast\"", table,
				    FL_COUNT(table), ret, sizeof(*ret), &test_error);
}

static void pairs_fill_the_same_tables(void)
{
	static const struct fl_pair pairs[] = {
		{ "directory", "/first" }, { "size", "2Gi" },        { "monitors", "a,b c,d" },
		{ "thin", "false" },       { "directory", "/last" },
	};
	struct pool pool;

	memset(&pool, 0xff, sizeof(pool));
	WORKS(fill_pairs(pairs, FL_COUNT(pairs), &pool));
	SAME(pool.directory, "/last");
	EQUAL(pool.size, UINT64_C(2) << 30);
	OK(!pool.thin);
	EQUAL(pool.wait_ms, 30000);
	EQUAL(pool.monitors.n, 3);
	SAME(pool.monitors.items[1], "b c");
	SAME(pool.monitors.items[2], "d");
}

static void wrong_pairs_are_named_without_a_line(void)
{
	static const struct {
		struct fl_pair pair;
		const char *sentence;
	} cases[] = {
		{ { "thinn", "x" },
		  "unknown key \"thinn\" in parameters of pool \"fast\": did you mean \"thin\"?" },
		/* What belongs to the caller in a file is unknown in a request. */
		{ { "backend", "x" },
		  "unknown key \"backend\" in parameters of pool \"fast\": there are directory, mode, "
		  "label, number, size, wait, thin, loud, monitors, key" },
		{ { "thin", "1" },
		  "\"thin\" in parameters of pool \"fast\" must be true or false, not \"1\"" },
		{ { "monitors", "a,,b" },
		  "\"monitors\" in parameters of pool \"fast\" must be a list "
		  "such as a,b,c without empty items" },
		{ { "monitors", "" },
		  "\"monitors\" in parameters of pool \"fast\" must be a list such "
		  "as a,b,c without empty items" },
		{ { "label", "" }, "\"label\" in parameters of pool \"fast\" must not be empty" },
		{ { "size", "1Gi" },
		  "parameters of pool \"fast\" lacks the key \"directory\" (where the files live)" },
	};
	struct pool pool;

	for (size_t i = 0; i < FL_COUNT(cases); i++) {
		FAILS(fill_pairs(&cases[i].pair, 1, &pool), FL_INVALID);
		SAME(test_error.text, cases[i].sentence);
	}
	FAILS(fl_config_fill_pairs(arena, &cases[0].pair, 1, "it", NULL, 0, &pool, 0, &test_error),
	      FL_INVALID);
	SAME(test_error.text, "unknown key \"thinn\" in it: it has no keys");
	WORKS(fl_config_fill_pairs(arena, NULL, 0, "it", NULL, 0, &pool, 0, &test_error));
}

static void a_bad_default_is_our_own_fault_and_is_told(void)
{
	static const struct fl_option bad[] = {
		{ "thin", FL_OPTION_BOOL, 0, false, "maybe", NULL, "x" },
	};
	bool thin;

	FAILS(fl_config_fill_pairs(arena, NULL, 0, "it", bad, 1, &thin, sizeof(thin), &test_error),
	      FL_INVALID);
	SAME(test_error.text, "the default: \"thin\" in it must be true or false, not \"maybe\"");
}

static void a_table_prints_itself(void)
{
	char text[2000] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	fl_config_print_options(out, table, FL_COUNT(table));
	fclose(out);
	SAME(text, "directory  path          required      where the files live\n"
		   "mode       auto|kvm|tcg  default auto  how\n"
		   "label      text          optional      a label\n"
		   "number     number        optional      how many\n"
		   "size       size          default 1Gi   how large\n"
		   "wait       duration      default 30s   how long\n"
		   "thin       true|false    default true  sparse files\n"
		   "loud       true|false    optional      talk\n"
		   "monitors   list          optional      addresses\n"
		   "key        file:/PATH    optional      the key\n");
}

static const struct test tests[] = {
	{ "every kind is filled", every_kind_is_filled },
	{ "defaults fill what is not given", defaults_fill_what_is_not_given },
	{ "a wrong key is named with the nearest", a_wrong_key_is_named_with_the_nearest },
	{ "what is required and missing is named", what_is_required_and_missing_is_named },
	{ "a wrong value is named with its line", a_wrong_value_is_named_with_its_line },
	{ "a value of another shape is refused", a_value_of_another_shape_is_refused },
	{ "a secret comes from its file", a_secret_comes_from_its_file },
	{ "a secret in the wrong place is not told", a_secret_in_the_wrong_place_is_not_told },
	{ "pairs fill the same tables", pairs_fill_the_same_tables },
	{ "wrong pairs are named without a line", wrong_pairs_are_named_without_a_line },
	{ "a bad default is our own fault and is told",
	  a_bad_default_is_our_own_fault_and_is_told },
	{ "a table prints itself", a_table_prints_itself },
};

int main(int argc, char **argv)
{
	int status;

	arena = fl_arena_new(0);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return status;
}
