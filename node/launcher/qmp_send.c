/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp_send.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

/* As much as the socket takes; the descriptor goes with the first bytes. */
static ssize_t qmp_send_some(int socket, const char *text, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec data = { .iov_base = (char *)text, .iov_len = size };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.bytes);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int qmp_send_text(const struct fl_op *op, int socket, const char *text, int fd, bool *ret_half,
		  struct fl_error *err)
{
	size_t size = strlen(text), sent = 0;

	*ret_half = false;
	while (sent < size) {
		struct pollfd ready = { .fd = socket, .events = POLLOUT };
		ssize_t n;

		*ret_half = sent > 0;
		if (fl_clock_passed(op->deadline))
			return fl_error_set(err, FL_TIMEOUT, "QEMU's monitor takes no commands");
		if (poll(&ready, 1, (int)fl_clock_left_ms(op->deadline)) <= 0)
			continue;
		n = qmp_send_some(socket, text + sent, size - sent, sent == 0 ? fd : -1);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fl_error_set(err, FL_UNAVAILABLE, "QEMU is gone");
		if (n > 0)
			sent += (size_t)n;
	}
	*ret_half = false;
	return 0;
}
