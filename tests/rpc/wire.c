/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that do not speak as a client does. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "desk.h"
#include "raw.h"
#include "tests/test.h"

#define KEEPALIVE_MS 300

static struct desk desk;

static void still_serving(void)
{
	WORKS(desk_probe(&desk, &test_error));
	WORKS(desk_create(&desk, "still", 10000, &test_error));
}

static void say(const void *bytes, size_t size)
{
	int fd = raw_connect(desk.path);

	OK(fd >= 0);
	OK(send(fd, bytes, size, MSG_NOSIGNAL) > 0);
	shutdown(fd, SHUT_WR);
	OK(raw_await_close(fd, 5000), "the server keeps the connection");
	close(fd);
}

static void garbage_ends_the_connection_only(void)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	unsigned char noise[4096];
	unsigned state = 20260101;

	say(http, strlen(http));
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(noise); i++) {
			state = state * 1664525u + 1013904223u;
			noise[i] = (unsigned char)(state >> 24);
		}
		say(noise, sizeof(noise));
	}
	still_serving();
}

static void garbage_after_the_greeting_ends_the_connection_only(void)
{
	char frame[64];

	for (int type = 0; type < 12; type++) {
		int fd = raw_connect(desk.path);
		OK(raw_greet(fd));
		memset(frame, 0xff, sizeof(frame));
		OK(raw_send_frame(fd, (enum raw_frame)type, 0xff, frame, sizeof(frame)));
		shutdown(fd, SHUT_WR);
		OK(raw_await_close(fd, 5000), "frame type %d", type);
		close(fd);
	}
	still_serving();
}

static void a_compressed_request_is_refused(void)
{
	int fd = raw_connect(desk.path);
	unsigned began = desk.n_began;

	OK(raw_greet(fd) && raw_begin_call(fd, "/csi.v1.Controller/CreateVolume", "gzip"));
	OK(raw_send_message(fd, true, "\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20));
	OK(raw_await_text(fd, "grpc-status", 5000), "no answer");
	close(fd);
	still_serving();
	EQUAL(desk.n_began, began + 1);
}

static void a_call_without_a_message_is_refused(void)
{
	int fd = raw_connect(desk.path);
	unsigned began = desk.n_began;

	OK(raw_greet(fd) && raw_begin_call(fd, "/csi.v1.Controller/CreateVolume", NULL));
	OK(raw_send_frame(fd, RAW_DATA, RAW_END_STREAM, NULL, 0));
	OK(raw_await_text(fd, "did not arrive whole", 5000), "no answer");
	close(fd);
	EQUAL(desk.n_began, began);
	still_serving();
}

static void half_open_connections_are_closed(void)
{
	int fds[50];

	for (size_t i = 0; i < FL_COUNT(fds); i++) {
		fds[i] = raw_connect(desk.path);
		OK(fds[i] >= 0);
		if (i % 2)
			OK(raw_greet(fds[i]));
	}
	still_serving();
	for (size_t i = 0; i < FL_COUNT(fds); i++) {
		OK(raw_await_close(fds[i], 20 * KEEPALIVE_MS), "connection %zu stays", i);
		close(fds[i]);
	}
	still_serving();
}

/* Only those who do not answer are cut: sidecars hold idle connections for days. */
static void an_idle_client_keeps_its_connection(void)
{
	WORKS(desk_probe(&desk, &test_error));
	fl_clock_sleep_ms(6 * KEEPALIVE_MS);
	WORKS(desk_probe(&desk, &test_error));
}

static const struct test tests[] = {
	{ "garbage ends the connection only", garbage_ends_the_connection_only },
	{ "garbage after the greeting ends the connection only",
	  garbage_after_the_greeting_ends_the_connection_only },
	{ "a compressed request is refused", a_compressed_request_is_refused },
	{ "a call without a message is refused", a_call_without_a_message_is_refused },
	{ "half-open connections are closed", half_open_connections_are_closed },
	{ "an idle client keeps its connection", an_idle_client_keeps_its_connection },
};

int main(int argc, char **argv)
{
	struct rpc_server_options limits = { .keepalive_ms = KEEPALIVE_MS };

	desk_open(&desk, "wire", &limits);
	int result = test_run(tests, FL_COUNT(tests), argc, argv);
	desk_close(&desk);
	return result;
}
