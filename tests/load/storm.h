/* SPDX-License-Identifier: Apache-2.0 */
/* Storm: many peers of all kinds at one socket, on a thread of their own. */
#pragma once

#include <stdatomic.h>

#include "peer.h"

struct storm;

/* `n` says how many of each kind.  Returns when all of them have connected once. */
struct storm *storm_start(const char *path, const unsigned n[PEER_KINDS]);
/* Ends it and closes everything; `ret` gets the counts by kind. */
void storm_stop(struct storm *storm, struct peer_counts ret[PEER_KINDS]);
