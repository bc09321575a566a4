/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

#define CHANNEL_BACKLOG 128

union channel_control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int) * FL_CHANNEL_MAX_FDS)];
};

void fl_channel_message_release(struct fl_channel_message *message)
{
	fl_json_release(&message->json);
	for (size_t i = 0; i < message->n_fds; i++)
		fl_close(&message->fds[i]);
	message->n_fds = 0;
}

static int channel_open(const char *path, struct sockaddr_un *ret_address, int *ret_fd,
			struct fl_error *err)
{
	size_t n = strlen(path);

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0 || n >= sizeof(ret_address->sun_path))
		return fl_error_set(err, FL_INVALID,
				    "the path of a socket has 1 to %zu bytes, \"%s\" has %zu",
				    sizeof(ret_address->sun_path) - 1, path, n);
	memcpy(ret_address->sun_path, path, n);
	*ret_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret_fd < 0)
		return fl_error_sys(err, errno, "making a socket for %s", path);
	return 0;
}

int fl_channel_listen(const char *path, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	fl_cleanup(fl_free) char *temporary = NULL;
	struct sockaddr_un address;

	if (asprintf(&temporary, "%s.new", path) < 0) {
		temporary = NULL;
		return fl_error_sys(err, ENOMEM, "listening on %s", path);
	}
	if (channel_open(temporary, &address, &fd, err) < 0)
		return -1;
	if (unlink(temporary) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing the left-over %s", temporary);
	/* The mode of the socket before bind is that of the file it makes: it is never wider. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fl_error_sys(err, errno, "binding %s", temporary);
	/* Listening before it has its name: who finds it can connect. */
	if (listen(fd, CHANNEL_BACKLOG) < 0 || rename(temporary, path) < 0) {
		fl_error_sys(err, errno, "listening on %s", path);
		unlink(temporary);
		return -1;
	}
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

int fl_channel_connect(const char *path, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	struct sockaddr_un address;

	if (channel_open(path, &address, &fd, err) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		*ret_fd = fl_take_fd(&fd);
		return 0;
	}
	fl_error_sys(err, errno, "connecting to %s", path);
	if (err->sys == ENOENT || err->sys == ECONNREFUSED)
		return fl_error_set(err, FL_UNAVAILABLE, "nobody listens on %s", path);
	return -1;
}

int fl_channel_peer(int fd, pid_t *ret_pid, uid_t *ret_uid, struct fl_error *err)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return fl_error_sys(err, errno, "asking who is at the other end of a socket");
	*ret_pid = peer.pid;
	*ret_uid = peer.uid;
	return 0;
}

static int channel_failed(struct fl_error *err, const char *what)
{
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return fl_error_set(err, FL_UNAVAILABLE, "%s: the peer has closed the connection",
				    what);
	return fl_error_sys(err, errno, "%s", what);
}

static int channel_wait(const struct fl_op *op, int fd, short events, const char *what,
			struct fl_error *err)
{
	struct pollfd ready = { .fd = fd, .events = events };
	uint64_t left = fl_clock_left_ms(op->deadline);

	if (left == 0)
		return fl_error_set(err, FL_TIMEOUT, "%s: the deadline has passed", what);
	if (poll(&ready, 1, left > 3600000 ? 3600000 : (int)left) < 0 && errno != EINTR)
		return fl_error_sys(err, errno, "%s", what);
	return 0;
}

int fl_channel_send(const struct fl_op *op, int fd, const json_t *json, const int *fds,
		    size_t n_fds, struct fl_error *err)
{
	static const char what[] = "sending a message";
	const char *text = fl_json_dump(op->arena, json);
	struct iovec data = { .iov_base = (char *)text, .iov_len = strlen(text) };
	union channel_control control = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (data.iov_len > FL_CHANNEL_MAX_BYTES || n_fds > FL_CHANNEL_MAX_FDS)
		return fl_error_set(err, FL_INVALID,
				    "a message of %zu bytes and %zu descriptors is too large: %d "
				    "and %d are possible",
				    data.iov_len, n_fds, FL_CHANNEL_MAX_BYTES, FL_CHANNEL_MAX_FDS);
	if (n_fds > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	}
	while (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return channel_failed(err, what);
		if (channel_wait(op, fd, POLLOUT, what, err) < 0)
			return -1;
	}
	return 0;
}

/* Puts the descriptors that came along into ret: from here on somebody closes them. */
static void channel_take_fds(struct msghdr *message, struct fl_channel_message *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		ret->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret->fds, CMSG_DATA(c), sizeof(int) * ret->n_fds);
	}
}

static int channel_parse(const char *text, size_t size, int flags, struct fl_channel_message *ret,
			 struct fl_error *err)
{
	if (flags & MSG_TRUNC)
		return fl_error_set(err, FL_INVALID,
				    "the peer sent a message of more than %d bytes",
				    FL_CHANNEL_MAX_BYTES);
	if (flags & MSG_CTRUNC)
		return fl_error_set(err, FL_INVALID,
				    "the peer sent a message with more than %d descriptors",
				    FL_CHANNEL_MAX_FDS);
	if (fl_json_parse(text, size, "the peer's message", &ret->json, err) < 0) {
		err->code = FL_INVALID;
		return -1;
	}
	if (!json_is_object(ret->json))
		return fl_error_set(err, FL_INVALID, "the peer's message is no JSON object");
	return 0;
}

int fl_channel_receive(const struct fl_op *op, int fd, struct fl_channel_message *ret,
		       struct fl_error *err)
{
	static const char what[] = "receiving a message";
	fl_cleanup(fl_channel_message_release) struct fl_channel_message got = { .json = NULL };
	fl_cleanup(fl_free) char *text = malloc(FL_CHANNEL_MAX_BYTES);
	struct iovec data = { .iov_base = text, .iov_len = FL_CHANNEL_MAX_BYTES };
	union channel_control control;
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	ssize_t n;

	if (!text)
		return fl_error_sys(err, ENOMEM, "%s", what);
	for (;;) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n >= 0)
			break;
		if (errno != EAGAIN && errno != EINTR)
			return channel_failed(err, what);
		if (channel_wait(op, fd, POLLIN, what, err) < 0)
			return -1;
	}
	channel_take_fds(&message, &got);
	if (n == 0)
		return fl_error_set(err, FL_UNAVAILABLE, "%s: the peer has closed the connection",
				    what);
	if (channel_parse(text, (size_t)n, message.msg_flags, &got, err) < 0)
		return -1;
	*ret = got;
	got = (struct fl_channel_message){ .json = NULL };
	return 0;
}

/* An answer in ret becomes its result, or the error that it carries. */
static int channel_unwrap(const char *method, struct fl_channel_message *ret, struct fl_error *err)
{
	json_t *result = json_object_get(ret->json, "result");
	const json_t *error = json_object_get(ret->json, "error");
	const char *code, *text;

	if (json_is_object(error)) {
		if (fl_json_text(error, "code", "INTERNAL", &code, err) < 0 ||
		    fl_json_text(error, "text", "no reason was given", &text, err) < 0)
			return fl_error_prefix(err, "the answer to %s", method);
		return fl_error_set(err, fl_error_code_of(code), "%s", text);
	}
	if (!json_is_object(result))
		return fl_error_set(err, FL_INTERNAL, "the answer to %s has no result", method);
	json_incref(result);
	json_decref(ret->json);
	ret->json = result;
	return 0;
}

int fl_channel_call(const struct fl_op *op, int fd, const char *method, const json_t *params,
		    const int *fds, size_t n_fds, struct fl_channel_message *ret,
		    struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message got = { .json = NULL };
	fl_cleanup(fl_json_release) json_t *request =
		json_pack("{s:i, s:s}", "id", 1, "method", method);

	if (!request || (params && json_object_set(request, "params", (json_t *)params) < 0))
		return fl_error_set(err, FL_INTERNAL, "the request %s cannot be written", method);
	if (fl_channel_send(op, fd, request, fds, n_fds, err) < 0)
		return fl_error_prefix(err, "%s", method);
	for (;;) {
		if (fl_channel_receive(op, fd, &got, err) < 0)
			return fl_error_prefix(err, "%s", method);
		if (!json_object_get(got.json, "method"))
			break;
		/* What the peer asks of us meanwhile has nobody here to answer it. */
		fl_channel_message_release(&got);
		if (fl_clock_passed(op->deadline))
			return fl_error_set(err, FL_TIMEOUT, "%s: the deadline has passed", method);
	}
	if (channel_unwrap(method, &got, err) < 0)
		return -1;
	*ret = got;
	got = (struct fl_channel_message){ .json = NULL };
	return 0;
}
