/* SPDX-License-Identifier: Apache-2.0 */
/* Bed: a real `fairlead serve` under the trap, with everything that it keeps below one directory,
 * and an orchestrator's calls to it.  One in a process; needs root: devices and mounts are real. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "trap.h"

/* Begins in an empty directory.  False (after printing why) when this machine cannot run it. */
bool bed_open(const char *directory);
/* Ends the service, and removes mounts and devices that are left; 1 when it did not end well. */
int bed_close(void);

const char *bed_root(void);
/* Released and begun anew by bed_forget: for what lives as long as one try. */
struct fl_arena *bed_arena(void);
void bed_forget(void);

/* Starts the service under `plan`; false when it died of that.  Any other failure ends the test. */
bool bed_start(const struct trap_plan *plan);
/* Waits for the end of a service that was killed; false when it lives. */
bool bed_is_dead(void);
void bed_kill(void);

/* One call, as request_read_line takes it; @ in it is the bed's root, ~ the node's id, which is no
 * other bed's: loop devices are found by the ids of volumes.  * is the words " snapshot_ids=…" of
 * group g. */
int bed_call(const char *line, struct fl_error *err);
/* The same until it works, as an orchestrator asks, for as long as the codes say that something may
 * still be going on; what the killed service held is let go as if its time were up. */
int bed_insist(const char *line, struct fl_error *err);

/* A killed service's hold on a volume stands until a time that its record says: puts these times
 * into the past.  bed_insist does so when it is told of a hold. */
void bed_let_holds_expire(void);
