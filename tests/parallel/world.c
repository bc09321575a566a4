/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void world_name(const struct world *world, struct world_object *object, char kind,
		       unsigned number)
{
	snprintf(object->name, sizeof(object->name), "%c%u", kind, number);
	snprintf(object->id, sizeof(object->id), "%s/%s", world->service->shared ? "p" : "p/n1",
		 object->name);
	history_init(&object->history, object->id);
}

void world_init(struct world *world, struct service *service, unsigned n)
{
	memset(world, 0, sizeof(*world));
	world->service = service;
	world->n = n;
	world->nodes = service->shared ? 2 : 1;
	for (unsigned i = 0; i < WORLD_MAX; i++) {
		world_name(world, &world->objects[i], 'v', i);
		world_name(world, &world->objects[WORLD_SNAPSHOT + i], 's', i);
	}
	world_name(world, &world->objects[WORLD_COPIES], 'c', 0);
}

void world_release(struct world *world)
{
	for (unsigned i = 0; i < WORLD_OBJECTS; i++)
		history_release(&world->objects[i].history);
}

int world_find(const struct world *world, unsigned first, const char *id)
{
	for (unsigned i = 0; i < world->n; i++)
		if (strcmp(world->objects[first + i].id, id) == 0)
			return (int)i;
	return -1;
}

void world_problem(struct world *world, const char *format, ...)
{
	char text[700];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("# %s\n", text);
	atomic_fetch_add(&world->problems, 1);
}

void world_check(struct world *world)
{
	for (unsigned i = 0; i < WORLD_OBJECTS; i++)
		if (history_check(&world->objects[i].history) < 0)
			atomic_fetch_add(&world->problems, 1);
}
