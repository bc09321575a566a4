/* SPDX-License-Identifier: Apache-2.0 */
/* Service: the real `fairlead serve` ($FAIRLEAD) over one pool, to be started, killed and started
 * again.
 *
 * Everything is below a directory that the caller gives.  Whatever fails here ends the program. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct service {
	const char *directory;
	bool shared;      /* the pool's option: two nodes reach it, n1 and n2 */
	char pool[512];   /* the pool's directory */
	char socket[512]; /* as an endpoint */
	char run[512];
	char config[512];
	pid_t pid;
};

void service_init(struct service *service, const char *directory, bool shared);
/* Returns when it answers. */
void service_start(struct service *service);
void service_kill(struct service *service);
/* Asks it to end; its exit status. */
int service_stop(struct service *service);
