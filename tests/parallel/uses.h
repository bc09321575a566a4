/* SPDX-License-Identifier: Apache-2.0 */
/* Uses: a disk's whole life on this node, of a volume that is one client's own. */
#pragma once

#include "turn.h"

/* Creates, attaches, stages, publishes and undoes all of it; each step is repeated until it is
 * done. */
void uses_disk(struct turn *turn, unsigned client);
/* Whether the volume is such a one. */
bool uses_is_one(const char *id);
/* Prints, as comments of TAP, the loop devices and mounts that use something in `directory`;
 * returns how many there are. */
unsigned uses_left(const char *directory);
