/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of changed blocks: what they refuse, and what a backend may not tell. */
#include "stub.h"

#include <string.h>

#define SIZE 65536

/* What the backend under the checked calls answers. */
static struct fl_snapshot answered[2]; /* "s1" and "s2" */
static struct fl_extent told[8];
static size_t n_told;
static bool tells_on; /* although nobody wants more */
static unsigned n_calls;

static int stub_get(struct fl_pool *asked, const struct fl_op *op, const char *handle,
		    struct fl_snapshot *ret, struct fl_error *err)
{
	(void)asked, (void)op;
	for (size_t i = 0; i < FL_COUNT(answered); i++)
		if (strcmp(answered[i].handle, handle) == 0) {
			*ret = answered[i];
			return 0;
		}
	return fl_error_set(err, FL_NOT_FOUND, "there is no snapshot %s", handle);
}

static int stub_tell(fl_extent_see *see, void *cookie)
{
	n_calls++;
	for (size_t i = 0; i < n_told; i++)
		if (see(cookie, &told[i]) != 0 && !tells_on)
			return 0;
	return 0;
}

static int stub_allocated(struct fl_pool *asked, const struct fl_op *op, const char *snapshot,
			  uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
{
	(void)asked, (void)op, (void)snapshot, (void)from, (void)err;
	return stub_tell(see, cookie);
}

static int stub_delta(struct fl_pool *asked, const struct fl_op *op, const char *base,
		      const char *target, uint64_t from, fl_extent_see *see, void *cookie,
		      struct fl_error *err)
{
	(void)asked, (void)op, (void)base, (void)target, (void)from, (void)err;
	return stub_tell(see, cookie);
}

static const struct fl_snapshot_ops stub_snapshots = { .get = stub_get };
static const struct fl_change_ops stub_changes = { stub_allocated, stub_delta };
static struct fl_backend stub = {
	STUB_HEAD,
	.snapshots = &stub_snapshots,
};

static size_t n_seen;
static uint64_t bytes_seen;

static int count(void *cookie, const struct fl_extent *extent)
{
	n_seen++;
	bytes_seen += extent->bytes;
	return cookie && n_seen == *(const size_t *)cookie;
}

static void set_up(void)
{
	stub.changes = &stub_changes;
	tells_on = false;
	n_calls = 0;
	for (size_t i = 0; i < FL_COUNT(answered); i++)
		answered[i] = (struct fl_snapshot){ .handle = i ? "s2" : "s1",
						    .name = i ? "s2" : "s1",
						    .volume_handle = "v",
						    .size_bytes = SIZE,
						    .ready = true };
}

static int allocated(uint64_t from, size_t *enough)
{
	n_seen = bytes_seen = 0;
	return fl_snapshot_allocated(pool, &stub_op, "s1", from, count, enough, &test_error);
}

static int delta(const char *base, const char *target)
{
	n_seen = bytes_seen = 0;
	return fl_snapshot_delta(pool, &stub_op, base, target, 0, count, NULL, &test_error);
}

static void tell(size_t n, const struct fl_extent *extents)
{
	n_told = n;
	memcpy(told, extents, n * sizeof(*extents));
}

static void what_is_told_arrives(void)
{
	const struct fl_extent extents[] = {
		{ 512, 512 }, { 1024, 0 }, { 1024, 512 }, { SIZE, 0 }
	};

	set_up();
	tell(FL_COUNT(extents), extents);
	WORKS(allocated(512, NULL));
	EQUAL(n_seen, 4);
	EQUAL(bytes_seen, 1024);
	WORKS(delta("s1", "s2"));
	EQUAL(n_seen, 4);
}

static void what_may_not_be_told_is_noticed(void)
{
	const struct fl_extent broken[][2] = {
		{ { 8192, 512 }, { 4096, 512 } },     { { 8192, 1024 }, { 8704, 512 } },
		{ { 8192, 512 }, { 8703, 0 } },       { { 0, 512 }, { 8192, 512 } },
		{ { 8192, 100 }, { 16384, 512 } },    { { 8200, 512 }, { 16384, 512 } },
		{ { 8192, 512 }, { SIZE, 512 } },     { { 8192, 512 }, { SIZE - 512, 1024 } },
		{ { 8192, 512 }, { SIZE + 512, 0 } }, { { 8192, 512 }, { 8704, UINT64_MAX - 511 } },
	};

	set_up();
	for (size_t i = 0; i < FL_COUNT(broken); i++) {
		tell(2, broken[i]);
		FAILS(allocated(4096, NULL), FL_INTERNAL);
		OK(strstr(test_error.text, "broke its contract in snapshot_allocated"), "%s",
		   test_error.text);
	}
}

static void nothing_comes_after_the_end(void)
{
	const struct fl_extent extents[] = { { 0, 512 }, { 1024, 512 } };
	size_t enough = 1;

	set_up();
	tell(2, extents);
	WORKS(allocated(0, &enough));
	EQUAL(n_seen, 1);
	tells_on = true;
	FAILS(allocated(0, &enough), FL_INTERNAL);
	EQUAL(n_seen, 1);
}

static void offsets_are_checked(void)
{
	set_up();
	tell(0, told);
	FAILS(allocated(100, NULL), FL_INVALID);
	FAILS(allocated(SIZE + 512, NULL), FL_OUT_OF_RANGE);
	EQUAL(n_calls, 0);
	WORKS(allocated(SIZE, NULL));
}

static void snapshots_are_checked(void)
{
	set_up();
	tell(0, told);
	FAILS(delta("s1", "s3"), FL_NOT_FOUND);
	FAILS(delta("../s1", "s2"), FL_INVALID);
	answered[0].ready = false;
	FAILS(delta("s1", "s2"), FL_BUSY);
	FAILS(delta("s2", "s1"), FL_BUSY);
	FAILS(allocated(0, NULL), FL_BUSY);
	answered[0].failure = "the copy broke";
	FAILS(delta("s1", "s2"), FL_IN_USE);
	FAILS(allocated(0, NULL), FL_IN_USE);
	set_up();
	answered[1].size_bytes = 2 * SIZE;
	WORKS(delta("s1", "s2"));
	FAILS(delta("s2", "s1"), FL_INVALID);
	answered[1].volume_handle = "w";
	FAILS(delta("s1", "s2"), FL_INVALID);
	EQUAL(n_calls, 1);
}

static void a_backend_may_have_none(void)
{
	set_up();
	stub.changes = NULL;
	FAILS(allocated(0, NULL), FL_UNSUPPORTED);
	FAILS(delta("s1", "s2"), FL_UNSUPPORTED);
}

static const struct test tests[] = {
	{ "what a backend tells arrives", what_is_told_arrives },
	{ "what a backend may not tell is noticed", what_may_not_be_told_is_noticed },
	{ "nothing comes after the end", nothing_comes_after_the_end },
	{ "offsets are checked", offsets_are_checked },
	{ "snapshots are checked", snapshots_are_checked },
	{ "a backend may tell no changes", a_backend_may_have_none },
};

int main(int argc, char **argv)
{
	return stub_run(&stub, tests, FL_COUNT(tests), argc, argv);
}
