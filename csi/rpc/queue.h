/* SPDX-License-Identifier: Apache-2.0 */
/* Queue: which calls may wait for a worker: so many, of so many bytes together, and of those that
 * stream no more than leave workers to the others. */
#pragma once

struct rpc_call;

/* A call whose request is here: hands it to the pool, or refuses it with FL_UNAVAILABLE.  Takes
 * over one reference.  From within the pool's `poll` only. */
void rpc_queue_enter(struct rpc_call *call);
/* A worker has taken it: it no longer counts among those that wait. */
void rpc_queue_leave(struct rpc_call *call);
