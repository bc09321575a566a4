/* SPDX-License-Identifier: Apache-2.0 */
/* Topology: where nodes are and where volumes can be reached from, as CSI's segments.
 *
 * There are two domains: the node itself, and the zone where the configuration gives one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "csi/csi.pb-c.h"

#define TOPOLOGY_NODE "topology.fairlead.io/node"
#define TOPOLOGY_ZONE "topology.fairlead.io/zone"

struct topology {
	const char *node; /* NULL: any */
	const char *zone; /* NULL: any */
	bool foreign;     /* it names a segment that no node of ours has */
};

/* Keys are read without regard to case.  A NULL message, and one without segments, is anywhere.
 * FL_INVALID for more than 32 segments, and for keys and values that CSI does not allow.  Strings
 * stay the message's. */
int topology_read(const Csi__V1__Topology *message, struct topology *ret, struct fl_error *err)
	fl_must_check;

struct topology_list {
	struct topology *items;
	size_t n;
};
struct topology_requirement {
	struct topology_list requisite; /* one of them at least; none: anywhere */
	struct topology_list preferred; /* best first */
};

/* A NULL message requires nothing.  FL_INVALID above 10,000 topologies in a list, and as
 * topology_read. */
int topology_read_requirement(struct fl_arena *arena, const Csi__V1__TopologyRequirement *message,
			      struct topology_requirement *ret, struct fl_error *err) fl_must_check;

/* As CSI's message. */
Csi__V1__Topology *topology_reply(struct fl_arena *arena, const struct topology *topology);
/* An array of them; NULL for none. */
Csi__V1__Topology **topology_reply_list(struct fl_arena *arena, const struct topology_list *list);
