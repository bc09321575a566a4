/* SPDX-License-Identifier: Apache-2.0 */
/* Server: what the files of this folder share about a running server. */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>

#include "held.h"
#include "listener.h"
#include "pool.h"
#include "route.h"
#include "rpc.h"

/* The end of one operation of gRPC: embedded in what it is about, and handed to gRPC as the
 * operation's tag.  `done` runs on the thread that polls. */
struct rpc_tag {
	void (*done)(struct rpc_tag *tag, bool ok);
};

struct rpc_server {
	struct rpc_server_options options; /* no zeros left */
	struct rpc_routes *routes;
	struct rpc_pool *pool;
	struct rpc_listener *listeners;
	grpc_server *grpc;
	grpc_completion_queue *queue;
	unsigned n_armed;        /* of the first calls; each that is accepted arms another */
	bool is_resting;         /* nothing is left to look after; whoever polls */
	struct rpc_tag shutdown; /* of the whole server */

	pthread_mutex_t lock; /* innermost; for what follows, and for each call's `sending` */
	pthread_cond_t changed;
	size_t n_calls;      /* call objects, those that wait for a caller included */
	size_t n_working;    /* calls whose request is here and whose answer is not out */
	unsigned n_streams;  /* of these, those that answer with many messages */
	size_t queued_bytes; /* of the requests that wait for a worker */
	struct rpc_held_list held;
	bool is_shut_down;
};
