/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <errno.h>

static struct timespec clock_now(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now;
}

static bool clock_is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

struct timespec fl_clock_after_ms(uint64_t ms)
{
	/* A deadline past this is "never" in all but name, and adding it cannot overflow. */
	const uint64_t most = UINT64_C(1000) * 60 * 60 * 24 * 365 * 100;
	struct timespec t = clock_now(CLOCK_MONOTONIC);

	if (ms > most)
		ms = most;
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

uint64_t fl_clock_left_ms(struct timespec deadline)
{
	struct timespec now = clock_now(CLOCK_MONOTONIC);
	int64_t ns;

	if (!clock_is_before(now, deadline))
		return 0;
	ns = deadline.tv_nsec - now.tv_nsec;
	/* Rounded up: who sleeps for what is left must not wake before the deadline. */
	return (uint64_t)((int64_t)(deadline.tv_sec - now.tv_sec) * 1000 +
			  (ns + (ns > 0 ? 999999 : 0)) / 1000000);
}

bool fl_clock_passed(struct timespec deadline)
{
	return !clock_is_before(clock_now(CLOCK_MONOTONIC), deadline);
}

struct timespec fl_clock_earlier(struct timespec a, struct timespec b)
{
	return clock_is_before(b, a) ? b : a;
}

uint64_t fl_clock_us(void)
{
	struct timespec now = clock_now(CLOCK_MONOTONIC);

	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t fl_clock_wall_ns(void)
{
	struct timespec now = clock_now(CLOCK_REALTIME);

	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void fl_clock_sleep_ms(uint64_t ms)
{
	struct timespec until = fl_clock_after_ms(ms);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
}
