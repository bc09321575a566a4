/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of health: which broken promises of a backend they notice. */
#include "stub.h"

#include <string.h>

/* What the backend under the checked calls answers. */
static struct fl_health answered;

static int stub_list(struct fl_pool *listed, const struct fl_op *op, const char *after,
		     fl_volume_see *see, void *cookie, struct fl_error *err)
{
	struct fl_volume volume = { .handle = "a", .health = answered };

	(void)listed, (void)op, (void)after, (void)err;
	see(cookie, &volume);
	return 0;
}

static int stub_pool(struct fl_pool *asked, const struct fl_op *op, struct fl_health *ret,
		     struct fl_error *err)
{
	(void)asked, (void)op, (void)err;
	*ret = answered;
	return 0;
}

static int stub_volume(struct fl_pool *asked, const struct fl_op *op, const char *handle,
		       struct fl_health *ret, struct fl_error *err)
{
	(void)asked, (void)op, (void)handle, (void)err;
	*ret = answered;
	return 0;
}

static int stub_health_list(struct fl_pool *asked, const struct fl_op *op, const char *after,
			    fl_health_see *see, void *cookie, struct fl_error *err)
{
	(void)asked, (void)op, (void)err;
	see(cookie, after ? after : "a", &answered);
	return 0;
}

static const struct fl_health_ops stub_health = { stub_pool, stub_volume, stub_health_list };
static const struct fl_backend stub = {
	STUB_HEAD,
	.volume_list = stub_list,
	.health = &stub_health,
};

static int health_see(void *cookie, const char *handle, const struct fl_health *health)
{
	(void)handle, (void)health;
	++*(int *)cookie;
	return 0;
}

static int volume_see(void *cookie, const struct fl_volume *volume)
{
	(void)volume;
	++*(int *)cookie;
	return 0;
}

static void what_is_wrong_is_passed_on(void)
{
	struct fl_health got;
	int n = 0;

	answered = (struct fl_health){ 0 };
	WORKS(fl_pool_health(pool, &stub_op, &got, &test_error));
	EQUAL(got.n, 0);
	fl_health_add(arena, &answered, FL_HEALTH_DEGRADED, "Slow", "it takes %d s", 7);
	fl_health_add(arena, &answered, FL_HEALTH_INACCESSIBLE, "Slow", "it takes too long");
	WORKS(fl_volume_health(pool, &stub_op, "a", &got, &test_error));
	EQUAL(got.n, 2);
	SAME(got.entries[0].message, "it takes 7 s");
	EQUAL(got.entries[1].status, FL_HEALTH_INACCESSIBLE);
	WORKS(fl_volume_health_list(pool, &stub_op, NULL, health_see, &n, &test_error));
	WORKS(fl_volume_list(pool, &stub_op, NULL, volume_see, &n, &test_error));
	EQUAL(n, 2);
	FAILS(fl_volume_health(pool, &stub_op, "../a", &got, &test_error), FL_INVALID);
}

static void broken_promises_are_noticed(void)
{
	static char longest[502];
	static const struct fl_health_entry wrong[][2] = {
		{ { (enum fl_health_status)7, "Slow", "it is" } },
		{ { FL_HEALTH_DEGRADED, NULL, "it is" } },
		{ { FL_HEALTH_DEGRADED, "", "it is" } },
		{ { FL_HEALTH_DEGRADED, "slow", "it is" } },
		{ { FL_HEALTH_DEGRADED, "Too slow", "it is" } },
		{ { FL_HEALTH_DEGRADED, "Slow", NULL } },
		{ { FL_HEALTH_DEGRADED, "Slow", "" } },
		{ { FL_HEALTH_DEGRADED, "Slow", "a\nb" } },
		{ { FL_HEALTH_DEGRADED, "Slow", longest } },
		{ { FL_HEALTH_DEGRADED, "Slow", "a" }, { FL_HEALTH_DEGRADED, "Slow", "b" } },
	};
	struct fl_health got;
	int n = 0;

	memset(longest, 'x', 501);
	for (size_t i = 0; i < FL_COUNT(wrong); i++) {
		answered = (struct fl_health){ wrong[i], wrong[i][1].reason ? 2 : 1 };
		FAILS(fl_pool_health(pool, &stub_op, &got, &test_error), FL_INTERNAL);
		OK(strstr(test_error.text, "broke its contract") != NULL, "%s", test_error.text);
		FAILS(fl_volume_health(pool, &stub_op, "a", &got, &test_error), FL_INTERNAL);
		FAILS(fl_volume_health_list(pool, &stub_op, NULL, health_see, &n, &test_error),
		      FL_INTERNAL);
		FAILS(fl_volume_list(pool, &stub_op, NULL, volume_see, &n, &test_error),
		      FL_INTERNAL);
	}
	EQUAL(n, 0);
}

static void a_list_holds_what_is_not_well(void)
{
	int n = 0;

	answered = (struct fl_health){ 0 };
	FAILS(fl_volume_health_list(pool, &stub_op, NULL, health_see, &n, &test_error),
	      FL_INTERNAL);
	fl_health_add(arena, &answered, FL_HEALTH_DEGRADED, "Slow", "it is");
	FAILS(fl_volume_health_list(pool, &stub_op, "a/b", health_see, &n, &test_error),
	      FL_INTERNAL);
	EQUAL(n, 0);
}

static void a_pool_loses_no_data(void)
{
	struct fl_health got;

	answered = (struct fl_health){ 0 };
	fl_health_add(arena, &answered, FL_HEALTH_DATA_LOSS, "Lost", "it is");
	FAILS(fl_pool_health(pool, &stub_op, &got, &test_error), FL_INTERNAL);
	WORKS(fl_volume_health(pool, &stub_op, "a", &got, &test_error));
}

static const struct test tests[] = {
	{ "what is wrong is passed on", what_is_wrong_is_passed_on },
	{ "broken promises are noticed", broken_promises_are_noticed },
	{ "a list holds what is not well", a_list_holds_what_is_not_well },
	{ "a pool loses no data", a_pool_loses_no_data },
};

int main(int argc, char **argv)
{
	return stub_run(&stub, tests, FL_COUNT(tests), argc, argv);
}
