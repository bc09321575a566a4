/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

unsigned turn_random(struct turn *turn, unsigned below)
{
	return (unsigned)rand_r(turn->seed) / 7 % below;
}

const char *turn_id(const struct turn *turn, unsigned object)
{
	return turn->world->objects[object].id;
}

const char *turn_name(const struct turn *turn, unsigned object)
{
	return turn->world->objects[object].name;
}

void turn_touch(struct turn *turn, unsigned object)
{
	turn->objects[turn->n++] = object;
}

void turn_begin(struct turn *turn)
{
	turn->met = false;
	for (unsigned i = 0; i < turn->n; i++) {
		struct world_object *object = &turn->world->objects[turn->objects[i]];

		turn->met |= atomic_fetch_add(&object->at_work, 1) > 0;
		turn->begun[i] = atomic_fetch_add(&object->begun, 1);
	}
	turn->start_us = fl_clock_us();
}

static void turn_time(struct turn *turn)
{
	struct world *world = turn->world;
	uint64_t took_us = turn->end_us - turn->start_us;
	unsigned long long slowest = atomic_load(&world->slowest_us);

	while (took_us > slowest &&
	       !atomic_compare_exchange_weak(&world->slowest_us, &slowest, took_us))
		;
	if (took_us > world->slowest_allowed_us && !world->kills)
		world_problem(world, "a call on %s took %llu ms",
			      turn->n ? turn_id(turn, turn->objects[0]) : "everything",
			      (unsigned long long)took_us / 1000);
}

void turn_end(struct turn *turn)
{
	turn->end_us = fl_clock_us();
	for (unsigned i = 0; i < turn->n; i++) {
		struct world_object *object = &turn->world->objects[turn->objects[i]];

		atomic_fetch_sub(&object->at_work, 1);
		turn->met |= atomic_load(&object->begun) != turn->begun[i] + 1;
	}
	atomic_fetch_add(&turn->world->calls, 1);
	turn_time(turn);
}

void turn_note(const struct turn *turn, unsigned object, struct model_op op)
{
	op.start_us = turn->start_us;
	op.end_us = turn->end_us;
	history_add(&turn->world->objects[object].history, &op);
}

/* The answer was lost, or the service was not there. */
static bool turn_is_lost(const struct turn *turn)
{
	enum fl_error_code code = turn->calls.error.code;

	return turn->world->kills && (code == FL_UNAVAILABLE || code == FL_TIMEOUT);
}

/* A snapshot that is being made by copying shows before it is complete. */
static bool turn_is_busy(const struct turn *turn)
{
	enum fl_error_code code = turn->calls.error.code;

	return code == FL_BUSY || (code == FL_UNAVAILABLE && turn->world->copies);
}

static void turn_busy(struct turn *turn, unsigned object)
{
	struct world *world = turn->world;

	atomic_fetch_add(&world->busy, 1);
	turn->again = true;
	if (!turn->met && !world->kills)
		world_problem(world, "%s is busy, and nobody else is at work on it: %s",
			      turn_id(turn, object), turn->calls.error.text);
}

static void turn_note_lost(struct turn *turn, unsigned object, struct model_op op)
{
	op.code = FL_OK;
	op.lost = true;
	op.answer = op.mib;
	turn_note(turn, object, op);
}

bool turn_is_known(struct turn *turn, const char *what, unsigned object)
{
	enum fl_error_code code = turn->calls.error.code;

	if (code == FL_OK || code == FL_EXISTS || code == FL_NOT_FOUND || code == FL_IN_USE ||
	    turn_is_lost(turn) || turn_is_busy(turn))
		return true;
	turn_end(turn);
	world_problem(turn->world, "%s of %s: %s: %s", what, turn_id(turn, object),
		      fl_error_name(code), turn->calls.error.text);
	return false;
}

bool turn_is_put_off(struct turn *turn, unsigned object)
{
	if (!turn_is_lost(turn) && !turn_is_busy(turn))
		return false;
	turn_end(turn);
	turn->again = true;
	if (turn_is_lost(turn))
		atomic_fetch_add(&turn->world->lost, 1);
	else
		turn_busy(turn, object);
	return true;
}

/* A volume may have been made, and be deleted before its maker looked at it; a copy that goes on may be
 * complete by the next call. */
static bool turn_may_have_made(const struct turn *turn)
{
	return turn->world->copies || strstr(turn->calls.error.text, "was deleted while");
}

bool turn_settle(struct turn *turn, unsigned object, struct model_op op)
{
	turn_end(turn);
	op.code = turn->calls.error.code;
	if (turn_is_lost(turn)) {
		atomic_fetch_add(&turn->world->lost, 1);
		turn->again = true;
		turn_note_lost(turn, object, op);
		return false;
	}
	if (turn_is_busy(turn)) {
		turn_busy(turn, object);
		if (op.kind == MODEL_CREATE && turn_may_have_made(turn))
			turn_note_lost(turn, object, op);
		return false;
	}
	turn_note(turn, object, op);
	return true;
}
