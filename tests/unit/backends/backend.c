/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls: what they refuse, and which broken promises of a backend they notice. */
#include "backends/backend.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metric.h"
#include "tests/test.h"

static struct fl_arena *arena;
static struct fl_op op;

/* What the backend under the checked calls answers. */
static int answer;
static struct fl_volume answered_volume;
static struct fl_source answered_source;
static uint64_t answered_bytes;
static unsigned n_calls;

static int stub_open(struct fl_pool **ret, const struct fl_op *with, const char *name,
		     const void *options, struct fl_error *err)
{
	(void)with, (void)name, (void)err;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->without = options ? *(const unsigned *)options : 0;
	return answer;
}

static void stub_close(struct fl_pool *pool)
{
	free(pool);
}

static int stub_create(struct fl_pool *pool, const struct fl_op *with,
		       const struct fl_volume_spec *spec, struct fl_volume *ret,
		       struct fl_error *err)
{
	(void)pool, (void)with, (void)spec, (void)err;
	n_calls++;
	*ret = answered_volume;
	return answer;
}

static int stub_delete(struct fl_pool *pool, const struct fl_op *with, const char *handle,
		       struct fl_error *err)
{
	(void)pool, (void)with, (void)handle, (void)err;
	n_calls++;
	return answer;
}

static int stub_get(struct fl_pool *pool, const struct fl_op *with, const char *handle,
		    struct fl_volume *ret, struct fl_error *err)
{
	(void)pool, (void)with, (void)handle, (void)err;
	n_calls++;
	*ret = answered_volume;
	return answer;
}

static int stub_list(struct fl_pool *pool, const struct fl_op *with, const char *after,
		     fl_volume_see *see, void *cookie, struct fl_error *err)
{
	(void)pool, (void)with, (void)after, (void)see, (void)cookie, (void)err;
	return answer;
}

static int stub_publish(struct fl_pool *pool, const struct fl_op *with,
			const struct fl_publish_spec *spec, struct fl_source *ret,
			struct fl_error *err)
{
	(void)pool, (void)with, (void)spec, (void)err;
	*ret = answered_source;
	return answer;
}

static int stub_resize(struct fl_pool *pool, const struct fl_op *with, const char *handle,
		       uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
		       struct fl_error *err)
{
	(void)pool, (void)with, (void)handle, (void)min_bytes, (void)max_bytes, (void)err;
	*ret_bytes = answered_bytes;
	return answer;
}

static const struct fl_backend stub = {
	.abi = FL_BACKEND_ABI,
	.size = sizeof(struct fl_backend),
	.name = "stub",
	.flags = FL_BACKEND_SHARED | FL_BACKEND_NODE_LOCAL,
	.open = stub_open,
	.close = stub_close,
	.volume_create = stub_create,
	.volume_delete = stub_delete,
	.volume_get = stub_get,
	.volume_list = stub_list,
	.publish = stub_publish,
	.resize = stub_resize,
};

static struct fl_pool *pool;

static void set_up(void)
{
	answer = 0;
	n_calls = 0;
	answered_volume = (struct fl_volume){ .handle = "a", .name = "a", .size_bytes = 4096 };
	answered_source =
		(struct fl_source){ .kind = FL_SOURCE_FILE, .size_bytes = 4096, .file = { "/a" } };
	answered_bytes = 8192;
}

static int create(const char *name, uint64_t min_bytes, uint64_t max_bytes)
{
	struct fl_volume_spec spec = { .name = name,
				       .min_bytes = min_bytes,
				       .max_bytes = max_bytes };
	struct fl_volume volume;

	return fl_volume_create(pool, &op, &spec, &volume, &test_error);
}

static void requests_are_checked(void)
{
	struct fl_volume_spec spec = { .name = "a",
				       .min_bytes = 512,
				       .content = { FL_CONTENT_SNAPSHOT, "s" } };
	char longest[130] = { 0 };
	struct fl_volume volume;

	set_up();
	memset(longest, 'x', 129);
	FAILS(create("", 512, 0), FL_INVALID);
	FAILS(create(NULL, 512, 0), FL_INVALID);
	FAILS(create(longest, 512, 0), FL_INVALID);
	FAILS(create("a\vb", 512, 0), FL_INVALID);
	FAILS(create("a\xff", 512, 0), FL_INVALID);
	FAILS(create("a", 0, 0), FL_INVALID);
	FAILS(create("a", 513, 0), FL_INVALID);
	FAILS(create("a", 512, 513), FL_INVALID);
	FAILS(create("a", 1024, 512), FL_OUT_OF_RANGE);
	FAILS(create("a", UINT64_MAX / 512 * 512, 0), FL_OUT_OF_RANGE);
	FAILS(fl_volume_create(pool, &op, &spec, &volume, &test_error), FL_UNSUPPORTED);
	spec.content.kind = FL_CONTENT_VOLUME;
	FAILS(fl_volume_create(pool, &op, &spec, &volume, &test_error), FL_UNSUPPORTED);
	FAILS(fl_volume_delete(pool, &op, "../a", &test_error), FL_INVALID);
	FAILS(fl_volume_get(pool, &op, "", &volume, &test_error), FL_INVALID);
	FAILS(fl_volume_get(pool, &op, NULL, &volume, &test_error), FL_INVALID);
	EQUAL(n_calls, 0);
}

static void absent_members_are_unsupported(void)
{
	struct fl_snapshot_spec spec = { .name = "s", .volume_handle = "a" };
	struct fl_copy_target target = { .snapshot = &spec };
	struct fl_snapshot snapshot;
	struct fl_capacity capacity;
	struct fl_record record;
	struct fl_copy copy;

	set_up();
	FAILS(fl_pool_capacity(pool, &op, true, &capacity, &test_error), FL_UNSUPPORTED);
	FAILS(fl_snapshot_create(pool, &op, &spec, &snapshot, &test_error), FL_UNSUPPORTED);
	FAILS(fl_snapshot_delete(pool, &op, "s", &test_error), FL_UNSUPPORTED);
	FAILS(fl_volume_record_get(pool, &op, "a", "k", &record, &test_error), FL_UNSUPPORTED);
	FAILS(fl_copy_begin(pool, &op, &target, &copy, &test_error), FL_UNSUPPORTED);
}

static void broken_promises_are_noticed(void)
{
	static const struct fl_volume wrong[] = {
		{ .handle = NULL, .name = "a", .size_bytes = 4096 },
		{ .handle = "a/b", .name = "a", .size_bytes = 4096 },
		{ .handle = "a", .name = NULL, .size_bytes = 4096 },
		{ .handle = "a", .name = "b", .size_bytes = 4096 },
		{ .handle = "a", .name = "a", .size_bytes = 0 },
		{ .handle = "a", .name = "a", .size_bytes = 4097 },
		{ .handle = "a", .name = "a", .size_bytes = 512 },
		{ .handle = "a", .name = "a", .size_bytes = 16384 },
	};
	struct fl_publish_spec publish = { .handle = "a", .node = "n" };
	struct fl_source source;
	struct fl_volume volume;
	uint64_t bytes;

	for (size_t i = 0; i < FL_COUNT(wrong); i++) {
		set_up();
		answered_volume = wrong[i];
		FAILS(create("a", 4096, 8192), FL_INTERNAL);
		OK(strstr(test_error.text, "backend stub broke its contract in volume_create") !=
			   NULL,
		   "%s", test_error.text);
	}
	set_up();
	FAILS(fl_volume_get(pool, &op, "other", &volume, &test_error), FL_INTERNAL);
	FAILS(fl_volume_resize(pool, &op, "a", 16384, 0, &bytes, &test_error), FL_INTERNAL);
	FAILS(fl_volume_resize(pool, &op, "a", 512, 4096, &bytes, &test_error), FL_INTERNAL);
	answered_source.file.path = "relative";
	FAILS(fl_volume_publish(pool, &op, &publish, &source, &test_error), FL_INTERNAL);
	set_up();
	answered_source.read_only = true;
	FAILS(fl_volume_publish(pool, &op, &publish, &source, &test_error), FL_INTERNAL);
}

static void a_failure_says_why(void)
{
	set_up();
	answer = -1;
	FAILS(create("a", 4096, 0), FL_INTERNAL);
	OK(strstr(test_error.text, "did not say why") != NULL, "%s", test_error.text);
}

static void success_leaves_the_error_alone(void)
{
	set_up();
	fl_error_set(&test_error, FL_BUSY, "from before");
	EQUAL(fl_volume_delete(pool, &op, "a", &test_error), 0);
	SAME(test_error.text, "from before");
}

static void a_pool_narrows_its_flags(void)
{
	unsigned without = FL_BACKEND_NODE_LOCAL;
	struct fl_pool *narrow;

	set_up();
	EQUAL(pool->flags, FL_BACKEND_SHARED | FL_BACKEND_NODE_LOCAL);
	WORKS(fl_pool_open(&stub, &op, "narrow", &without, &narrow, &test_error));
	EQUAL(narrow->flags, FL_BACKEND_SHARED);
	SAME(narrow->name, "narrow");
	fl_pool_close(narrow);
	fl_pool_close(NULL);
}

static void calls_are_measured(void)
{
	fl_cleanup(fl_free) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	set_up();
	WORKS(create("a", 4096, 0));
	fl_metric_render(out);
	fclose(out);
	OK(strstr(text,
		  "fairlead_backend_seconds_count{backend=\"stub\",call=\"volume_create\"}") !=
		   NULL,
	   "%s", text);
}

static const struct test tests[] = {
	{ "requests are checked before the backend sees them", requests_are_checked },
	{ "absent members are unsupported", absent_members_are_unsupported },
	{ "broken promises are noticed", broken_promises_are_noticed },
	{ "a failure says why", a_failure_says_why },
	{ "success leaves the error alone", success_leaves_the_error_alone },
	{ "a pool narrows its flags", a_pool_narrows_its_flags },
	{ "calls are measured", calls_are_measured },
};

int main(int argc, char **argv)
{
	int result;

	arena = fl_arena_new(0);
	op = (struct fl_op){ .id = "t", .deadline = fl_clock_after_ms(60000), .arena = arena };
	set_up();
	if (fl_pool_open(&stub, &op, "p", NULL, &pool, &test_error) < 0)
		return 1;
	result = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_pool_close(pool);
	fl_arena_free(arena);
	return result;
}
