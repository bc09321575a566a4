/* SPDX-License-Identifier: Apache-2.0 */
/* Pool: threads that run jobs from a bounded queue, first in, first out, and take turns at polling
 * for more.
 *
 * There is one thread more than there may be jobs at work, so that one can always poll.  A job that
 * comes while none is at work is run by the very thread that polled it, and another thread takes
 * over the polling: nobody has to wake up before the job begins.  Under load the polling stays
 * where it is. */
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
/* From here on one thread is in `poll` at any moment: it waits for one event, handles it (perhaps
 * by rpc_pool_submit) and returns; false when there will be none any more.  What one `poll` did
 * happened before the next begins.  Once. */
void rpc_pool_poll(struct rpc_pool *pool, bool (*poll)(void *cookie), void *cookie);
/* From within `poll` only.  -1 when the queue is full; the job stays the caller's then. */
int rpc_pool_submit(struct rpc_pool *pool, struct rpc_job *job) fl_must_check;
struct rpc_server_stats rpc_pool_stats(struct rpc_pool *pool);
/* Ends the threads when the queue is empty and `poll` has returned false, and joins them.  NULL is
 * fine. */
void rpc_pool_free(struct rpc_pool *pool);
