/* SPDX-License-Identifier: Apache-2.0 */
#include "base/channel.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

static char folder[] = "/tmp/fl-channel-XXXXXX";
static struct fl_op op = { .id = "t" };

static const struct fl_op *within(uint64_t ms)
{
	op.deadline = fl_clock_after_ms(ms);
	return &op;
}

static const char *path_of(const char *name)
{
	return fl_arena_printf(op.arena, "%s/%s", folder, name);
}

/* Two connected ends. */
static void connected(int ret[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		abort();
}

/* Who has connected already: connect does not return before that. */
static int accepted(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static size_t open_descriptors(void)
{
	fl_cleanup(fl_closedir) DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(dir))
		n++;
	return n;
}

static void a_message_goes_over_with_its_descriptors(void)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message got = { .json = NULL };
	fl_cleanup(fl_json_release) json_t *json = json_pack("{s:i}", "id", 7);
	int ends[2], fds[FL_CHANNEL_MAX_FDS];
	struct stat sent, received;

	connected(ends);
	for (size_t i = 0; i < FL_COUNT(fds); i++)
		fds[i] = open(i % 2 ? "/dev/null" : "/", O_RDONLY | O_CLOEXEC);
	WORKS(fl_channel_send(within(5000), ends[0], json, fds, FL_COUNT(fds), &test_error));
	WORKS(fl_channel_receive(within(5000), ends[1], &got, &test_error));
	OK(json_equal(json, got.json));
	EQUAL(got.n_fds, FL_CHANNEL_MAX_FDS);
	for (size_t i = 0; i < got.n_fds; i++) {
		OK(fstat(fds[i], &sent) == 0, "the sender's stay open");
		OK(fstat(got.fds[i], &received) == 0 && sent.st_ino == received.st_ino &&
		   sent.st_dev == received.st_dev);
		OK(fcntl(got.fds[i], F_GETFD) & FD_CLOEXEC);
		close(fds[i]);
	}
	close(ends[0]);
	close(ends[1]);
}

static void releasing_a_message_closes_what_is_left_in_it(void)
{
	struct fl_channel_message got = { .json = NULL };
	fl_cleanup(fl_json_release) json_t *json = json_object();
	int ends[2], kept;
	size_t before;

	connected(ends);
	before = open_descriptors();
	WORKS(fl_channel_send(within(5000), ends[0], json, (const int[]){ 1, 2 }, 2, &test_error));
	WORKS(fl_channel_receive(within(5000), ends[1], &got, &test_error));
	kept = fl_take_fd(&got.fds[1]);
	fl_channel_message_release(&got);
	EQUAL(open_descriptors(), before + 1);
	OK(fcntl(kept, F_GETFD) >= 0);
	close(kept);
	fl_channel_message_release(&got);
	close(ends[0]);
	close(ends[1]);
}

static void the_limits_are_kept_when_sending(void)
{
	static char text[FL_CHANNEL_MAX_BYTES + 1];
	fl_cleanup(fl_channel_message_release) struct fl_channel_message got = { .json = NULL };
	fl_cleanup(fl_json_release) json_t *fits = NULL;
	fl_cleanup(fl_json_release) json_t *long_one = NULL;
	int ends[2];

	connected(ends);
	/* {"t":"…"} has eight bytes around the text. */
	memset(text, 'x', FL_CHANNEL_MAX_BYTES - 8);
	fits = json_pack("{s:s}", "t", text);
	text[FL_CHANNEL_MAX_BYTES - 8] = 'x';
	long_one = json_pack("{s:s}", "t", text);
	FAILS(fl_channel_send(within(5000), ends[0], long_one, NULL, 0, &test_error), FL_INVALID);
	FAILS(fl_channel_send(within(5000), ends[0], fits, (const int[9]){ 0 }, 9, &test_error),
	      FL_INVALID);
	WORKS(fl_channel_send(within(5000), ends[0], fits, NULL, 0, &test_error));
	WORKS(fl_channel_receive(within(5000), ends[1], &got, &test_error));
	OK(json_equal(fits, got.json));
	close(ends[0]);
	close(ends[1]);
}

/* Sends any bytes with any number of descriptors, as a peer of bad manners may. */
static void send_raw(int fd, const void *bytes, size_t size, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 64)];
	} control = { .bytes = { 0 } };
	struct iovec data = { .iov_base = (void *)bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (n_fds > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memset(CMSG_DATA(&control.header), 0, sizeof(int) * n_fds); /* descriptor 0 */
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	}
	OK(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)size);
}

static void bad_packets_are_refused_and_their_descriptors_closed(void)
{
	static char large[FL_CHANNEL_MAX_BYTES + 1];
	static const struct {
		const char *text;
		size_t size;
		size_t n_fds;
	} cases[] = {
		{ "[]", 2, 3 }, { "x", 1, 3 },   { "{}x", 3, 1 },  { "\"a\"", 3, 0 },
		{ "{}", 2, 9 }, { "{}", 2, 64 }, { "\0\0", 2, 1 }, { large, sizeof(large), 8 },
	};
	struct fl_channel_message got = { .json = NULL };
	int ends[2];
	size_t before;

	memset(large, ' ', sizeof(large));
	memcpy(large, "{}", 2);
	connected(ends);
	before = open_descriptors();
	for (size_t i = 0; i < FL_COUNT(cases); i++) {
		send_raw(ends[0], cases[i].text, cases[i].size, cases[i].n_fds);
		FAILS(fl_channel_receive(within(5000), ends[1], &got, &test_error), FL_INVALID);
		EQUAL(open_descriptors(), before);
	}
	OK(got.json == NULL && got.n_fds == 0);
	/* The connection is fit for use after all that. */
	send_raw(ends[0], "{}", 2, 8);
	WORKS(fl_channel_receive(within(5000), ends[1], &got, &test_error));
	EQUAL(got.n_fds, 8);
	fl_channel_message_release(&got);
	close(ends[0]);
	close(ends[1]);
}

static void waiting_ends_at_the_deadline(void)
{
	fl_cleanup(fl_json_release) json_t *json = json_pack("{s:s}", "t", "0123456789");
	struct fl_channel_message got = { .json = NULL };
	uint64_t before = fl_clock_us();
	int ends[2], sent = 0;

	connected(ends);
	FAILS(fl_channel_receive(within(60), ends[1], &got, &test_error), FL_TIMEOUT);
	OK(fl_clock_us() - before >= 60000);
	/* Nobody reads: after a while nothing more goes in. */
	within(200);
	while (sent < 1000000 && fl_channel_send(&op, ends[0], json, NULL, 0, &test_error) == 0)
		sent++;
	EQUAL(test_error.code, FL_TIMEOUT);
	OK(sent > 0 && sent < 1000000);
	close(ends[0]);
	close(ends[1]);
}

static void a_closed_peer_is_unavailable(void)
{
	fl_cleanup(fl_json_release) json_t *json = json_object();
	struct fl_channel_message got = { .json = NULL };
	int ends[2];

	connected(ends);
	close(ends[0]);
	FAILS(fl_channel_receive(within(5000), ends[1], &got, &test_error), FL_UNAVAILABLE);
	FAILS(fl_channel_send(within(5000), ends[1], json, NULL, 0, &test_error), FL_UNAVAILABLE);
	close(ends[1]);
	FAILS(fl_channel_receive(within(5000), ends[1], &got, &test_error), FL_INTERNAL);
}

static void listening_connecting_and_asking_who_it_is(void)
{
	fl_cleanup(fl_close) int listener = -1;
	fl_cleanup(fl_close) int client = -1;
	fl_cleanup(fl_close) int server = -1;
	const char *path = path_of("s");
	struct stat st;
	mode_t mask = umask(0);
	uid_t uid = 12345;
	pid_t pid = 0;

	WORKS(fl_channel_listen(path, &listener, &test_error));
	umask(mask);
	OK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0600);
	OK(access(path_of("s.new"), F_OK) != 0);
	OK(fcntl(listener, F_GETFD) & FD_CLOEXEC && fcntl(listener, F_GETFL) & O_NONBLOCK);
	WORKS(fl_channel_connect(path, &client, &test_error));
	OK(fcntl(client, F_GETFD) & FD_CLOEXEC);
	server = accepted(listener);
	WORKS(fl_channel_peer(server, &pid, &uid, &test_error));
	EQUAL(pid, getpid());
	EQUAL(uid, getuid());
	FAILS(fl_channel_peer(-1, &pid, &uid, &test_error), FL_INTERNAL);
}

static void nobody_there_is_unavailable(void)
{
	int fd = -1, listener = -1;
	char *long_path = fl_arena_alloc(op.arena, 200);

	FAILS(fl_channel_connect(path_of("absent"), &fd, &test_error), FL_UNAVAILABLE);
	OK(strstr(test_error.text, "nobody listens on ") == test_error.text);
	WORKS(fl_channel_listen(path_of("dead"), &listener, &test_error));
	close(listener);
	FAILS(fl_channel_connect(path_of("dead"), &fd, &test_error), FL_UNAVAILABLE);
	memset(long_path, '/', 120);
	FAILS(fl_channel_connect(long_path, &fd, &test_error), FL_INVALID);
	FAILS(fl_channel_connect("", &fd, &test_error), FL_INVALID);
	FAILS(fl_channel_listen(path_of("no/such/folder"), &fd, &test_error), FL_NOT_FOUND);
	EQUAL(fd, -1);
}

static void a_successor_takes_the_path_over_without_a_gap(void)
{
	fl_cleanup(fl_close) int old = -1;
	fl_cleanup(fl_close) int new = -1;
	fl_cleanup(fl_close) int early = -1;
	fl_cleanup(fl_close) int late = -1;
	fl_cleanup(fl_close) int early_server = -1;
	fl_cleanup(fl_close) int late_server = -1;

	WORKS(fl_channel_listen(path_of("t"), &old, &test_error));
	WORKS(fl_channel_connect(path_of("t"), &early, &test_error));
	/* A left-over of a crash between bind and rename. */
	OK(link(path_of("t"), path_of("t.new")) == 0);
	WORKS(fl_channel_listen(path_of("t"), &new, &test_error));
	WORKS(fl_channel_connect(path_of("t"), &late, &test_error));
	early_server = accepted(old);
	late_server = accepted(new);
	OK(early_server >= 0 && late_server >= 0);
	OK(access(path_of("t.new"), F_OK) != 0);
}

/* The other end of a call: takes one request and sends the prepared answers. */
struct server {
	int fd;
	const char *answers[3];
	struct fl_channel_message request;
	int status;
};

static void *serve(void *cookie)
{
	struct server *server = cookie;
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op own = { .id = "s", .arena = arena, .deadline = fl_clock_after_ms(5000) };
	struct fl_error err;

	server->status = fl_channel_receive(&own, server->fd, &server->request, &err);
	for (size_t i = 0; i < FL_COUNT(server->answers) && server->answers[i]; i++)
		send_raw(server->fd, server->answers[i], strlen(server->answers[i]), 1);
	return NULL;
}

static int call(const char *first, const char *second, struct fl_channel_message *ret,
		struct fl_channel_message *ret_request)
{
	fl_cleanup(fl_json_release) json_t *params = json_pack("{s:s}", "volume", "a");
	struct server server = { .answers = { first, second } };
	pthread_t thread;
	int ends[2], status;

	connected(ends);
	server.fd = ends[1];
	pthread_create(&thread, NULL, serve, &server);
	status = fl_channel_call(within(400), ends[0], "attach", params, (const int[]){ 0 }, 1, ret,
				 &test_error);
	pthread_join(thread, NULL);
	EQUAL(server.status, 0);
	if (ret_request)
		*ret_request = server.request;
	else
		fl_channel_message_release(&server.request);
	close(ends[0]);
	close(ends[1]);
	return status;
}

static void a_call_brings_its_result(void)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message got = { .json = NULL };
	fl_cleanup(fl_channel_message_release) struct fl_channel_message request = { .json = NULL };

	WORKS(call("{\"id\":1,\"result\":{\"disk\":\"d\"}}", NULL, &got, &request));
	SAME(fl_json_dump(op.arena, got.json), "{\"disk\":\"d\"}");
	EQUAL(got.n_fds, 1);
	SAME(fl_json_dump(op.arena, request.json),
	     "{\"id\":1,\"method\":\"attach\",\"params\":{\"volume\":\"a\"}}");
	EQUAL(request.n_fds, 1);
}

static void requests_of_the_peer_are_passed_over_in_a_call(void)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message got = { .json = NULL };
	size_t before = open_descriptors();

	WORKS(call("{\"id\":9,\"method\":\"event\"}", "{\"id\":1,\"result\":{\"n\":2}}", &got,
		   NULL));
	SAME(fl_json_dump(op.arena, got.json), "{\"n\":2}");
	fl_channel_message_release(&got);
	EQUAL(open_descriptors(), before);
}

static void an_error_answer_is_the_caller_s_error(void)
{
	struct fl_channel_message got = { .json = NULL };
	size_t before = open_descriptors();

	FAILS(call("{\"id\":1,\"error\":{\"code\":\"IN_USE\",\"text\":\"disk a is busy\"}}", NULL,
		   &got, NULL),
	      FL_IN_USE);
	SAME(test_error.text, "disk a is busy");
	FAILS(call("{\"id\":1,\"error\":{}}", NULL, &got, NULL), FL_INTERNAL);
	FAILS(call("{\"id\":1,\"error\":{\"code\":5}}", NULL, &got, NULL), FL_INTERNAL);
	FAILS(call("{\"id\":1}", NULL, &got, NULL), FL_INTERNAL);
	SAME(test_error.text, "the answer to attach has no result");
	FAILS(call("{\"id\":1,\"result\":[]}", NULL, &got, NULL), FL_INTERNAL);
	FAILS(call("rubbish", NULL, &got, NULL), FL_INVALID);
	FAILS(call(NULL, NULL, &got, NULL), FL_TIMEOUT);
	FAILS(call("{\"method\":\"event\"}", NULL, &got, NULL), FL_TIMEOUT);
	/* Whatever came, no descriptor of it is left. */
	EQUAL(open_descriptors(), before);
}

static const struct test tests[] = {
	{ "a message goes over with its descriptors", a_message_goes_over_with_its_descriptors },
	{ "releasing a message closes what is left in it",
	  releasing_a_message_closes_what_is_left_in_it },
	{ "the limits are kept when sending", the_limits_are_kept_when_sending },
	{ "bad packets are refused and their descriptors closed",
	  bad_packets_are_refused_and_their_descriptors_closed },
	{ "waiting ends at the deadline", waiting_ends_at_the_deadline },
	{ "a closed peer is unavailable", a_closed_peer_is_unavailable },
	{ "listening, connecting and asking who it is", listening_connecting_and_asking_who_it_is },
	{ "nobody there is unavailable", nobody_there_is_unavailable },
	{ "a successor takes the path over without a gap",
	  a_successor_takes_the_path_over_without_a_gap },
	{ "a call brings its result", a_call_brings_its_result },
	{ "requests of the peer are passed over in a call",
	  requests_of_the_peer_are_passed_over_in_a_call },
	{ "an error answer is the caller's error", an_error_answer_is_the_caller_s_error },
};

int main(int argc, char **argv)
{
	int status;

	if (!mkdtemp(folder))
		return 1;
	op.arena = fl_arena_new(0);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	unlink(path_of("s"));
	unlink(path_of("t"));
	unlink(path_of("dead"));
	fl_arena_free(op.arena);
	/* Only an empty folder goes: what is left behind is a failure. */
	return rmdir(folder) < 0 ? 1 : status;
}
