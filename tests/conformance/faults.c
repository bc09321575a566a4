/* SPDX-License-Identifier: Apache-2.0 */
/* faults BACKEND DIRECTORY: each call of a disk's life fails once, before or after its work; what
 * is asked again works, makes everything exactly once, and leaves nothing over. */
#include <pthread.h>
#include <stdatomic.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "faulty.h"
#include "leftovers.h"
#include "life.h"
#include "tests/test.h"

static const struct fl_backend *inner;
static const char *directory;

/* The check's own calls may be the ones that fail. */
static int check(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	(void)op;
	return life_check(pool, err);
}

static const struct life_step checking = { "check", check };

/* One life with call `call` failing; true when there was such a call. */
static bool live_with_fault(enum faulty_when when, unsigned call)
{
	struct fl_error *err = &test_error;
	bool reached;
	struct fl_pool *pool;

	faulty_set((struct faulty_plan){ FAULTY_NEVER, 0, 0 });
	WORKS(life_open(faulty_wrap(inner, 0), directory, &pool, err));
	if (test_failures)
		return false;
	faulty_set((struct faulty_plan){ when, call, 0 });
	for (size_t i = 0; i < life_n_making; i++)
		WORKS(life_insist(&life_making[i], pool, err));
	WORKS(life_insist(&checking, pool, err));
	for (size_t i = 0; i < life_n_removing; i++)
		WORKS(life_insist(&life_removing[i], pool, err));
	reached = faulty_calls() >= call;
	fl_pool_close(pool);
	EQUAL(leftovers_print(directory), 0);
	if (test_failures)
		printf("# with call %u failing %s its work\n", call,
		       when == FAULTY_BEFORE ? "before" : "after");
	return reached;
}

static void live_with_each_fault(enum faulty_when when)
{
	unsigned call = 1;

	while (live_with_fault(when, call) && test_failures == 0)
		call++;
	printf("# %u calls failed, one in each life\n", call - 1);
	OK(call > 8, "only %u calls", call);
}

static void calls_that_do_nothing(void)
{
	live_with_each_fault(FAULTY_BEFORE);
}

static void calls_whose_answer_is_lost(void)
{
	live_with_each_fault(FAULTY_AFTER);
}

static void *create_slowly(void *pool)
{
	fl_cleanup(life_op_release) struct fl_op op = life_op();
	struct fl_volume_spec spec = { .name = "slow", .min_bytes = 1 << 20 };
	struct fl_volume volume;
	struct fl_error err;

	return fl_volume_create(pool, &op, &spec, &volume, &err) == 0 ? pool : NULL;
}

static void a_serial_pool_is_waited_for(void)
{
	fl_cleanup(life_op_release) struct fl_op op = life_op();
	struct fl_pool *pool;
	struct fl_volume volume;
	pthread_t thread;
	void *worked = NULL;

	faulty_set((struct faulty_plan){ FAULTY_NEVER, 0, 0 });
	WORKS(life_open(faulty_wrap(inner, FL_BACKEND_SERIAL), directory, &pool, &test_error));
	faulty_set((struct faulty_plan){ FAULTY_LATE, 1, 400 });
	OK(pthread_create(&thread, NULL, create_slowly, pool) == 0);
	while (faulty_calls() == 0)
		fl_clock_sleep_ms(1);
	op.deadline = fl_clock_after_ms(50);
	FAILS(fl_volume_get(pool, &op, "slow", &volume, &test_error), FL_BUSY);
	op.deadline = fl_clock_after_ms(30000);
	WORKS(fl_volume_get(pool, &op, "slow", &volume, &test_error));
	pthread_join(thread, &worked);
	OK(worked != NULL, "the slow call failed");
	WORKS(fl_volume_delete(pool, &op, "slow", &test_error));
	fl_pool_close(pool);
}

static const struct test tests[] = {
	{ "each call may fail before its work", calls_that_do_nothing },
	{ "each call's answer may be lost", calls_whose_answer_is_lost },
	{ "a serial pool is waited for until the deadline", a_serial_pool_is_waited_for },
};

int main(int argc, char **argv)
{
	struct fl_error err;

	if (argc < 3) {
		fprintf(stderr, "usage: faults BACKEND DIRECTORY [TEST]\n");
		return 2;
	}
	if (fl_backend_load(argv[1], &inner, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	directory = argv[2];
	return test_run(tests, FL_COUNT(tests), argc - 2, argv + 2);
}
