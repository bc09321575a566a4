/* SPDX-License-Identifier: Apache-2.0 */
/* Rpc: serving protobuf messages over gRPC on unix sockets.  Only csi/rpc knows gRPC; above it a
 * method is a plain function.
 *
 *	static int identity_probe(struct rpc_call *call, const void *request, void *response,
 *				  struct fl_error *err)
 *	{
 *		Csi__V1__ProbeResponse *answer = response;
 *		...
 *		return 0;
 *	}
 *	static const struct rpc_method methods[] = {	(every method, in the order of the .proto)
 *		{ "GetPluginInfo", identity_plugin_info, RPC_QUICK },
 *		{ "Probe", identity_probe, RPC_QUICK },
 *	};
 *	const struct rpc_service identity_service = {
 *		&csi__v1__identity__descriptor, methods, FL_COUNT(methods)
 *	};
 *
 * One thread at a time polls the sockets; handlers run top to bottom on a fixed number of workers
 * behind a bounded queue (full: the caller gets UNAVAILABLE).  Polling is a turn, not a thread: who
 * received a request while no handler is at work runs it, and another thread polls.  What a handler
 * and its messages need lives in the call's arena.
 *
 * A call whose caller leaves (cancels, dies, passes its deadline) is not killed: a handler that has
 * begun brings the storage to a settled state, because the caller will ask again.  A call that
 * still waits in the queue by then never begins. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/op.h"

struct rpc_call;
struct rpc_server;

enum rpc_method_flags {
	RPC_QUICK = 1 << 0,  /* only reads memory: runs on whichever thread polls, never queued */
	RPC_STREAM = 1 << 1, /* answers with any number of messages, by rpc_send; has no response */
};

struct rpc_method {
	const char *name; /* as in the .proto */
	/* `request` is unpacked and valid until the call ends; strings in it are never NULL, but
	 * may hold anything (also no UTF-8).  `response` is the empty answer to fill, with memory
	 * from the call's arena; NULL for RPC_STREAM.  -1 and *err: the caller gets its code and
	 * text.  NULL handler: the caller gets UNIMPLEMENTED and the method's name. */
	int (*handler)(struct rpc_call *call, const void *request, void *response,
		       struct fl_error *err);
	unsigned flags;
};

/* Methods of one service, all of them, in the order of its descriptor. */
struct rpc_service {
	const ProtobufCServiceDescriptor *descriptor;
	const struct rpc_method *methods;
	size_t n_methods;
	void *cookie; /* what the handlers work on (struct controller, struct node); borrowed */
};

/* What a handler may ask of its call; all from the handler's thread. */

/* Has a budget (rpc_server_options): use fl_arena_try for sizes that the caller decides. */
struct fl_arena *rpc_call_arena(const struct rpc_call *call);
/* The caller is gone: nobody will read the answer.  Waits should end; work should be settled. */
bool rpc_call_cancelled(const struct rpc_call *call);
/* The `cookie` of the service that the method belongs to. */
void *rpc_call_cookie(const struct rpc_call *call);
/* The call as an operation for backends: its id ("r17", unique in this process), its arena, its own
 * progress, and as the deadline the caller's, or ours (max_deadline_ms after the start) where that
 * is earlier. */
struct fl_op rpc_call_op(struct rpc_call *call);
/* RPC_STREAM only: sends one message; blocks until gRPC has taken it, which is the flow control.
 * -1 and FL_TIMEOUT when the caller is gone: end the stream. */
int rpc_send(struct rpc_call *call, const ProtobufCMessage *message, struct fl_error *err)
	fl_must_check;

/* One finished call, as told to the server's `on_done`. */
struct rpc_done {
	const char *id;
	const char *service; /* "csi.v1.Controller"; "" for a method nobody serves */
	const char *method;  /* "CreateVolume", or the whole path for a method nobody serves */
	/* NULL when it could not be unpacked.  May hold secrets: print no field called
	 * `secrets`. */
	const ProtobufCMessage *request;
	const struct fl_error *error; /* its code is FL_OK after success */
	uint64_t queued_us;           /* waited for a worker */
	uint64_t duration_us;         /* from arrival to answer, the wait included */
	bool cancelled;               /* the caller did not wait for the answer */
	pid_t peer;                   /* the caller's process, 0 when unknown */
};

struct rpc_server_options {
	const struct rpc_service *const *services; /* borrowed, must outlive the server */
	size_t n_services;
	unsigned n_workers;       /* 0: 8 */
	unsigned queue_length;    /* 0: 2,048 */
	size_t max_request_bytes; /* 0: 1 MiB; larger requests get RESOURCE_EXHAUSTED */
	size_t arena_budget;      /* 0: 16 MiB */
	/* What peers may make grow.  Above a limit the newest is refused with UNAVAILABLE, or, of
	 * what waits for its peer, the oldest is cut. */
	unsigned max_connections;  /* 0: 256 at one socket */
	size_t max_queued_bytes;   /* 0: 32 MiB of requests that wait for a worker */
	size_t max_held_bytes;     /* 0: 64 MiB for calls that wait for their peer */
	size_t max_arriving_bytes; /* 0: 128 MiB that gRPC keeps for what is still arriving */
	uint64_t patience_ms; /* 0: 60 s; in which a peer sends a whole request, takes an answer */
	uint64_t max_deadline_ms; /* 0: 5 minutes */
	uint64_t keepalive_ms; /* 0: 60 s; a peer that leaves two such periods unanswered is cut */
	/* Called once for each call, just before its answer is sent, on the thread that made the
	 * answer (for quick methods the one that polls: do not block).  May be NULL. */
	void (*on_done)(void *cookie, const struct rpc_done *done);
	void *cookie;
};

/* Checks the method tables against their descriptors and starts the threads; FL_INTERNAL when a
 * table is wrong.  Signals that a thread of main shall wait for must be blocked before. */
int rpc_server_new(const struct rpc_server_options *options, struct rpc_server **ret,
		   struct fl_error *err) fl_must_check;

/* Serves all services at `endpoint` ("unix:///path", "unix:/path" or "/path") as well.  The socket
 * is made beside the path with `mode` and renamed over it: a predecessor's socket is replaced
 * without a gap, and the predecessor's stop leaves ours alone.  The directory must exist. */
int rpc_server_listen(struct rpc_server *server, const char *endpoint, mode_t mode,
		      struct fl_error *err) fl_must_check;

struct rpc_server_stats {
	unsigned running;   /* handlers at work on workers */
	unsigned queued;    /* calls that wait for a worker */
	uint64_t oldest_ms; /* how long the oldest handler at work has been running */
};

/* From any thread. */
struct rpc_server_stats rpc_server_stats(struct rpc_server *server);

/* Stops: accepts nothing new, removes the sockets that are still ours, lets the calls in flight
 * finish for at most `grace_ms`, then cuts their callers off (they get UNAVAILABLE) and gives the
 * handlers one more second to notice.  0: everything is released.  -1 and FL_TIMEOUT: handlers are
 * still at work; *server is not released and its threads go on, so the only way left is to end the
 * process with _exit (retries complete what was cut).  Once, from one thread, never a handler's. */
int rpc_server_stop(struct rpc_server *server, uint64_t grace_ms, struct fl_error *err)
	fl_must_check;
