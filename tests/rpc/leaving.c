/* SPDX-License-Identifier: Apache-2.0 */
/* Callers that leave, and callers that find everybody busy. */
#include <unistd.h>

#include "base/clock.h"
#include "desk.h"
#include "raw.h"
#include "tests/test.h"

static struct desk desk;

static void open_desk(unsigned n_workers, unsigned queue_length)
{
	struct rpc_server_options limits = { .n_workers = n_workers, .queue_length = queue_length };

	desk_open(&desk, "leaving", &limits);
}

/* CreateVolume "wait", as field 1 of the message. */
static int raw_wait(void)
{
	int fd = raw_connect(desk.path);

	OK(raw_greet(fd) && raw_begin_call(fd, "/csi.v1.Controller/CreateVolume", NULL) &&
	   raw_send_message(fd, false, "\x0a\x04wait", 6));
	return fd;
}

static void a_deadline_is_seen_and_the_work_finished(void)
{
	open_desk(2, 4);
	FAILS(desk_create(&desk, "wait", 300, &test_error), FL_TIMEOUT);
	SAME(test_error.text,
	     "CreateVolume was not answered within 300 ms; it may still be at work");
	EQUAL(desk.n_waiting, 1);
	/* The server's own clock for it may end a little after the client's. */
	fl_clock_sleep_ms(300);
	desk_open_gate(&desk);
	OK(desk_await(&desk.n_finished, 1), "the handler did not finish");
	OK(desk_await(&desk.n_saw_cancel, 1), "the handler did not see it");
	struct desk_done done = desk_last_done(&desk, "CreateVolume");
	EQUAL(done.code, FL_OK);
	OK(done.cancelled);
	desk_close(&desk);
}

static void a_cancelled_call_is_seen_and_finished(void)
{
	open_desk(2, 4);
	int fd = raw_wait();
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	OK(raw_send_frame(fd, RAW_RST_STREAM, 0, "\0\0\0\x08", 4));
	WORKS(desk_probe(&desk, &test_error));
	fl_clock_sleep_ms(100);
	desk_open_gate(&desk);
	OK(desk_await(&desk.n_finished, 1), "the handler did not finish");
	OK(desk_await(&desk.n_saw_cancel, 1), "the handler did not see it");
	close(fd);
	desk_close(&desk);
}

static void a_caller_that_dies_is_seen(void)
{
	open_desk(2, 4);
	int fd = raw_wait();
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	close(fd);
	fl_clock_sleep_ms(100);
	desk_open_gate(&desk);
	OK(desk_await(&desk.n_saw_cancel, 1), "the handler did not see it");
	desk_close(&desk);
}

static void a_queued_call_whose_caller_left_never_begins(void)
{
	struct desk_waiter first;

	open_desk(1, 4);
	desk_waiter_start(&first, &desk, 10000);
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	FAILS(desk_create(&desk, "queued", 200, &test_error), FL_TIMEOUT);
	/* The server hears of it a moment later. */
	fl_clock_sleep_ms(300);
	desk_open_gate(&desk);
	desk_waiter_join(&first);
	EQUAL(first.result, 0);
	WORKS(desk_create(&desk, "after", 10000, &test_error));
	EQUAL(desk.n_began, 2);
	desk_close(&desk);
}

static void a_full_queue_is_unavailable_and_recovers(void)
{
	struct desk_waiter waiters[4];
	struct rpc_server_stats stats = { 0 };

	open_desk(2, 2);
	for (size_t i = 0; i < FL_COUNT(waiters); i++)
		desk_waiter_start(&waiters[i], &desk, 20000);
	for (int i = 0; i < 2000 && stats.queued < 2; i++) {
		stats = rpc_server_stats(desk.server);
		fl_clock_sleep_ms(2);
	}
	fl_clock_sleep_ms(20);
	stats = rpc_server_stats(desk.server);
	EQUAL(stats.running, 2);
	EQUAL(stats.queued, 2);
	OK(stats.oldest_ms >= 20 && stats.oldest_ms < 20000, "%u ms", (unsigned)stats.oldest_ms);
	FAILS(desk_create(&desk, "one too many", 10000, &test_error), FL_UNAVAILABLE);
	OK(strstr(test_error.text, "2 calls wait for a worker already"), "%s", test_error.text);

	/* Quick methods do not queue. */
	uint64_t start = fl_clock_us();
	WORKS(desk_probe(&desk, &test_error));
	OK(fl_clock_us() - start < 2000000, "a quick call took %llu us",
	   (unsigned long long)(fl_clock_us() - start));

	desk_open_gate(&desk);
	for (size_t i = 0; i < FL_COUNT(waiters); i++) {
		desk_waiter_join(&waiters[i]);
		EQUAL(waiters[i].result, 0);
	}
	WORKS(desk_create(&desk, "after", 10000, &test_error));
	stats = rpc_server_stats(desk.server);
	EQUAL(stats.queued, 0);
	desk_close(&desk);
}

static const struct test tests[] = {
	{ "a deadline is seen and the work finished", a_deadline_is_seen_and_the_work_finished },
	{ "a cancelled call is seen and finished", a_cancelled_call_is_seen_and_finished },
	{ "a caller that dies is seen", a_caller_that_dies_is_seen },
	{ "a queued call whose caller left never begins",
	  a_queued_call_whose_caller_left_never_begins },
	{ "a full queue is unavailable and recovers", a_full_queue_is_unavailable_and_recovers },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
