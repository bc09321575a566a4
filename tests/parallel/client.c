/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "base/clock.h"
#include "changes.h"
#include "uses.h"

#define CLIENT_RETRY_MS 20
/* What a hold of a killed service costs (docs/errors.md), and some. */
#define CLIENT_PATIENCE_MS 120000

/* Every so manieth operation is a disk's whole life. */
#define CLIENT_USES 8

static const struct {
	void (*call)(struct turn *turn);
	unsigned weight;
} client_calls[] = {
	{ changes_create, 16 },    { changes_clone, 10 },
	{ changes_delete, 14 },    { changes_publish, 14 },
	{ changes_unpublish, 14 }, { changes_expand, 10 },
	{ changes_snapshot, 8 },   { changes_delete_snapshot, 6 },
	{ changes_modify, 6 },     { changes_group, 3 },
	{ looks_get, 10 },         { looks_volumes, 3 },
	{ looks_snapshots, 2 },
};

static void client_choose(struct turn *turn)
{
	unsigned sum = 0, choice;
	size_t i = 0;

	for (size_t j = 0; j < FL_COUNT(client_calls); j++)
		sum += client_calls[j].weight;
	choice = turn_random(turn, sum);
	while (choice >= client_calls[i].weight)
		choice -= client_calls[i++].weight;
	client_calls[i].call(turn);
}

/* The same numbers make the same call: so a call that got no answer is made again. */
static void client_insist(struct turn *turn, void (*call)(struct turn *turn))
{
	struct timespec until = fl_clock_after_ms(CLIENT_PATIENCE_MS);
	unsigned seed = *turn->seed;

	for (;;) {
		*turn->seed = seed;
		turn->n = 0;
		turn->again = false;
		call(turn);
		calls_forget(&turn->calls);
		if (!turn->again || !turn->world->kills)
			break;
		if (fl_clock_passed(until)) {
			world_problem(turn->world, "repeating a call does not complete it");
			break;
		}
		fl_clock_sleep_ms(CLIENT_RETRY_MS);
	}
	atomic_fetch_add(&turn->world->operations, 1);
}

/* Only where the service is killed: a node's calls take long, and a volume of one's own meets
 * nobody. */
static void client_use(struct turn *turn, unsigned number)
{
	uses_disk(turn, number);
	calls_forget(&turn->calls);
	atomic_fetch_add(&turn->world->operations, 1);
}

void *client_run(void *cookie)
{
	const struct client *client = cookie;
	struct world *world = client->world;
	unsigned seed = client->seed;
	struct turn turn = { .world = world, .seed = &seed, .client = client->number };

	calls_open(&turn.calls, world->service->socket);
	while (!atomic_load(&world->stop)) {
		if (world->kills && turn_random(&turn, CLIENT_USES) == 0)
			client_use(&turn, client->number);
		else
			client_insist(&turn, client_choose);
	}
	calls_close(&turn.calls);
	return NULL;
}

void client_look(struct world *world)
{
	unsigned seed = 1;
	struct turn turn = { .world = world, .seed = &seed };

	calls_open(&turn.calls, world->service->socket);
	client_insist(&turn, looks_volumes);
	client_insist(&turn, looks_snapshots);
	calls_close(&turn.calls);
}

static void client_must(struct turn *turn, const char *what, const char *id, int result)
{
	if (result < 0)
		world_problem(turn->world, "%s of %s at the end: %s", what, id,
			      turn->calls.error.text);
}

void client_clean(struct world *world)
{
	struct turn turn = { .world = world };
	struct calls *calls = &turn.calls;

	calls_open(calls, world->service->socket);
	for (unsigned i = 0; i < world->n; i++) {
		const char *volume = turn_id(&turn, i);
		const char *snapshot = turn_id(&turn, WORLD_SNAPSHOT + i);

		client_must(&turn, "unpublish", volume, calls_unpublish(calls, volume, ""));
		client_must(&turn, "delete", volume, calls_delete(calls, volume));
		client_must(&turn, "delete", snapshot, calls_delete_snapshot(calls, snapshot));
	}
	calls_close(calls);
}
