/* SPDX-License-Identifier: Apache-2.0 */
/* parallel DIRECTORY [kills] [shared] [copies]: many clients make random calls on few volumes, and
 * a model explains every answer.
 *
 * 32 clients, 8 volumes, 60 s (20 s in a build with sanitizers); FAIRLEAD_PARALLEL_SECONDS makes it
 * hours, FAIRLEAD_SEED repeats the choices.  With "kills": 8 clients and 500 operations, a disk's
 * life on this node among them, while the service is killed at random moments and started again;
 * what gets no answer is made again.  "shared": two nodes reach the pool; "copies": the file system
 * of DIRECTORY cannot cut. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "client.h"
#include "tests/conformance/leftovers.h"
#include "uses.h"

#define PARALLEL_CLIENTS 32
#define PARALLEL_VOLUMES 8
#define PARALLEL_SECONDS 60
#define PARALLEL_SECONDS_SLOW 20
#define PARALLEL_ROUND_SECONDS 5
#define PARALLEL_SLOWEST_US 2000000
#define KILLS_CLIENTS 8
#define KILLS_VOLUMES 24
#define KILLS_OPERATIONS 500
#define KILLS_MOST 40
#define KILLS_PAUSE_MS 80 /* at most, between a start and the next kill */

static struct world world;
static struct service service;
static unsigned seed;
static unsigned statements, failures;

static void say(bool good, const char *text)
{
	statements++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", statements, text);
	fflush(stdout);
}

static unsigned number_of(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* Of a run of clients, between two looks at everything. */
static void round_run(unsigned n_clients, void (*meanwhile)(void))
{
	struct client clients[PARALLEL_CLIENTS];
	pthread_t threads[PARALLEL_CLIENTS];

	atomic_store(&world.stop, false);
	for (unsigned i = 0; i < n_clients; i++) {
		clients[i] = (struct client){ &world, i, seed++ * 2654435761u + i };
		if (pthread_create(&threads[i], NULL, client_run, &clients[i]))
			abort();
	}
	meanwhile();
	atomic_store(&world.stop, true);
	for (unsigned i = 0; i < n_clients; i++)
		pthread_join(threads[i], NULL);
	client_look(&world);
	world_check(&world);
}

static void wait_a_round(void)
{
	fl_clock_sleep_ms(PARALLEL_ROUND_SECONDS * 1000);
}

static void random_calls(unsigned slowness)
{
	unsigned seconds = number_of("FAIRLEAD_PARALLEL_SECONDS",
				     slowness > 1 ? PARALLEL_SECONDS_SLOW : PARALLEL_SECONDS);
	struct timespec until = fl_clock_after_ms(seconds * 1000ull);

	world.slowest_allowed_us = PARALLEL_SLOWEST_US * (uint64_t)slowness;
	while (!fl_clock_passed(until) && !atomic_load(&world.problems))
		round_run(PARALLEL_CLIENTS, wait_a_round);
	printf("# %lu calls, %lu told that it is busy, %lu group snapshots, the slowest took %llu ms\n",
	       atomic_load(&world.calls), atomic_load(&world.busy), atomic_load(&world.groups),
	       atomic_load(&world.slowest_us) / 1000);
	say(!atomic_load(&world.problems) && atomic_load(&world.calls) > 1000 &&
		    atomic_load(&world.groups) > 0,
	    "the model explains every answer, and none takes too long");
}

static void kill_now_and_then(void)
{
	unsigned kills = 0;

	while (atomic_load(&world.operations) < KILLS_OPERATIONS && !atomic_load(&world.problems)) {
		fl_clock_sleep_ms((uint64_t)rand_r(&seed) / 7 % KILLS_PAUSE_MS);
		/* What a killed call held stays held for half a minute: kills without end, no
		 * end. */
		if (kills == KILLS_MOST)
			continue;
		service_kill(&service);
		service_start(&service);
		kills++;
	}
	printf("# %lu operations, %u kills\n", atomic_load(&world.operations), kills);
	if (kills < 5)
		world_problem(&world, "the service was hardly killed");
}

static void calls_under_kills(void)
{
	world.kills = true;
	round_run(KILLS_CLIENTS, kill_now_and_then);
	printf("# %lu calls, %lu without an answer, %lu told that it is busy\n",
	       atomic_load(&world.calls), atomic_load(&world.lost), atomic_load(&world.busy));
	say(!atomic_load(&world.problems), "repeated calls complete what kills cut off");
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

static void end_clean(void)
{
	unsigned long before = atomic_load(&world.problems);

	client_clean(&world);
	if (uses_left(service.directory))
		world_problem(&world, "the clients have undone everything, and not all is gone");
	say(service_stop(&service) == 0 && leftovers_print(service.pool) == 0 &&
		    atomic_load(&world.problems) == before,
	    "everything can be removed, and nothing is left over");
}

int main(int argc, char **argv)
{
	unsigned slowness = number_of("FAIRLEAD_SLOWNESS", 1);
	bool kills = has_word(argc, argv, "kills");

	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = number_of("FAIRLEAD_SEED", (unsigned)time(NULL) % 1000000);
	printf("# FAIRLEAD_SEED=%u\n", seed);
	service_init(&service, argv[1], has_word(argc, argv, "shared"));
	world_init(&world, &service, kills ? KILLS_VOLUMES : PARALLEL_VOLUMES);
	world.copies = has_word(argc, argv, "copies");
	service_start(&service);
	if (kills)
		calls_under_kills();
	else
		random_calls(slowness);
	end_clean();
	world_release(&world);
	printf("1..%u\n", statements);
	return failures ? 1 : 0;
}
