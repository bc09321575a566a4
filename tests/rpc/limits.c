/* SPDX-License-Identifier: Apache-2.0 */
/* What peers may make grow, and what happens to the one that does. */
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "desk.h"
#include "raw.h"
#include "tests/test.h"

#define CREATE "/csi.v1.Controller/CreateVolume"
#define DELTA "/csi.v1.SnapshotMetadata/GetMetadataDelta"

static struct desk desk;

static void open_desk(const struct rpc_server_options *limits)
{
	desk_open(&desk, "limits", limits);
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* A peer that allows nobody to send it data, and asks for a volume of one letter. */
static int raw_take_nothing(void)
{
	static const unsigned char window_of_zero[] = { 0, 4, 0, 0, 0, 0 };
	int fd = raw_connect(desk.path);

	OK(raw_greet(fd));
	OK(raw_send_frame(fd, RAW_SETTINGS, 0, window_of_zero, sizeof(window_of_zero)));
	OK(raw_begin_call(fd, CREATE, NULL) && raw_send_message(fd, false, "\x0a\x01x", 3));
	return fd;
}

/* Whether a new connection gets an answer. */
static bool raw_is_served(void)
{
	int fd = raw_connect(desk.path);
	bool is_served = raw_greet(fd) && raw_begin_call(fd, CREATE, NULL) &&
			 raw_send_message(fd, false, "\x0a\x01x", 3) &&
			 raw_await_text(fd, "grpc-status", 5000);

	close(fd);
	return is_served;
}

static void connections_above_the_limit_are_closed(void)
{
	struct rpc_server_options limits = { .max_connections = 4 };
	struct timespec deadline = fl_clock_after_ms(10000);
	bool is_served = false;
	int fds[3];

	open_desk(&limits);
	WORKS(desk_probe(&desk, &test_error)); /* the first */
	for (size_t i = 0; i < FL_COUNT(fds); i++)
		OK((fds[i] = raw_connect(desk.path)) >= 0 && raw_greet(fds[i]));
	OK(!raw_is_served(), "a fifth connection is served");
	WORKS(desk_probe(&desk, &test_error));

	/* That one has ended is noticed, a little later. */
	close(fds[0]);
	while (!is_served && !fl_clock_passed(deadline))
		is_served = raw_is_served();
	OK(is_served, "no place became free");
	close_all(fds + 1, FL_COUNT(fds) - 1);
	desk_close(&desk);
}

static uint64_t used_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* gRPC keeps its descriptor as long as the call. */
static void a_connection_that_ended_costs_nothing_while_its_call_goes_on(void)
{
	struct rpc_server_options limits = { 0 };

	open_desk(&limits);
	int fd = raw_connect(desk.path);
	OK(raw_greet(fd) && raw_begin_call(fd, CREATE, NULL) &&
	   raw_send_message(fd, false, "\x0a\x04wait", 6));
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	close(fd);
	fl_clock_sleep_ms(200);
	uint64_t before = used_us();
	fl_clock_sleep_ms(1000);
	OK(used_us() - before < 300000, "%llu us of a processor in a second",
	   (unsigned long long)(used_us() - before));
	desk_open_gate(&desk);
	OK(desk_await(&desk.n_saw_cancel, 1), "the handler did not see it");
	desk_close(&desk);
}

static void a_request_that_stays_half_is_cut(void)
{
	struct rpc_server_options limits = { .patience_ms = 300 };

	open_desk(&limits);
	int fd = raw_connect(desk.path);
	OK(raw_greet(fd) && raw_begin_call(fd, CREATE, NULL));
	OK(raw_await_text(fd, "send the whole request", 10000), "it waits for ever");
	EQUAL(desk_last_done(&desk, "CreateVolume").code, FL_INVALID);
	EQUAL(desk.n_began, 0);
	close(fd);
	desk_close(&desk);
}

static void an_answer_that_nobody_takes_is_cut(void)
{
	struct rpc_server_options limits = { .patience_ms = 300 };

	open_desk(&limits);
	int fd = raw_take_nothing();
	OK(raw_await_text(fd, "take the answer", 10000), "it is kept for ever");
	close(fd);
	desk_close(&desk);
}

static void of_too_many_that_wait_the_oldest_is_cut(void)
{
	/* Room for five small answers. */
	struct rpc_server_options limits = { .max_held_bytes = 48 * 1024 };
	int fds[6];

	open_desk(&limits);
	for (unsigned i = 0; i < FL_COUNT(fds); i++) {
		fds[i] = raw_take_nothing();
		OK(desk_await(&desk.n_began, i + 1), "call %u", i);
	}
	OK(raw_await_text(fds[0], "take the answer", 10000), "the oldest stays");
	OK(!raw_await_text(fds[FL_COUNT(fds) - 1], "take the answer", 300), "the newest is cut");
	WORKS(desk_create(&desk, "another", 10000, &test_error));
	close_all(fds, FL_COUNT(fds));
	desk_close(&desk);
}

static void streams_leave_workers_to_others(void)
{
	struct rpc_server_options limits = { .n_workers = 2 };
	int fds[2];

	open_desk(&limits);
	for (size_t i = 0; i < FL_COUNT(fds); i++) {
		fds[i] = raw_connect(desk.path);
		OK(raw_greet(fds[i]) && raw_begin_call(fds[i], DELTA, NULL));
		OK(raw_send_message(fds[i], false, NULL, 0));
		OK(i > 0 || desk_await(&desk.n_sent, 1), "no stream");
	}
	OK(raw_await_text(fds[1], "1 streams are being read already", 10000), "a second stream");
	WORKS(desk_create(&desk, "another", 10000, &test_error));
	close_all(fds, FL_COUNT(fds));
	OK(desk_await(&desk.stream_error, FL_OK + 1), "the stream goes on");
	desk_close(&desk);
}

static void requests_that_wait_for_a_worker_have_a_size(void)
{
	struct rpc_server_options limits = { .n_workers = 1, .max_queued_bytes = 20000 };
	char message[8003] = "\x0a\xc0\x3e"; /* field 1, 8,000 bytes */
	struct desk_waiter first;
	int fds[3];

	memset(message + 3, 'x', 8000);
	open_desk(&limits);
	desk_waiter_start(&first, &desk, 20000);
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	for (size_t i = 0; i < FL_COUNT(fds); i++) {
		fds[i] = raw_connect(desk.path);
		OK(raw_greet(fds[i]) && raw_begin_call(fds[i], CREATE, NULL));
		OK(raw_send_message(fds[i], false, message, sizeof(message)));
		while (i < 2 && rpc_server_stats(desk.server).queued < i + 1)
			fl_clock_sleep_ms(2);
	}
	OK(raw_await_text(fds[2], "20000 bytes of requests wait", 10000), "the third waits too");
	desk_open_gate(&desk);
	OK(raw_await_text(fds[0], "grpc-status", 10000) &&
		   raw_await_text(fds[1], "grpc-status", 10000),
	   "those that waited are not answered");
	desk_waiter_join(&first);
	EQUAL(first.result, 0);
	WORKS(desk_create(&desk, "after", 10000, &test_error));
	close_all(fds, FL_COUNT(fds));
	desk_close(&desk);
}

static const struct test tests[] = {
	{ "connections above the limit are closed", connections_above_the_limit_are_closed },
	{ "a connection that ended costs nothing while its call goes on",
	  a_connection_that_ended_costs_nothing_while_its_call_goes_on },
	{ "a request that stays half is cut", a_request_that_stays_half_is_cut },
	{ "an answer that nobody takes is cut", an_answer_that_nobody_takes_is_cut },
	{ "of too many that wait the oldest is cut", of_too_many_that_wait_the_oldest_is_cut },
	{ "streams leave workers to others", streams_leave_workers_to_others },
	{ "requests that wait for a worker have a size",
	  requests_that_wait_for_a_worker_have_a_size },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
