/* SPDX-License-Identifier: Apache-2.0 */
/* The QMP client against a peer that this program plays: right, late, garbled, silent, gone. */
#include "node/launcher/qmp.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/launcher/qmp_line.h"
#include "tests/test.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"

/* The peer: says each of `says` (up to NULL) after it has got a request; NULL at once: hangs up. */
struct peer {
	int fd;
	const char *const *says;
	char heard[8][512];
	int fds; /* descriptors that came */
	pthread_t thread;
};

static bool peer_hear(struct peer *peer, char *text, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { .iov_base = text, .iov_len = size - 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(peer->fd, &message, MSG_CMSG_CLOEXEC);
	int fd;

	if (n <= 0)
		return false;
	text[n] = '\0';
	if (CMSG_FIRSTHDR(&message)) {
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
		close(fd);
		peer->fds++;
	}
	return true;
}

static void peer_say(struct peer *peer, const char *text)
{
	OK(send(peer->fd, text, strlen(text), MSG_NOSIGNAL) > 0);
}

static void *peer_run(void *cookie)
{
	struct peer *peer = cookie;

	peer_say(peer, GREETING);
	for (size_t i = 0; peer_hear(peer, peer->heard[i % 8], sizeof(peer->heard[0])); i++) {
		if (!peer->says[i])
			break;
		peer_say(peer, peer->says[i]);
	}
	shutdown(peer->fd, SHUT_RDWR);
	return NULL;
}

static struct fl_op op_of(struct fl_arena *arena, uint64_t ms)
{
	return (struct fl_op){ "test", fl_clock_after_ms(ms), arena, NULL };
}

static struct qmp *peer_start(struct fl_arena *arena, struct peer *peer, const char *const *says)
{
	struct fl_op op = op_of(arena, 5000);
	struct qmp *qmp = NULL;
	int fds[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	OK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	*peer = (struct peer){ .fd = fds[1], .says = says };
	OK(pthread_create(&peer->thread, NULL, peer_run, peer) == 0);
	WORKS(qmp_start(&op, fds[0], &qmp, &test_error));
	return qmp;
}

static void peer_end(struct peer *peer, struct qmp *qmp)
{
	qmp_close(qmp);
	pthread_join(peer->thread, NULL);
	close(peer->fd);
}

static void answers_refusals_and_events(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	static const char *const says[] = {
		"{\"return\": {}, \"id\": 1}\n",
		"{\"event\": \"X\"}\n{\"return\": {\"a\": 7}, \"id\": 2}\n",
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no way\"}, \"id\": 3}\n",
		"{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"none\"}, \"id\": 4}\n",
		"{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"what\"}, \"id\": 5}\n",
		NULL,
	};
	struct fl_op op = op_of(arena, 5000);
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct peer peer;
	struct qmp *qmp = peer_start(arena, &peer, says);
	uint64_t seen = 0;

	OK(strstr(peer.heard[0], "\"oob\""), "%s", peer.heard[0]);
	WORKS(qmp_call(&op, qmp, "ask", json_pack("{s:i}", "x", 1), &answer, &test_error));
	EQUAL(json_integer_value(json_object_get(answer, "a")), 7);
	EQUAL(qmp_events(qmp), 1);
	OK(qmp_wait(qmp, &seen, fl_clock_after_ms(1000)), "an event that has come is seen at once");
	OK(!qmp_wait(qmp, &seen, fl_clock_after_ms(10)), "but once");
	FAILS(qmp_call(&op, qmp, "b", NULL, NULL, &test_error), FL_INTERNAL);
	OK(strstr(test_error.text, "no way") && strstr(test_error.text, "b"));
	FAILS(qmp_call(&op, qmp, "c", NULL, NULL, &test_error), FL_NOT_FOUND);
	FAILS(qmp_call(&op, qmp, "d", NULL, NULL, &test_error), FL_UNSUPPORTED);
	OK(!qmp_is_gone(qmp));
	FAILS(qmp_call(&op, qmp, "e", NULL, NULL, &test_error), FL_UNAVAILABLE);
	OK(qmp_is_gone(qmp));
	OK(qmp_wait(qmp, &seen, fl_clock_after_ms(1000)), "the end wakes who waits");
	peer_end(&peer, qmp);
}

static void a_late_answer_is_dropped(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	static const char *const says[] = {
		"{\"return\": {}, \"id\": 1}\n",
		"{\"event\": \"SILENCE\"}\n",
		"{\"return\": \"late\", \"id\": 2}\n{\"return\": \"mine\", \"id\": 4}\n",
		NULL,
	};
	struct fl_op brief = op_of(arena, 50), op;
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct peer peer;
	struct qmp *qmp = peer_start(arena, &peer, says);

	FAILS(qmp_call(&brief, qmp, "slow", NULL, NULL, &test_error), FL_TIMEOUT);
	FAILS(qmp_call(&brief, qmp, "too late", NULL, NULL, &test_error), FL_TIMEOUT);
	OK(!qmp_is_gone(qmp), "a deadline that has passed costs no connection");
	/* The second one was never sent, but had a number: the third. */
	op = op_of(arena, 5000);
	WORKS(qmp_call(&op, qmp, "in time", NULL, &answer, &test_error));
	SAME(json_string_value(answer), "mine");
	peer_end(&peer, qmp);
}

static void a_descriptor_goes_with_its_command(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	static const char *const says[] = { "{\"return\": {}, \"id\": 1}\n",
					    "{\"return\": {}, \"id\": 2}\n", NULL };
	struct fl_op op = op_of(arena, 5000);
	struct peer peer;
	struct qmp *qmp = peer_start(arena, &peer, says);

	WORKS(qmp_call_fd(&op, qmp, "add-fd", NULL, STDOUT_FILENO, NULL, &test_error));
	EQUAL(peer.fds, 1);
	peer_end(&peer, qmp);
}

/* Whatever comes instead of QMP ends the connection and nothing else. */
static void garbage_ends_the_connection(void)
{
	static const char *const garbage[] = {
		"not JSON\n",
		"[1, 2]\n",
		"42\n",
		"\n",
		"{\"return\": \n",
		"{\"a\": \"\xff\xfe\"}\n",
		"{\"id\": 2, \"return\": {}, \"return\": {}}\n",
	};

	for (size_t i = 0; i < FL_COUNT(garbage); i++) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		const char *const says[] = { "{\"return\": {}, \"id\": 1}\n", garbage[i], NULL };
		struct fl_op op = op_of(arena, 5000);
		struct peer peer;
		struct qmp *qmp = peer_start(arena, &peer, says);

		FAILS(qmp_call(&op, qmp, "x", NULL, NULL, &test_error), FL_UNAVAILABLE);
		OK(qmp_is_gone(qmp), "%s", garbage[i]);
		peer_end(&peer, qmp);
	}
}

/* Objects that are JSON but no answer to anybody are passed over. */
static void strange_objects_are_passed_over(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	static const char *const says[] = {
		"{}\n{\"id\": \"1\"}\n{\"id\": -5, \"return\": 1}\n{\"event\": 7}\n"
		"{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 1}\n",
		"{\"id\": 99, \"error\": 3}\n{\"return\": {}, \"id\": 2}\n",
		NULL,
	};
	struct fl_op op = op_of(arena, 5000);
	struct peer peer;
	struct qmp *qmp = peer_start(arena, &peer, says);

	WORKS(qmp_call(&op, qmp, "x", NULL, NULL, &test_error));
	peer_end(&peer, qmp);
}

static void a_socket_without_greeting_times_out(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = op_of(arena, 50);
	struct qmp *qmp;
	int fds[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	FAILS(qmp_start(&op, fds[0], &qmp, &test_error), FL_TIMEOUT);
	close(fds[1]);
	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	OK(write(fds[1], "{\"hello\": 1}\n", 13) == 13);
	op = op_of(arena, 5000);
	FAILS(qmp_start(&op, fds[0], &qmp, &test_error), FL_INTERNAL);
	close(fds[1]);
	FAILS(qmp_open(&op, "/nowhere/qmp.sock", &qmp, &test_error), FL_UNAVAILABLE);
}

static void *lines_write(void *cookie)
{
	int fd = *(int *)cookie;
	char block[65536];

	memset(block, 'x', sizeof(block));
	while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void an_endless_line_is_bounded(void)
{
	struct qmp_lines lines = { .data = NULL };
	struct timespec until = fl_clock_after_ms(20000);
	pthread_t thread;
	json_t *json;
	int fds[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	OK(pthread_create(&thread, NULL, lines_write, &fds[1]) == 0);
	FAILS(qmp_lines_next(&lines, fds[0], &until, &json, &test_error), FL_INTERNAL);
	OK(lines.size <= QMP_LINE_MAX, "%zu", lines.size);
	close(fds[0]);
	pthread_join(thread, NULL);
	close(fds[1]);
	qmp_lines_release(&lines);
}

/* A stream cut anywhere gives the same messages. */
static void messages_come_in_any_pieces(void)
{
	static const char text[] = "{\"n\": 1}\r\n{\"n\": 2, \"s\": \"a\\nb\"}\n{\"n\": 3}\n";
	struct timespec until = fl_clock_after_ms(5000);

	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct qmp_lines lines = { .data = NULL };
		int fds[2];

		OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
		OK(write(fds[1], text, cut) == (ssize_t)cut);
		for (json_int_t n = 1; n <= 3; n++) {
			fl_cleanup(fl_json_release) json_t *json = NULL;
			struct timespec now = fl_clock_after_ms(0);

			if (qmp_lines_next(&lines, fds[0], &now, &json, &test_error) < 0) {
				EQUAL(test_error.code, FL_TIMEOUT);
				OK(write(fds[1], text + cut, sizeof(text) - 1 - cut) > 0 || n == 3);
				WORKS(qmp_lines_next(&lines, fds[0], &until, &json, &test_error));
			}
			EQUAL(json_integer_value(json_object_get(json, "n")), n);
		}
		close(fds[0]);
		close(fds[1]);
		qmp_lines_release(&lines);
	}
}

static const struct test tests[] = {
	{ "answers, refusals and events", answers_refusals_and_events },
	{ "a late answer is dropped", a_late_answer_is_dropped },
	{ "a descriptor goes with its command", a_descriptor_goes_with_its_command },
	{ "garbage ends the connection", garbage_ends_the_connection },
	{ "strange objects are passed over", strange_objects_are_passed_over },
	{ "a socket without greeting times out", a_socket_without_greeting_times_out },
	{ "an endless line is bounded", an_endless_line_is_bounded },
	{ "messages come in any pieces", messages_come_in_any_pieces },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
