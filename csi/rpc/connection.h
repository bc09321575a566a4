/* SPDX-License-Identifier: Apache-2.0 */
/* Connection: a client's socket as a gRPC channel, shared by the calls that run over it.
 *
 * We connect and hand the socket over, because gRPC's own connecting waits a second after a refusal
 * and cannot say what was wrong. */
#pragma once

#include <grpc/grpc.h>
#include <stdbool.h>
#include <sys/un.h>
#include <time.h>

#include "base/error.h"

struct rpc_connection {
	grpc_channel *channel;
	int watch_fd; /* a duplicate of the socket: tells that the peer has closed it */
	unsigned refs;
};

/* One reference.  FL_UNAVAILABLE, at once, when nobody listens. */
int rpc_connection_open(const struct sockaddr_un *address, struct timespec deadline,
			struct rpc_connection **ret, struct fl_error *err) fl_must_check;
bool rpc_connection_is_alive(const struct rpc_connection *connection);
/* Drops one reference; the last one closes.  NULL is fine.  The references are counted under the
 * client's lock. */
void rpc_connection_unref(struct rpc_connection *connection);
