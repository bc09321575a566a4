/* SPDX-License-Identifier: Apache-2.0 */
/* World: the volumes and snapshots that all clients work on, and what is known of each. */
#pragma once

#include <stdatomic.h>

#include "calls.h"
#include "history.h"
#include "service.h"

#define WORLD_MAX 32 /* volumes, and as many snapshots */
#define WORLD_SNAPSHOT WORLD_MAX
#define WORLD_COPIES (2 * WORLD_MAX) /* stands for the places that copies take */
#define WORLD_OBJECTS (2 * WORLD_MAX + 1)

/* Who works on an object now: a call may be told "busy" only when another is at work, too. */
struct world_object {
	char name[16];
	char id[32];
	struct history history;
	atomic_uint at_work;
	atomic_ulong begun;
};

struct world {
	struct service *service;
	unsigned n; /* volumes in use, of WORLD_MAX */
	unsigned nodes;
	bool copies; /* the pool cannot cut: it makes clones and snapshots by copying */
	bool kills;  /* the service dies now and then: answers get lost */
	uint64_t slowest_allowed_us;
	struct world_object objects[WORLD_OBJECTS];
	atomic_ulong calls, busy, lost, groups, problems;
	atomic_ulong operations; /* that have come to an end, however many calls it took */
	atomic_ullong slowest_us;
	atomic_bool stop;
};

void world_init(struct world *world, struct service *service, unsigned n);
void world_release(struct world *world);
/* Which volume (or, with WORLD_SNAPSHOT, snapshot) has the id; -1 for none. */
int world_find(const struct world *world, unsigned first, const char *id);
/* Prints a comment of TAP and counts it. */
void world_problem(struct world *world, const char *format, ...) fl_printf_like(2, 3);
/* Between rounds, when no call is under way: every history must be explained. */
void world_check(struct world *world);
