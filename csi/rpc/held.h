/* SPDX-License-Identifier: Apache-2.0 */
/* Held: calls that wait for their peers, for the rest of a request or until an answer is taken.
 *
 * What they keep in memory is the peers' to decide, so it has limits: each call may wait for the
 * server's patience_ms, and all of them together may keep max_held_bytes; above that the one that
 * has waited longest is cut, and never one that comes fresh.  A cut call ends as any other: its
 * operations fail and their completions come. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rpc_call;
struct rpc_server;

/* A call's place among those that are held; the server's lock. */
struct rpc_held {
	struct rpc_call *earlier, *later;
	uint64_t until_ms; /* 0: not held */
	size_t bytes;
	const char *what; /* that the peer has to do */
};

/* All of a server; its lock. */
struct rpc_held_list {
	struct rpc_call *first, *last;
	size_t bytes;
};

/* From here on the call waits for its peer, and keeps `bytes` beside itself.  Cuts those that are
 * one too many. */
void rpc_held_add(struct rpc_call *call, size_t bytes, const char *what);
/* The peer has done its part, or is gone.  Nothing happens when the call is not held. */
void rpc_held_remove(struct rpc_call *call);
/* Cuts those whose time is up. */
void rpc_held_expire(struct rpc_server *server);
