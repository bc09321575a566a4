/* SPDX-License-Identifier: Apache-2.0 */
/* Hold: keeps an idle volume still while something long is done with it.
 *
 * The owner record says "held" until a moment that a thread of ours keeps moving on; so a controller
 * that dies holds the volume for at most OWNER_HOLD_MS.  A controller that was merely stopped for
 * that long finds out: hold_prove fails when anybody has changed the record since hold_take. */
#pragma once

#include <pthread.h>

#include "object.h"
#include "owner.h"

struct hold {
	const struct object *volume; /* NULL: not taken */
	const struct fl_op *op;
	struct owner owner;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t keeper;
	bool keeping;
	bool stop; /* under the lock */
};

/* Errors as owner_hold.  volume, op and purpose must outlive the hold, which must not move. */
int hold_take(struct hold *hold, const struct fl_op *op, const struct object *volume,
	      const char *purpose, struct fl_error *err) fl_must_check;

/* 0: the hold has stood without a gap from hold_take until now, and stands for another
 * OWNER_HOLD_MS (it is not renewed any more).  -1: FL_BUSY, somebody took it for dead, and what
 * was done meanwhile must be thrown away. */
int hold_prove(struct hold *hold, struct fl_error *err) fl_must_check;

/* For a volume that is deleted now: stops prolonging and writes nothing, because a new volume of that
 * name has a record of its own. */
void hold_forget(struct hold *hold);

/* Makes the volume idle again, unless somebody else has changed the record.  A zeroed hold is fine.
 * For fl_cleanup. */
void hold_release(struct hold *hold);
