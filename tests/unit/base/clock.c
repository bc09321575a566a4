/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <signal.h>
#include <sys/time.h>

#include "tests/test.h"

static void a_deadline_passes(void)
{
	struct timespec deadline = fl_clock_after_ms(30);
	uint64_t left = fl_clock_left_ms(deadline);

	OK(left >= 1 && left <= 30, "%ju left", (uintmax_t)left);
	OK(!fl_clock_passed(deadline));
	fl_clock_sleep_ms(left);
	/* What is left is rounded up, so one sleep of it is enough. */
	OK(fl_clock_passed(deadline));
	EQUAL(fl_clock_left_ms(deadline), 0);
	OK(fl_clock_passed(fl_clock_after_ms(0)));
}

static void a_deadline_carries_over_the_second(void)
{
	for (uint64_t ms = 0; ms < 5000; ms += 7) {
		struct timespec deadline = fl_clock_after_ms(ms + 1000);
		uint64_t left = fl_clock_left_ms(deadline);

		OK(deadline.tv_nsec >= 0 && deadline.tv_nsec < 1000000000);
		OK(left > ms && left <= ms + 1000, "%ju left of %ju", (uintmax_t)left,
		   (uintmax_t)ms + 1000);
	}
}

static void a_huge_wait_does_not_overflow(void)
{
	struct timespec deadline = fl_clock_after_ms(UINT64_MAX);

	OK(!fl_clock_passed(deadline));
	OK(fl_clock_left_ms(deadline) > UINT64_C(1000) * 60 * 60 * 24 * 365);
}

static void the_earlier_deadline_wins(void)
{
	struct timespec a = { .tv_sec = 5, .tv_nsec = 1 }, b = { .tv_sec = 5, .tv_nsec = 2 };
	struct timespec c = { .tv_sec = 4, .tv_nsec = 999999999 };

	EQUAL(fl_clock_earlier(a, b).tv_nsec, 1);
	EQUAL(fl_clock_earlier(b, a).tv_nsec, 1);
	EQUAL(fl_clock_earlier(a, c).tv_sec, 4);
	EQUAL(fl_clock_earlier(c, a).tv_sec, 4);
}

static void the_clocks_run(void)
{
	uint64_t before = fl_clock_us();
	int64_t wall = fl_clock_wall_ns();

	fl_clock_sleep_ms(20);
	OK(fl_clock_us() - before >= 20000);
	OK(fl_clock_wall_ns() > wall);
	OK(wall / 1000000000 >= time(NULL) - 5 && wall / 1000000000 <= time(NULL));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void a_signal_does_not_shorten_a_sleep(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval every = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t before;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	before = fl_clock_us();
	fl_clock_sleep_ms(60);
	setitimer(ITIMER_REAL, &never, NULL);
	OK(fl_clock_us() - before >= 60000);
	OK(alarms > 0);
}

static const struct test tests[] = {
	{ "a deadline passes", a_deadline_passes },
	{ "a deadline carries over the second", a_deadline_carries_over_the_second },
	{ "a huge wait does not overflow", a_huge_wait_does_not_overflow },
	{ "the earlier deadline wins", the_earlier_deadline_wins },
	{ "the clocks run", the_clocks_run },
	{ "a signal does not shorten a sleep", a_signal_does_not_shorten_a_sleep },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
