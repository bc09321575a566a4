/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls that group snapshots need: which broken promises of a backend they notice. */
#include "stub.h"

#include <string.h>

/* What the backend under the checked calls answers. */
static struct fl_record record;
static struct fl_snapshot snapshot;
static unsigned n_asked;

static int stub_get(struct fl_pool *asked, const struct fl_op *op, const char *key,
		    struct fl_record *ret, struct fl_error *err)
{
	(void)asked, (void)op, (void)key, (void)err;
	n_asked++;
	*ret = record;
	return 0;
}

static int stub_set(struct fl_pool *asked, const struct fl_op *op, const char *key,
		    uint64_t expected, const char *value, uint64_t *ret_version,
		    struct fl_error *err)
{
	(void)asked, (void)op, (void)key, (void)expected, (void)value, (void)err;
	n_asked++;
	*ret_version = record.version;
	return 0;
}

/* Fails and does not say why. */
static int stub_remove(struct fl_pool *asked, const struct fl_op *op, const char *key,
		       uint64_t expected, struct fl_error *err)
{
	(void)asked, (void)op, (void)key, (void)err;
	n_asked++;
	return expected == 7 ? 0 : -1;
}

static int stub_create(struct fl_pool *asked, const struct fl_op *op,
		       const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
		       struct fl_error *err)
{
	(void)asked, (void)op, (void)spec, (void)err;
	n_asked++;
	*ret = snapshot;
	return 0;
}

static const struct fl_pool_record_ops stub_records = { stub_get, stub_set, stub_remove };
static const struct fl_snapshot_ops stub_snapshots = { .create = stub_create };
static const struct fl_backend stub = {
	STUB_HEAD,
	.snapshots = &stub_snapshots,
	.pool_records = &stub_records,
};
static const struct fl_backend bare = { STUB_HEAD };

static int get(const char *key)
{
	struct fl_record got;

	return fl_pool_record_get(pool, &stub_op, key, &got, &test_error);
}

static int set(const char *key, uint64_t expected, const char *value)
{
	uint64_t version = 99;
	int result =
		fl_pool_record_set(pool, &stub_op, key, expected, value, &version, &test_error);

	EQUAL(version, result == 0 ? record.version : 99);
	return result;
}

static void records_are_passed_on(void)
{
	struct fl_record got;

	record = (struct fl_record){ 5, "x" };
	WORKS(fl_pool_record_get(pool, &stub_op, "k", &got, &test_error));
	EQUAL(got.version, 5);
	SAME(got.value, "x");
	WORKS(set("k", 4, "y"));
	WORKS(fl_pool_record_remove(pool, &stub_op, "k", 7, &test_error));
}

static void what_is_no_record_is_not_asked_for(void)
{
	static char large[FL_RECORD_MAX + 2];
	static const char *const keys[] = { "", "..", "a/b", "a b", ".k", "k\n" };
	unsigned before = n_asked;

	memset(large, 'v', FL_RECORD_MAX + 1);
	for (size_t i = 0; i < FL_COUNT(keys); i++) {
		FAILS(get(keys[i]), FL_INVALID);
		FAILS(set(keys[i], 0, "x"), FL_INVALID);
		FAILS(fl_pool_record_remove(pool, &stub_op, keys[i], 0, &test_error), FL_INVALID);
	}
	FAILS(set("k", 0, large), FL_INVALID);
	FAILS(set("k", 0, NULL), FL_INVALID);
	EQUAL(n_asked, before);
}

static void broken_promises_of_records_are_noticed(void)
{
	record = (struct fl_record){ 5, NULL };
	FAILS(get("k"), FL_INTERNAL);
	record.version = 4;
	FAILS(set("k", 4, "x"), FL_INTERNAL);
	OK(strstr(test_error.text, "did not grow"), "%s", test_error.text);
	record.version = 0;
	FAILS(set("k", 0, "x"), FL_INTERNAL);
	FAILS(fl_pool_record_remove(pool, &stub_op, "k", 8, &test_error), FL_INTERNAL);
}

static int create(const char *group)
{
	const struct fl_snapshot_spec spec = { "group-1", "a", group, NULL };
	struct fl_snapshot got;

	return fl_snapshot_create(pool, &stub_op, &spec, &got, &test_error);
}

static void a_snapshot_is_of_the_group_that_was_asked_for(void)
{
	snapshot = (struct fl_snapshot){ .handle = "group-1",
					 .name = "group-1",
					 .volume_handle = "a",
					 .group = "g",
					 .size_bytes = 4096,
					 .ready = true };
	WORKS(create("g"));
	FAILS(create("h"), FL_INTERNAL);
	FAILS(create(NULL), FL_INTERNAL);
	FAILS(create("../g"), FL_INVALID);
	snapshot.group = NULL;
	FAILS(create("g"), FL_INTERNAL);
	WORKS(create(NULL));
	snapshot.group = "a/b";
	FAILS(create("g"), FL_INTERNAL);
}

/* Whoever finds the record of an interrupted group has to know what to remove. */
static void a_snapshot_of_a_group_has_its_name_as_handle(void)
{
	snapshot.group = "g";
	snapshot.handle = "17";
	FAILS(create("g"), FL_INTERNAL);
	snapshot.group = NULL;
	WORKS(create(NULL));
}

static void a_backend_without_them_says_so(void)
{
	struct fl_pool *with = pool;

	WORKS(fl_pool_open(&bare, &stub_op, "bare", NULL, &pool, &test_error));
	FAILS(get("k"), FL_UNSUPPORTED);
	FAILS(set("k", 0, "x"), FL_UNSUPPORTED);
	FAILS(fl_pool_record_remove(pool, &stub_op, "k", 0, &test_error), FL_UNSUPPORTED);
	fl_pool_close(pool);
	pool = with;
}

static const struct test tests[] = {
	{ "records are passed on", records_are_passed_on },
	{ "what is no record is not asked for", what_is_no_record_is_not_asked_for },
	{ "broken promises of records are noticed", broken_promises_of_records_are_noticed },
	{ "a snapshot is of the group that was asked for",
	  a_snapshot_is_of_the_group_that_was_asked_for },
	{ "a snapshot of a group has its name as handle",
	  a_snapshot_of_a_group_has_its_name_as_handle },
	{ "a backend without them says so", a_backend_without_them_says_so },
};

int main(int argc, char **argv)
{
	return stub_run(&stub, tests, FL_COUNT(tests), argc, argv);
}
