/* SPDX-License-Identifier: Apache-2.0 */
/* Listener: one listening unix socket and the thread that accepts on it.
 *
 * Ours and not gRPC's, because gRPC 1.51 removes whatever is at the path when it starts and again
 * when it stops (a rolling update would remove the successor's socket), and never accepts again
 * after one EMFILE.  It counts the connections that are open, by a second descriptor of each, and
 * closes those above the limit at once. */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct rpc_listener;

struct rpc_listener_options {
	const char *endpoint;
	mode_t mode;
	unsigned max_connections;
	/* Takes over a connection (non-blocking, close-on-exec); on the listener's thread. */
	void (*accepted)(void *cookie, int fd);
	void *cookie;
};

/* Puts the new listener in front of *list. */
int rpc_listener_open(struct rpc_listener **list, const struct rpc_listener_options *options,
		      struct fl_error *err) fl_must_check;
/* Ends all threads of the list, closes the sockets, and removes each path that still is the socket
 * made here.  NULL is fine. */
void rpc_listener_close_all(struct rpc_listener *list);
