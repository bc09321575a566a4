/* SPDX-License-Identifier: Apache-2.0 */
/* A group snapshot's life: its name is one client's own, its volumes are everybody's. */
#include <string.h>

#include "base/clock.h"
#include "changes.h"

#define GROUPS_VOLUMES 2
#define GROUPS_PATIENCE_MS 120000
#define GROUPS_RETRY_MS 10

/* Makes the call until it is settled; its code. */
static enum fl_error_code groups_insist(struct turn *turn, const struct calls_group *group,
					int (*call)(struct calls *calls,
						    const struct calls_group *group))
{
	struct timespec until = fl_clock_after_ms(GROUPS_PATIENCE_MS);
	enum fl_error_code code;

	for (;;) {
		code = call(&turn->calls, group) == 0 ? FL_OK : turn->calls.error.code;
		if ((code != FL_BUSY && code != FL_UNAVAILABLE && code != FL_TIMEOUT) ||
		    fl_clock_passed(until))
			return code;
		fl_clock_sleep_ms(GROUPS_RETRY_MS);
	}
}

/* It is what was asked for; and it can be found, deleted, and is gone. */
static void groups_end(struct turn *turn, const Csi__V1__VolumeGroupSnapshot *made)
{
	struct calls_group group = { .name_or_id = made->group_snapshot_id,
				     .ids = fl_arena_array(turn->calls.arena, made->n_snapshots,
							   sizeof(char *)) };
	enum fl_error_code code;

	for (size_t i = 0; i < made->n_snapshots; i++) {
		group.ids[group.n++] = made->snapshots[i]->snapshot_id;
		if (!made->snapshots[i]->ready_to_use ||
		    strcmp(made->snapshots[i]->group_snapshot_id, group.name_or_id) != 0)
			world_problem(turn->world, "snapshot %s of group %s is not as it should be",
				      group.ids[i], group.name_or_id);
	}
	if (group.n != GROUPS_VOLUMES)
		world_problem(turn->world, "group %s has %zu snapshots", group.name_or_id, group.n);
	code = groups_insist(turn, &group, calls_get_group);
	if (code == FL_OK)
		code = groups_insist(turn, &group, calls_delete_group);
	if (code == FL_OK && groups_insist(turn, &group, calls_get_group) == FL_NOT_FOUND) {
		atomic_fetch_add(&turn->world->groups, 1);
		return;
	}
	world_problem(turn->world, "the end of group %s: %s: %s", group.name_or_id,
		      fl_error_name(code), turn->calls.error.text);
}

void changes_group(struct turn *turn)
{
	struct world *world = turn->world;
	unsigned a = turn_random(turn, world->n);
	unsigned b = (a + 1 + turn_random(turn, world->n - 1)) % world->n;
	char *ids[GROUPS_VOLUMES] = { (char *)turn_id(turn, a), (char *)turn_id(turn, b) };
	const struct calls_group wish = {
		.name_or_id = fl_arena_printf(turn->calls.arena, "g%u", turn->client),
		.ids = ids,
		.n = GROUPS_VOLUMES,
	};
	const Csi__V1__VolumeGroupSnapshot *made;
	enum fl_error_code code;

	turn_touch(turn, a);
	turn_touch(turn, b);
	if (world->copies)
		turn_touch(turn, WORLD_COPIES);
	turn_begin(turn);
	calls_group(&turn->calls, &wish, &made);
	code = turn->calls.error.code;
	if (!turn_is_known(turn, "group", a) || turn_is_put_off(turn, a))
		return;
	turn_end(turn);
	if (code == FL_OK)
		groups_end(turn, made);
	else if (code == FL_EXISTS)
		world_problem(world, "group %s exists", wish.name_or_id);
}
