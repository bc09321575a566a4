/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping with calls in flight, and starting with wrong tables. */
#include <unistd.h>

#include "base/clock.h"
#include "desk.h"
#include "raw.h"
#include "tests/test.h"

static struct desk desk;

static void *open_gate_soon(void *arg)
{
	fl_clock_sleep_ms(300);
	desk_open_gate(arg);
	return NULL;
}

static void a_call_in_flight_finishes_within_the_grace(void)
{
	struct desk_waiter waiter;
	pthread_t opener;

	desk_open(&desk, "stop", NULL);
	desk_waiter_start(&waiter, &desk, 20000);
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	pthread_create(&opener, NULL, open_gate_soon, &desk);
	uint64_t start = fl_clock_us();
	WORKS(rpc_server_stop(desk.server, 10000, &test_error));
	OK(fl_clock_us() - start < 8000000, "the stop waited for the whole grace");
	desk_waiter_join(&waiter);
	EQUAL(waiter.result, 0);
	pthread_join(opener, NULL);
	OK(access(desk.path, F_OK) < 0, "the socket is still there");
	FAILS(desk_probe(&desk, &test_error), FL_UNAVAILABLE);
	OK(strstr(test_error.text, "no fairlead at unix:///tmp/"), "%s", test_error.text);
	desk_forget(&desk);
}

/* The handler goes on after its caller was cut, and ends before the last second does. */
static void a_call_that_outlives_the_grace_is_cut(void)
{
	struct desk_waiter waiter;
	pthread_t opener;

	desk_open(&desk, "stop", NULL);
	desk_waiter_start(&waiter, &desk, 20000);
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	pthread_create(&opener, NULL, open_gate_soon, &desk);
	WORKS(rpc_server_stop(desk.server, 50, &test_error));
	pthread_join(opener, NULL);
	desk_waiter_join(&waiter);
	EQUAL(waiter.result, -1);
	EQUAL(waiter.err.code, FL_UNAVAILABLE);
	EQUAL(desk.n_finished, 1);
	EQUAL(atomic_load(&desk.n_saw_cancel), 1);
	desk_forget(&desk);
}

static void a_handler_that_never_ends_is_reported(void)
{
	struct desk_waiter waiter;

	desk_open(&desk, "stop", NULL);
	desk_waiter_start(&waiter, &desk, 20000);
	OK(desk_await(&desk.n_waiting, 1), "no handler began");
	FAILS(rpc_server_stop(desk.server, 50, &test_error), FL_TIMEOUT);
	SAME(test_error.text, "1 calls are still at work 1050 ms after the stop");
	desk_waiter_join(&waiter);
	EQUAL(waiter.err.code, FL_UNAVAILABLE);
	/* Main would end the process here; a test waits until the handler is out of its memory. */
	desk_open_gate(&desk);
	OK(desk_last_done(&desk, "CreateVolume").cancelled);
	OK(access(desk.path, F_OK) < 0, "the socket is still there");
	OK(rmdir(desk.folder) == 0, "something is left in %s", desk.folder);
}

/* A peer that says nothing must not hold the stop up. */
static void a_silent_peer_does_not_delay_the_stop(void)
{
	desk_open(&desk, "stop", NULL);
	int silent = raw_connect(desk.path), greeted = raw_connect(desk.path);
	int begun = raw_connect(desk.path);
	OK(raw_greet(greeted));
	OK(raw_greet(begun) && raw_begin_call(begun, "/csi.v1.Controller/CreateVolume", NULL));
	WORKS(desk_probe(&desk, &test_error));
	uint64_t start = fl_clock_us();
	WORKS(rpc_server_stop(desk.server, 8000, &test_error));
	OK(fl_clock_us() - start < 4000000, "the stop took %llu us",
	   (unsigned long long)(fl_clock_us() - start));
	OK(raw_await_close(silent, 1000));
	close(silent);
	close(greeted);
	close(begun);
	desk_forget(&desk);
}

static int odd_handler(struct rpc_call *call, const void *request, void *response,
		       struct fl_error *err)
{
	(void)call;
	(void)request;
	(void)response;
	return fl_error_set(err, FL_INTERNAL, "never called");
}

static int start_with(const struct rpc_method *methods, size_t n, struct fl_error *err)
{
	struct rpc_service service = { &csi__v1__identity__descriptor, methods, n, NULL };
	const struct rpc_service *services[] = { &service };
	struct rpc_server_options options = { .services = services, .n_services = 1 };
	struct rpc_server *server = NULL;

	return rpc_server_new(&options, &server, err);
}

static void a_wrong_table_does_not_start(void)
{
	static const struct rpc_method misspelt[] = { { "GetPluginInfo", odd_handler, 0 },
						      { "GetPluginCapabilities", odd_handler, 0 },
						      { "Prod", odd_handler, 0 } };
	static const struct rpc_method quick_stream[] = {
		{ "GetPluginInfo", odd_handler, 0 },
		{ "GetPluginCapabilities", odd_handler, 0 },
		{ "Probe", odd_handler, RPC_QUICK | RPC_STREAM }
	};

	FAILS(start_with(misspelt, 2, &test_error), FL_INTERNAL);
	SAME(test_error.text, "service csi.v1.Identity: 2 methods in the table, 3 in the .proto");
	FAILS(start_with(misspelt, 3, &test_error), FL_INTERNAL);
	SAME(test_error.text,
	     "service csi.v1.Identity: method 2 is Prod in the table, Probe in the .proto");
	FAILS(start_with(quick_stream, 3, &test_error), FL_INTERNAL);
	SAME(test_error.text, "method Probe: a stream waits, so it cannot be quick");
}

static const struct test tests[] = {
	{ "a call in flight finishes within the grace",
	  a_call_in_flight_finishes_within_the_grace },
	{ "a call that outlives the grace is cut", a_call_that_outlives_the_grace_is_cut },
	{ "a silent peer does not delay the stop", a_silent_peer_does_not_delay_the_stop },
	{ "a wrong table does not start", a_wrong_table_does_not_start },
	{ "a handler that never ends is reported", a_handler_that_never_ends_is_reported },
};

int main(int argc, char **argv)
{
	int result = test_run(tests, FL_COUNT(tests), argc, argv);

	/* The last test left a server behind that cannot be released. */
	fflush(stdout);
	_exit(result);
}
