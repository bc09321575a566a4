/* SPDX-License-Identifier: Apache-2.0 */
/* Client: random calls on a world. */
#pragma once

#include "world.h"

struct client {
	struct world *world;
	unsigned number;
	unsigned seed; /* of this client's random numbers */
};

/* A thread's function, with a struct client. */
void *client_run(void *cookie);
/* When no client runs: lists everything. */
void client_look(struct world *world);
/* When no client runs: removes everything. */
void client_clean(struct world *world);
