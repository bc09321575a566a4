/* SPDX-License-Identifier: Apache-2.0 */
/* History: the calls that concern one object, and the proof that they fit the model.
 *
 * Each call happened at one moment between its start and its end.  The history is right when some
 * order of such moments explains every answer (linearizability: Herlihy and Wing, 1990).  All
 * orders are followed at once, as a set of possible worlds: the state, and which of the calls under
 * way have happened. */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "model.h"

struct history_world {
	struct model_state state;
	uint64_t done; /* of the calls under way, by place */
};

struct history {
	const char *name; /* of the object */
	pthread_mutex_t lock;
	struct model_op *ops;
	size_t n, capacity;
	struct history_world *worlds; /* that are possible after the last check */
	size_t n_worlds, worlds_capacity;
};

void history_init(struct history *history, const char *name);
void history_release(struct history *history);
/* From any thread, when the call has ended. */
void history_add(struct history *history, const struct model_op *op);
/* Goes through what was added since the last check, while no call is under way.  0, or -1 after
 * printing, as comments of TAP, the calls around the one that nothing explains. */
int history_check(struct history *history);
