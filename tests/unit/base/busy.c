/* SPDX-License-Identifier: Apache-2.0 */
/* Busy marks, and the progress of base/op.h that they show. */
#include "base/busy.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/test.h"

static void a_mark_is_taken_once(void)
{
	struct fl_busy *set = fl_busy_new();
	struct fl_busy_mark first = { 0 }, second = { 0 }, other = { 0 };

	WORKS(fl_busy_try(set, "volume a", "CreateVolume", &first, &test_error));
	FAILS(fl_busy_try(set, "volume a", "DeleteVolume", &second, &test_error), FL_BUSY);
	SAME(test_error.text, "volume a is busy: CreateVolume has been running for 0 s; ask again");
	OK(second.set == NULL, "a refused mark is not taken");
	fl_busy_release(&second);
	WORKS(fl_busy_try(set, "volume b", "DeleteVolume", &other, &test_error));
	fl_busy_release(&first);
	WORKS(fl_busy_try(set, "volume a", "DeleteVolume", &second, &test_error));
	fl_busy_release(&second);
	fl_busy_release(&other);
	fl_busy_free(set);
}

static void a_refusal_tells_how_far_the_other_is(void)
{
	struct fl_busy *set = fl_busy_new();
	struct fl_busy_mark mark = { 0 }, second = { 0 };
	struct fl_op op = { .progress = &mark.progress };

	WORKS(fl_busy_try(set, "volume a", "CreateSnapshot", &mark, &test_error));
	mark.since_us -= 14 * 1000000;
	fl_op_step(&op, "flushing", 0, 0);
	FAILS(fl_busy_try(set, "volume a", "x", &second, &test_error), FL_BUSY);
	SAME(test_error.text,
	     "volume a is busy: CreateSnapshot is at flushing for 14 s; ask again");
	fl_op_step(&op, "copying", UINT64_C(3) << 29, UINT64_C(10) << 30);
	FAILS(fl_busy_try(set, "volume a", "x", &second, &test_error), FL_BUSY);
	SAME(test_error.text, "volume a is busy: CreateSnapshot is at copying (1.5Gi of 10Gi) for "
			      "14 s; ask again");
	fl_busy_release(&mark);
	fl_busy_free(set);
}

static void a_step_without_onlookers_is_nothing(void)
{
	struct fl_progress progress = { .step = NULL };
	struct fl_op blind = { .progress = NULL }, seen = { .progress = &progress };

	fl_op_step(&blind, "copying", 1, 2);
	fl_op_step(&seen, "copying", 1, 2);
	SAME(progress.step, "copying");
	EQUAL(progress.done, 1);
	EQUAL(progress.total, 2);
}

static void a_zeroed_mark_is_released_without_harm(void)
{
	struct fl_busy_mark mark = { 0 };

	fl_busy_release(&mark);
	fl_busy_free(NULL);
	OK(mark.set == NULL);
}

static void a_mark_leaves_with_its_scope_and_keeps_its_own_key(void)
{
	struct fl_busy *set = fl_busy_new();
	struct fl_busy_mark again = { 0 };
	char key[] = "volume a";

	{
		fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };

		WORKS(fl_busy_try(set, key, "x", &mark, &test_error));
		key[7] = 'b';
		FAILS(fl_busy_try(set, "volume a", "x", &again, &test_error), FL_BUSY);
	}
	WORKS(fl_busy_try(set, "volume a", "x", &again, &test_error));
	fl_busy_release(&again);
	fl_busy_free(set);
}

struct seen {
	size_t n;
	uint64_t oldest_us;
	char keys[100];
};

static void see(void *cookie, const struct fl_busy_mark *mark, uint64_t age_us)
{
	struct seen *seen = cookie;

	seen->n++;
	if (age_us > seen->oldest_us)
		seen->oldest_us = age_us;
	strncat(seen->keys, mark->key, sizeof(seen->keys) - strlen(seen->keys) - 1);
}

static void each_mark_is_seen_with_its_age(void)
{
	struct fl_busy *set = fl_busy_new();
	struct fl_busy_mark a = { 0 }, b = { 0 }, c = { 0 };
	struct seen seen = { 0 };

	WORKS(fl_busy_try(set, "a", "x", &a, &test_error));
	WORKS(fl_busy_try(set, "b", "x", &b, &test_error));
	WORKS(fl_busy_try(set, "c", "x", &c, &test_error));
	b.since_us -= 5000000;
	/* From the middle of the list. */
	fl_busy_release(&a);
	fl_busy_each(set, see, &seen);
	EQUAL(seen.n, 2);
	OK(seen.oldest_us >= 5000000 && seen.oldest_us < 60000000);
	OK(strchr(seen.keys, 'b') && strchr(seen.keys, 'c'));
	fl_busy_release(&b);
	fl_busy_release(&c);
	fl_busy_free(set);
}

struct contest {
	struct fl_busy *set;
	int inside;
	_Atomic int refused;
	_Atomic int taken;
};

/* `inside` has no lock: the mark itself must keep the threads apart, and ThreadSanitizer
 * watches. */
static void *contend(void *cookie)
{
	struct contest *contest = cookie;

	for (int i = 0; i < 5000; i++) {
		fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
		struct fl_error err;
		struct fl_op op = { .progress = &mark.progress };

		if (fl_busy_try(contest->set, "volume a", "contend", &mark, &err) < 0) {
			contest->refused++;
			continue;
		}
		fl_op_step(&op, "counting", (uint64_t)i, 5000);
		contest->inside++;
		if (contest->inside == 1)
			contest->taken++;
		contest->inside--;
	}
	return NULL;
}

static void threads_exclude_each_other(void)
{
	struct contest contest = { .set = fl_busy_new() };
	pthread_t threads[4];

	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, contend, &contest);
	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	EQUAL(contest.taken + contest.refused, 20000);
	OK(contest.taken > 0);
	fl_busy_free(contest.set);
}

static const struct test tests[] = {
	{ "a mark is taken once", a_mark_is_taken_once },
	{ "a refusal tells how far the other is", a_refusal_tells_how_far_the_other_is },
	{ "a step without onlookers is nothing", a_step_without_onlookers_is_nothing },
	{ "a zeroed mark is released without harm", a_zeroed_mark_is_released_without_harm },
	{ "a mark leaves with its scope and keeps its own key",
	  a_mark_leaves_with_its_scope_and_keeps_its_own_key },
	{ "each mark is seen with its age", each_mark_is_seen_with_its_age },
	{ "threads exclude each other", threads_exclude_each_other },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
