/* SPDX-License-Identifier: Apache-2.0 */
/* Pool: a fixed number of threads that run jobs from a bounded queue, first in, first out. */
#pragma once

#include <stdint.h>

#include "rpc.h"

struct rpc_pool;

/* Embedded in what is to be run; `run` may release it. */
struct rpc_job {
	struct rpc_job *next; /* the pool's */
	void (*run)(struct rpc_job *job);
};

/* FL_UNAVAILABLE when the machine gives no threads. */
int rpc_pool_new(unsigned n_workers, unsigned queue_length, struct rpc_pool **ret,
		 struct fl_error *err) fl_must_check;
/* -1 when the queue is full; the job stays the caller's then. */
int rpc_pool_submit(struct rpc_pool *pool, struct rpc_job *job) fl_must_check;
struct rpc_server_stats rpc_pool_stats(struct rpc_pool *pool);
/* Ends the threads when the queue is empty and joins them.  NULL is fine. */
void rpc_pool_free(struct rpc_pool *pool);
