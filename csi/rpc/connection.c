/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

static int connection_refused(const char *path, struct fl_error *err)
{
	const char *reason = errno == ECONNREFUSED ? "nobody listens there" : "it is not there";

	if (errno != ECONNREFUSED && errno != ENOENT)
		return fl_error_sys(err, errno, "connecting to unix://%s", path);
	return fl_error_set(err, FL_UNAVAILABLE,
			    "no fairlead at unix://%s: %s; is the service running?", path, reason);
}

static int connection_socket(const struct sockaddr_un *address, struct timespec deadline,
			     int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fl_error_sys(err, errno, "making a socket");
	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		/* EAGAIN: the server has not accepted those before us yet. */
		if (errno != EAGAIN && errno != EINTR)
			return connection_refused(address->sun_path, err);
		if (fl_clock_passed(deadline))
			return fl_error_set(err, FL_UNAVAILABLE,
					    "the service at unix://%s accepts nobody",
					    address->sun_path);
		fl_clock_sleep_ms(5);
	}
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

static grpc_channel *connection_channel(int fd)
{
	grpc_arg args[] = {
		{ .type = GRPC_ARG_STRING,
		  .key = (char *)GRPC_ARG_DEFAULT_AUTHORITY,
		  .value.string = (char *)"localhost" },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_HTTP2_BDP_PROBE },
		{ .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_CHANNELZ },
	};
	grpc_channel_args channel_args = { FL_COUNT(args), args };
	grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
	grpc_channel *channel =
		grpc_channel_create_from_fd("localhost", fd, credentials, &channel_args);

	grpc_channel_credentials_release(credentials);
	return channel;
}

int rpc_connection_open(const struct sockaddr_un *address, struct timespec deadline,
			struct rpc_connection **ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	fl_cleanup(fl_close) int watch_fd = -1;

	if (connection_socket(address, deadline, &fd, err) < 0)
		return -1;
	watch_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (watch_fd < 0)
		return fl_error_sys(err, errno, "duplicating a socket");
	struct rpc_connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		abort();
	connection->channel = connection_channel(fl_take_fd(&fd));
	connection->watch_fd = fl_take_fd(&watch_fd);
	connection->refs = 1;
	*ret = connection;
	return 0;
}

bool rpc_connection_is_alive(const struct rpc_connection *connection)
{
	struct pollfd watch = { connection->watch_fd, POLLRDHUP, 0 };

	return poll(&watch, 1, 0) == 0;
}

void rpc_connection_unref(struct rpc_connection *connection)
{
	if (!connection || --connection->refs > 0)
		return;
	grpc_channel_destroy(connection->channel);
	fl_close(&connection->watch_fd);
	free(connection);
}
