/* SPDX-License-Identifier: Apache-2.0 */
#include "node/session.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/roster.h"
#include "tests/test.h"

/* A session, its reading thread, and the peer's end of the connection. */
struct link {
	struct session *session;
	int peer;
	pthread_t reader;
};

static struct fl_arena *arena;

static void *link_read(void *cookie)
{
	struct session *session = cookie;

	for (;;) {
		fl_cleanup(fl_channel_message_release) struct fl_channel_message message = { 0 };
		fl_cleanup(fl_arena_release) struct fl_arena *own = fl_arena_new(0);
		struct fl_op op = { .id = "r", .deadline = fl_clock_after_ms(20000), .arena = own };
		struct fl_error err;

		if (fl_channel_receive(&op, session_fd(session), &message, &err) < 0)
			break;
		session_answer(session, message.json);
	}
	session_end(session);
	session_unref(session);
	return NULL;
}

static struct link link_open(void)
{
	struct link link = { 0 };
	int fds[2];

	OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	link.session = session_new(fds[0], getpid(), getuid());
	link.peer = fds[1];
	pthread_create(&link.reader, NULL, link_read, session_ref(link.session));
	return link;
}

static void link_close(struct link *link)
{
	fl_close(&link->peer);
	pthread_join(link->reader, NULL);
	session_unref(link->session);
}

/* One request on a thread of its own. */
struct asking {
	struct link *link;
	const char *method;
	uint64_t timeout_ms;
	json_t *result;
	struct fl_error err;
	pthread_t thread;
};

static void *asking_run(void *cookie)
{
	struct asking *asking = cookie;
	fl_cleanup(fl_arena_release) struct fl_arena *own = fl_arena_new(0);
	struct fl_op op = { .id = "a",
			    .deadline = fl_clock_after_ms(asking->timeout_ms),
			    .arena = own };

	if (session_call(asking->link->session, &op, asking->method, NULL, NULL, 0, &asking->result,
			 &asking->err) < 0)
		asking->result = NULL;
	return NULL;
}

static struct asking *ask(struct link *link, const char *method, uint64_t timeout_ms)
{
	struct asking *asking = fl_arena_alloc(arena, sizeof(*asking));

	asking->link = link;
	asking->method = method;
	asking->timeout_ms = timeout_ms;
	pthread_create(&asking->thread, NULL, asking_run, asking);
	return asking;
}

static void asked(struct asking *asking)
{
	pthread_join(asking->thread, NULL);
}

/* The next request at the peer: its id, and its method in *ret. */
static json_int_t peer_receives(struct link *link, const char **ret)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message message = { 0 };
	struct fl_op op = { .id = "p", .deadline = fl_clock_after_ms(5000), .arena = arena };

	WORKS(fl_channel_receive(&op, link->peer, &message, &test_error));
	*ret = fl_arena_strdup(arena, json_string_value(json_object_get(message.json, "method")));
	return json_integer_value(json_object_get(message.json, "id"));
}

static void peer_sends(struct link *link, json_t *message)
{
	struct fl_op op = { .id = "p", .deadline = fl_clock_after_ms(5000), .arena = arena };

	WORKS(fl_channel_send(&op, link->peer, message, NULL, 0, &test_error));
	json_decref(message);
}

static void answers_find_their_requests(void)
{
	struct link link = link_open();
	struct asking *asking[8];
	const char *method[8];
	json_int_t id[8];

	for (size_t i = 0; i < 8; i++)
		asking[i] = ask(&link, fl_arena_printf(arena, "m%zu", i), 5000);
	for (size_t i = 0; i < 8; i++)
		id[i] = peer_receives(&link, &method[i]);
	/* Answered in another order, with strangers in between. */
	peer_sends(&link, json_pack("{s:i, s:{}}", "id", 999, "result"));
	peer_sends(&link, json_pack("{s:s, s:{}}", "id", "x", "result"));
	peer_sends(&link, json_pack("{s:b}", "id", 1));
	for (size_t i = 8; i-- > 0;)
		peer_sends(&link,
			   json_pack("{s:I, s:{s:s}}", "id", id[i], "result", "method", method[i]));
	for (size_t i = 0; i < 8; i++) {
		asked(asking[i]);
		SAME(json_string_value(json_object_get(asking[i]->result, "method")),
		     asking[i]->method);
		json_decref(asking[i]->result);
	}
	link_close(&link);
}

static void errors_keep_their_code(void)
{
	struct link link = link_open();
	struct asking *asking = ask(&link, "resize", 5000);
	const char *method;
	json_int_t id = peer_receives(&link, &method);

	peer_sends(&link, json_pack("{s:I, s:{s:s, s:s}}", "id", id, "error", "code", "NO_SPACE",
				    "text", "full"));
	asked(asking);
	EQUAL(asking->err.code, FL_NO_SPACE);
	SAME(asking->err.text, "full");

	asking = ask(&link, "resize", 5000);
	id = peer_receives(&link, &method);
	peer_sends(&link, json_pack("{s:I, s:{s:s}}", "id", id, "error", "code", "OK"));
	asked(asking);
	EQUAL(asking->err.code, FL_INTERNAL);
	link_close(&link);
}

static void silence_ends_at_the_deadline(void)
{
	struct link link = link_open();
	struct asking *asking = ask(&link, "resize", 50);
	const char *method;
	json_int_t id = peer_receives(&link, &method);

	asked(asking);
	EQUAL(asking->err.code, FL_TIMEOUT);
	/* Too late: nobody waits any more. */
	peer_sends(&link, json_pack("{s:I, s:{}}", "id", id, "result"));
	asking = ask(&link, "next", 5000);
	id = peer_receives(&link, &method);
	SAME(method, "next");
	peer_sends(&link, json_pack("{s:I, s:{}}", "id", id, "result"));
	asked(asking);
	OK(asking->result != NULL);
	json_decref(asking->result);
	link_close(&link);
}

static void the_end_of_the_peer_ends_the_wait(void)
{
	struct link link = link_open();
	struct asking *asking = ask(&link, "resize", 20000);
	const char *method;

	peer_receives(&link, &method);
	fl_close(&link.peer);
	link.peer = -1;
	asked(asking);
	EQUAL(asking->err.code, FL_UNAVAILABLE);
	asking = ask(&link, "resize", 20000);
	asked(asking);
	EQUAL(asking->err.code, FL_UNAVAILABLE);
	link_close(&link);
}

static void waiting_requests_are_bounded(void)
{
	struct link link = link_open();
	struct asking *waiting[64], *one_more;
	const char *method;

	for (size_t i = 0; i < FL_COUNT(waiting); i++)
		waiting[i] = ask(&link, "m", 20000);
	for (size_t i = 0; i < FL_COUNT(waiting); i++)
		peer_receives(&link, &method);
	one_more = ask(&link, "m", 20000);
	asked(one_more);
	EQUAL(one_more->err.code, FL_BUSY);
	fl_close(&link.peer);
	link.peer = -1;
	for (size_t i = 0; i < FL_COUNT(waiting); i++) {
		asked(waiting[i]);
		EQUAL(waiting[i]->err.code, FL_UNAVAILABLE);
	}
	link_close(&link);
}

static void a_vm_has_one_session(void)
{
	static struct roster roster;
	struct link old = link_open(), young = link_open();
	struct session *stranger = session_new(fcntl(0, F_DUPFD_CLOEXEC, 3), 1, getuid() + 1);
	struct session *found;

	roster_init(&roster);
	OK(roster_find(&roster, "web1") == NULL);
	WORKS(roster_add(&roster, old.session, &test_error));
	WORKS(roster_add(&roster, young.session, &test_error));
	WORKS(roster_add(&roster, stranger, &test_error));
	WORKS(roster_hello(&roster, old.session, "web1", &test_error));
	WORKS(roster_hello(&roster, old.session, "web1", &test_error));
	FAILS(roster_hello(&roster, old.session, "web2", &test_error), FL_INVALID);
	FAILS(roster_hello(&roster, stranger, "web1", &test_error), FL_DENIED);
	WORKS(roster_hello(&roster, young.session, "web1", &test_error));
	found = roster_find(&roster, "web1");
	OK(found == young.session);
	session_unref(found);
	roster_remove(&roster, old.session);
	found = roster_find(&roster, "web1");
	OK(found == young.session, "the end of the old one changes nothing");
	session_unref(found);
	roster_remove(&roster, young.session);
	roster_remove(&roster, stranger);
	OK(roster_find(&roster, "web1") == NULL);
	roster_close(&roster);
	FAILS(roster_add(&roster, stranger, &test_error), FL_UNAVAILABLE);
	roster_destroy(&roster);
	session_unref(stranger);
	link_close(&old);
	link_close(&young);
}

static const struct test tests[] = {
	{ "answers find their requests", answers_find_their_requests },
	{ "errors keep their code", errors_keep_their_code },
	{ "silence ends at the deadline", silence_ends_at_the_deadline },
	{ "the end of the peer ends the wait", the_end_of_the_peer_ends_the_wait },
	{ "waiting requests are bounded", waiting_requests_are_bounded },
	{ "a VM has one session", a_vm_has_one_session },
};

int main(int argc, char **argv)
{
	int rc;

	arena = fl_arena_new(0);
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return rc;
}
