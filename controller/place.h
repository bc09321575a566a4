/* SPDX-License-Identifier: Apache-2.0 */
/* Place: from which nodes the volumes of a pool can be reached, and which pool a volume belongs to.
 *
 * A node-local pool is reached from its node; one with `zones` from their nodes; any other from
 * everywhere.  So the place of a volume follows from its pool, and is recorded nowhere. */
#pragma once

#include "controller.h"
#include "csi/topology.h"

/* As accessible_topology; empty where the pool is reached from everywhere. */
struct topology_list place_of(const struct controller *c, struct fl_arena *arena,
			      const struct fl_pool *pool);

/* Whether the pool can be reached from somewhere in that topology. */
bool place_has(const struct controller *c, const struct fl_pool *pool,
	       const struct topology *topology);

/* FL_NO_SPACE unless the pool is reached from what is required: from one topology at least, and
 * where they name zones only, from as many as CSI wants: all of them, or as many as the pool
 * has. */
int place_check(const struct controller *c, const struct fl_pool *pool,
		const struct topology_requirement *required, struct fl_error *err) fl_must_check;

/* FL_NOT_FOUND for a node that the configuration does not name, FL_IN_USE for one that does not
 * reach the pool.  `volume_id` is for the text. */
int place_check_node(const struct controller *c, const struct fl_pool *pool, const char *volume_id,
		     const char *node, struct fl_error *err) fl_must_check;

/* Of the pools that satisfy the requirement, the only one, or the only one in the first preferred
 * topology that has any.  FL_NO_SPACE when there is none; *ret is NULL when there are several. */
int place_choose(const struct controller *c, struct fl_arena *arena,
		 const struct topology_requirement *required, struct fl_pool **ret,
		 struct fl_error *err) fl_must_check;

/* Some pool cannot be reached from everywhere; the same, and it has snapshots. */
bool place_is_constrained(const struct fl_pools *pools);
bool place_constrains_snapshots(const struct fl_pools *pools);
