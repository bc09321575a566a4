/* SPDX-License-Identifier: Apache-2.0 */
/* Keeper: keeps an idle volume still while something long is done with it.
 *
 * The owner record says "held" until a moment that a thread of ours keeps moving on; so a
 * controller that dies holds the volume for at most OWNER_HOLD_MS.  A controller that was merely
 * stopped for that long finds out: keeper_prove fails when anybody has changed the record since
 * keeper_take. */
#pragma once

#include <pthread.h>

#include "object.h"
#include "owner.h"

struct keeper {
	const struct object *volume; /* NULL: nothing is held */
	const struct fl_op *op;
	struct owner owner;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running;
	bool stop; /* under the lock */
};

/* Errors as owner_hold.  volume, op and purpose must outlive the keeper, which must not move. */
int keeper_take(struct keeper *keeper, const struct fl_op *op, const struct object *volume,
		const char *purpose, struct fl_error *err) fl_must_check;

/* 0: the hold has stood without a gap from keeper_take until now, and stands for another
 * OWNER_HOLD_MS (it is not renewed any more).  -1: FL_BUSY, somebody took it for dead, and what
 * was done meanwhile must be thrown away. */
int keeper_prove(struct keeper *keeper, struct fl_error *err) fl_must_check;

/* For a volume that is deleted now: stops prolonging and writes nothing, because a new volume of
 * that name has a record of its own. */
void keeper_forget(struct keeper *keeper);

/* Makes the volume idle again, unless somebody else has changed the record.  A zeroed keeper is
 * fine.  For fl_cleanup. */
void keeper_release(struct keeper *keeper);
