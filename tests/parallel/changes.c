/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

/* So large that the content always fits, and the size of the answer is known beforehand. */
#define CHANGES_CONTENT_MIB 64
#define CHANGES_MAX_MIB 12

void changes_create(struct turn *turn)
{
	unsigned volume = turn_random(turn, turn->world->n), mib = 1 + turn_random(turn, 8);
	bool exactly = turn_random(turn, 2);
	struct model_op op = { .kind = MODEL_CREATE,
			       .mib = (uint8_t)mib,
			       .limit = (uint8_t)(exactly ? mib : 0) };
	const struct calls_create wish = { .name = turn_name(turn, volume),
					   .bytes = mib * TURN_MIB,
					   .limit = exactly ? mib * TURN_MIB : 0 };
	const Csi__V1__Volume *answer;

	turn_touch(turn, volume);
	turn_begin(turn);
	if (calls_create(&turn->calls, &wish, &answer) == 0)
		op.answer = (uint8_t)(answer->capacity_bytes / TURN_MIB);
	if (turn_is_known(turn, "create", volume))
		turn_settle(turn, volume, op);
}

/* Of a clone or snapshot that was refused: what the source must have been. */
static void changes_note_source(struct turn *turn, unsigned source)
{
	static const enum model_kind kinds[] = {
		[FL_NOT_FOUND] = MODEL_ABSENT, [FL_IN_USE] = MODEL_IN_USE
	};
	enum fl_error_code code = turn->calls.error.code;

	if (code == FL_NOT_FOUND || code == FL_IN_USE)
		turn_note(turn, source, (struct model_op){ .kind = kinds[code] });
}

/* A pool that copies refuses what is attached: that says nothing of what was to be made. */
static bool changes_source_in_use(struct turn *turn, unsigned source)
{
	if (turn->calls.error.code != FL_IN_USE || !turn->world->copies)
		return false;
	turn_end(turn);
	changes_note_source(turn, source);
	return true;
}

void changes_clone(struct turn *turn)
{
	struct world *world = turn->world;
	unsigned volume = turn_random(turn, world->n), number = turn_random(turn, world->n);
	bool is_snapshot = turn_random(turn, 2) || number == volume;
	unsigned source = number + (is_snapshot ? WORLD_SNAPSHOT : 0);
	struct model_op op = { .kind = MODEL_CREATE,
			       .mib = CHANGES_CONTENT_MIB,
			       .content = (uint8_t)(1 + source) };
	const struct calls_create wish = {
		.name = turn_name(turn, volume),
		.bytes = CHANGES_CONTENT_MIB * TURN_MIB,
		.snapshot = is_snapshot ? turn_id(turn, source) : NULL,
		.volume = is_snapshot ? NULL : turn_id(turn, source),
	};
	const Csi__V1__Volume *answer;

	turn_touch(turn, volume);
	turn_touch(turn, source);
	if (world->copies)
		turn_touch(turn, WORLD_COPIES);
	turn_begin(turn);
	if (calls_create(&turn->calls, &wish, &answer) == 0)
		op.answer = (uint8_t)(answer->capacity_bytes / TURN_MIB);
	if (turn_is_known(turn, "clone", volume) && !changes_source_in_use(turn, source) &&
	    turn_settle(turn, volume, op))
		changes_note_source(turn, source);
}

void changes_delete(struct turn *turn)
{
	unsigned volume = turn_random(turn, turn->world->n);

	turn_touch(turn, volume);
	turn_begin(turn);
	calls_delete(&turn->calls, turn_id(turn, volume));
	if (turn_is_known(turn, "delete", volume))
		turn_settle(turn, volume, (struct model_op){ .kind = MODEL_DELETE });
}

static const char *changes_node(struct turn *turn, struct model_op *op)
{
	op->node = (uint8_t)(1 + turn_random(turn, turn->world->nodes));
	return op->node == 1 ? "n1" : "n2";
}

void changes_publish(struct turn *turn)
{
	unsigned volume = turn_random(turn, turn->world->n);
	struct model_op op = { .kind = MODEL_PUBLISH };
	const char *node = changes_node(turn, &op);

	turn_touch(turn, volume);
	turn_begin(turn);
	calls_publish(&turn->calls, turn_id(turn, volume), node, NULL);
	if (turn_is_known(turn, "publish", volume))
		turn_settle(turn, volume, op);
}

void changes_unpublish(struct turn *turn)
{
	unsigned volume = turn_random(turn, turn->world->n);
	struct model_op op = { .kind = MODEL_UNPUBLISH };
	const char *node = changes_node(turn, &op);

	turn_touch(turn, volume);
	turn_begin(turn);
	calls_unpublish(&turn->calls, turn_id(turn, volume), node);
	if (turn_is_known(turn, "unpublish", volume))
		turn_settle(turn, volume, op);
}

void changes_expand(struct turn *turn)
{
	unsigned volume = turn_random(turn, turn->world->n);
	struct model_op op = { .kind = MODEL_EXPAND,
			       .mib = (uint8_t)(1 + turn_random(turn, CHANGES_MAX_MIB)) };
	int64_t bytes;

	turn_touch(turn, volume);
	turn_begin(turn);
	if (calls_expand(&turn->calls, turn_id(turn, volume), op.mib * TURN_MIB, &bytes) == 0)
		op.answer = (uint8_t)(bytes / TURN_MIB);
	if (turn_is_known(turn, "expand", volume))
		turn_settle(turn, volume, op);
}

void changes_snapshot(struct turn *turn)
{
	struct world *world = turn->world;
	unsigned volume = turn_random(turn, world->n);
	unsigned made = WORLD_SNAPSHOT + turn_random(turn, world->n);
	struct model_op op = { .kind = MODEL_CREATE, .content = (uint8_t)(1 + volume) };
	const Csi__V1__Snapshot *answer;

	turn_touch(turn, made);
	turn_touch(turn, volume);
	if (world->copies)
		turn_touch(turn, WORLD_COPIES);
	turn_begin(turn);
	if (calls_snapshot(&turn->calls, turn_name(turn, made), turn_id(turn, volume), &answer) ==
		    0 &&
	    !answer->ready_to_use)
		world_problem(world, "snapshot %s is not ready", answer->snapshot_id);
	if (turn_is_known(turn, "snapshot", made) && !changes_source_in_use(turn, volume) &&
	    turn_settle(turn, made, op))
		changes_note_source(turn, volume);
}

void changes_delete_snapshot(struct turn *turn)
{
	unsigned made = WORLD_SNAPSHOT + turn_random(turn, turn->world->n);

	turn_touch(turn, made);
	turn_begin(turn);
	calls_delete_snapshot(&turn->calls, turn_id(turn, made));
	if (turn_is_known(turn, "delete", made))
		turn_settle(turn, made, (struct model_op){ .kind = MODEL_DELETE });
}

void changes_modify(struct turn *turn)
{
	static const enum model_kind kinds[] = {
		[FL_OK] = MODEL_PRESENT, [FL_NOT_FOUND] = MODEL_ABSENT
	};
	struct world *world = turn->world;
	unsigned volume = turn_random(turn, world->n);
	const char *iops = turn_random(turn, 2) ? "1000" : "0";
	enum fl_error_code code;

	/* A node that is not there cannot be told: UNAVAILABLE until the volume is detached, which
	 * in a world where calls are repeated to their end may be never. */
	if (world->nodes > 1)
		return;
	turn_touch(turn, volume);
	turn_begin(turn);
	calls_modify(&turn->calls, turn_id(turn, volume), iops);
	code = turn->calls.error.code;
	if (!turn_is_known(turn, "modify", volume) || turn_is_put_off(turn, volume))
		return;
	turn_end(turn);
	if (code == FL_OK || code == FL_NOT_FOUND)
		turn_note(turn, volume, (struct model_op){ .kind = kinds[code] });
	else
		world_problem(world, "modify of %s: %s", turn_id(turn, volume),
			      turn->calls.error.text);
}
