/* SPDX-License-Identifier: Apache-2.0 */
/* Call: the life of one call, from gRPC's first notice to the last reference.
 *
 *	armed ─accepted▶ route ─received▶ worker (quick: here) ─▶ handler ─▶ finish ─finished▶ gone
 *		       └ watch for the caller's leaving ──────closed▶ cancelled = true
 *
 * Arrows with a word are completions on the thread that polls. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "held.h"
#include "server.h"

struct rpc_call {
	struct rpc_job job;
	struct rpc_held held;
	struct rpc_server *server;
	grpc_call *grpc; /* NULL while armed */
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *payload;
	const struct rpc_route *route;
	struct fl_arena *arena;
	const ProtobufCMessage *request;
	struct fl_progress progress;
	struct timespec deadline; /* the caller's until the handler runs, then the earlier one */
	uint64_t arrived_us, started_us;
	int socket_fd; /* gRPC's; -1: not known */
	pid_t peer;
	char id[24];
	bool is_working;      /* counted in the server's n_working */
	bool has_sent;        /* the initial metadata is out */
	bool is_stream;       /* counted in the server's n_streams */
	size_t payload_bytes; /* counted in the server's queued_bytes */
	enum { CALL_IDLE, CALL_SENDING, CALL_SENT, CALL_NOT_SENT } sending; /* server's lock */
	int closed_early; /* written by gRPC before `closed` */
	atomic_bool cancelled;
	atomic_int refs; /* one for each operation under way, one for whoever handles the call */
	struct rpc_tag accepted, received, closed, sent, finished;
};

#define CALL_OF(pointer, member)                                                                   \
	((struct rpc_call *)((char *)(pointer)-offsetof(struct rpc_call, member)))

/* Makes a call object that waits for a caller; every accepted call arms the next one. */
void rpc_call_arm(struct rpc_server *server);
void rpc_call_unref(struct rpc_call *call);
/* Starts operations, which hold a reference that their completion hands to `tag`.  What cannot be
 * started completes at once. */
void rpc_call_start(struct rpc_call *call, const grpc_op *ops, size_t n, struct rpc_tag *tag);

/* The end of every call: reports it, then sends the answer (NULL for none) and the status.  Works
 * on a call whose caller has left.  Takes over one reference. */
void rpc_call_finish(struct rpc_call *call, const struct fl_error *result,
		     const ProtobufCMessage *answer);
/* The same without an answer, for a call that no handler sees. */
void rpc_call_refuse(struct rpc_call *call, enum fl_error_code code, const char *format, ...)
	fl_printf_like(3, 4);
/* Closes the connection of a call that has been cancelled, and whose operations do not end all the
 * same: gRPC waits for the socket to take what it has begun to write. */
void rpc_call_hang_up(struct rpc_call *call);
/* `done` of the tag `sent`: wakes rpc_send. */
void rpc_call_sent(struct rpc_tag *tag, bool ok);
