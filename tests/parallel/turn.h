/* SPDX-License-Identifier: Apache-2.0 */
/* Turn: one call of one client, from the choice of what it is about to what the histories say of
 * it. */
#pragma once

#include "world.h"

#define TURN_MAX_OBJECTS 3
#define TURN_MIB ((int64_t)1 << 20)

struct turn {
	struct world *world;
	struct calls calls;
	unsigned *seed;
	unsigned client;                    /* its number */
	unsigned objects[TURN_MAX_OBJECTS]; /* that the call works on */
	unsigned long begun[TURN_MAX_OBJECTS];
	unsigned n;
	bool met;   /* another call was at work on one of them */
	bool again; /* it got no answer, or was told to ask again */
	uint64_t start_us, end_us;
};

unsigned turn_random(struct turn *turn, unsigned below);
const char *turn_id(const struct turn *turn, unsigned object);
const char *turn_name(const struct turn *turn, unsigned object);

void turn_touch(struct turn *turn, unsigned object);
void turn_begin(struct turn *turn);
void turn_end(struct turn *turn);

/* The call happened to `object` as `op` says; the times are the turn's. */
void turn_note(const struct turn *turn, unsigned object, struct model_op op);
/* Before turn_settle: whether the model knows the code.  Another one is a problem, and ends the
 * turn. */
bool turn_is_known(struct turn *turn, const char *what, unsigned object);
/* Instead of turn_settle, where no history is told: true, and the turn has ended, when the call has
 * no answer or is to be asked again. */
bool turn_is_put_off(struct turn *turn, unsigned object);
/* Ends the turn and notes `op` with its answer on `object`, as lost where the answer is lost.
 * false: it has no answer, or is to be asked again, which another call at work must explain. */
bool turn_settle(struct turn *turn, unsigned object, struct model_op op);
