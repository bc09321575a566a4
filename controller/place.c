/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <string.h>

#define PLACE_TEXT 200 /* of an error: as much of a list as people read */

static const struct fl_strings *place_zones(const struct controller *c, const struct fl_pool *pool)
{
	return &fl_pools_settings(c->pools, pool)->zones;
}

struct topology_list place_of(const struct controller *c, struct fl_arena *arena,
			      const struct fl_pool *pool)
{
	const struct fl_strings *zones = place_zones(c, pool);
	struct topology_list list = { 0 };

	if (pool->flags & FL_BACKEND_NODE_LOCAL) {
		list.items = fl_arena_array(arena, 1, sizeof(*list.items));
		list.items[list.n++] = (struct topology){ .node = c->pools->settings->node.id };
	} else if (zones->n) {
		list.items = fl_arena_array(arena, zones->n, sizeof(*list.items));
		while (list.n < zones->n) {
			list.items[list.n] = (struct topology){ .zone = zones->items[list.n] };
			list.n++;
		}
	}
	return list;
}

static bool place_is_same(const char *wanted, const char *has)
{
	return !wanted || (has && strcmp(wanted, has) == 0);
}

/* The zone that a topology is in, NULL for any; false when no zone is. */
static bool place_zone_of(const struct controller *c, const struct topology *topology,
			  const char **ret)
{
	struct fl_peer peer = { 0 };

	*ret = topology->zone;
	if (topology->foreign)
		return false;
	if (!topology->node)
		return true;
	/* An orchestrator may know more nodes than we do, and names their zones. */
	if (!fl_settings_peer(c->pools->settings, topology->node, &peer) || !peer.zone)
		return topology->zone != NULL;
	*ret = peer.zone;
	return place_is_same(topology->zone, peer.zone);
}

bool place_has(const struct controller *c, const struct fl_pool *pool,
	       const struct topology *topology)
{
	const struct fl_node_settings *own = &c->pools->settings->node;
	const struct fl_strings *zones = place_zones(c, pool);
	const char *zone;

	if (pool->flags & FL_BACKEND_NODE_LOCAL)
		return !topology->foreign && place_is_same(topology->node, own->id) &&
		       place_is_same(topology->zone, own->zone);
	if (zones->n && !place_zone_of(c, topology, &zone))
		return false;
	for (size_t i = 0; i < zones->n; i++)
		if (place_is_same(zone, zones->items[i]))
			return true;
	return zones->n == 0;
}

static bool place_has_all(const struct controller *c, const struct fl_pool *pool,
			  const struct topology_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!place_has(c, pool, &list->items[i]))
			return false;
	return true;
}

static bool place_has_any(const struct controller *c, const struct fl_pool *pool,
			  const struct topology_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (place_has(c, pool, &list->items[i]))
			return true;
	return false;
}

static bool place_names_nodes(const struct topology_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].node)
			return true;
	return false;
}

static bool place_zone_is_in(const struct controller *c, const char *zone,
			     const struct topology_list *list)
{
	const char *wanted;

	for (size_t i = 0; i < list->n; i++)
		if (place_zone_of(c, &list->items[i], &wanted) && place_is_same(wanted, zone))
			return true;
	return false;
}

static bool place_all_zones_are_in(const struct controller *c, const struct fl_pool *pool,
				   const struct topology_list *list)
{
	const struct fl_strings *zones = place_zones(c, pool);

	for (size_t i = 0; i < zones->n; i++)
		if (!place_zone_is_in(c, zones->items[i], list))
			return false;
	return true;
}

/* CSI compares the number of topologies that a volume is reached from with those that are required:
 * it wants the smaller number to be met.  That is only meant for topologies of one size: a pool has
 * zones, so nodes are not counted. */
static bool place_satisfies(const struct controller *c, const struct fl_pool *pool,
			    const struct topology_list *requisite)
{
	if (requisite->n == 0)
		return true;
	if (!place_has_any(c, pool, requisite))
		return false;
	return (pool->flags & FL_BACKEND_NODE_LOCAL) || place_names_nodes(requisite) ||
	       place_has_all(c, pool, requisite) || place_all_zones_are_in(c, pool, requisite);
}

static int place_refuse(const struct controller *c, const struct fl_pool *pool,
			struct fl_error *err)
{
	const struct fl_strings *zones = place_zones(c, pool);
	char list[PLACE_TEXT] = "";

	if (pool->flags & FL_BACKEND_NODE_LOCAL)
		return fl_error_set(err, FL_NO_SPACE,
				    "pool %s lives on node %s, which is in none of the requisite "
				    "topologies: allow that node, or take a pool that others reach",
				    pool->name, c->pools->settings->node.id);
	for (size_t i = 0, used = 0; i < zones->n && used < sizeof(list) - 1; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 zones->items[i]);
	return fl_error_set(err, FL_NO_SPACE,
			    "pool %s is reached from zone%s %s, which does not satisfy the "
			    "requisite topologies: allow these zones, or take another pool",
			    pool->name, zones->n > 1 ? "s" : "", list);
}

int place_check(const struct controller *c, const struct fl_pool *pool,
		const struct topology_requirement *required, struct fl_error *err)
{
	if (place_satisfies(c, pool, &required->requisite))
		return 0;
	return place_refuse(c, pool, err);
}

int place_check_node(const struct controller *c, const struct fl_pool *pool, const char *volume_id,
		     const char *node, struct fl_error *err)
{
	const struct fl_settings *settings = c->pools->settings;
	struct topology topology;
	struct fl_peer peer;

	if (!fl_settings_peer(settings, node, &peer))
		return fl_error_set(
			err, FL_NOT_FOUND,
			"node %.200s is not known here: this is node %s, and others are "
			"listed under `nodes:` of the configuration",
			node, settings->node.id);
	topology = (struct topology){ .node = peer.id, .zone = peer.zone };
	if (place_has(c, pool, &topology))
		return 0;
	if (pool->flags & FL_BACKEND_NODE_LOCAL)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s lives on node %s, node %s cannot reach it: run what "
				    "uses it on node %s",
				    volume_id, settings->node.id, node, settings->node.id);
	return fl_error_set(err, FL_IN_USE,
			    "node %s is in %s%s, from where pool %s of volume %s is not reached: "
			    "run what uses it in a zone of the pool",
			    node, peer.zone ? "zone " : "no zone that the configuration tells",
			    peer.zone ? peer.zone : "", pool->name, volume_id);
}

/* Those of the pools that have the topology; how many there are. */
static size_t place_narrow(const struct controller *c, const struct topology *topology,
			   struct fl_pool *const *pools, size_t n, struct fl_pool **ret)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!place_has(c, pools[i], topology))
			continue;
		*ret = pools[i];
		found++;
	}
	return found;
}

int place_choose(const struct controller *c, struct fl_arena *arena,
		 const struct topology_requirement *required, struct fl_pool **ret,
		 struct fl_error *err)
{
	struct fl_pool **fit = fl_arena_array(arena, c->pools->n, sizeof(struct fl_pool *));
	const struct topology_list *preferred = &required->preferred;
	struct fl_pool *only = NULL;
	size_t n = 0, near = 0;

	for (size_t i = 0; i < c->pools->n; i++)
		if (place_satisfies(c, c->pools->items[i], &required->requisite))
			fit[n++] = c->pools->items[i];
	if (n == 0)
		return fl_error_set(err, FL_NO_SPACE,
				    "no pool is reached from the requisite topologies: allow the "
				    "nodes or zones of one");
	for (size_t i = 0; i < preferred->n && near == 0; i++)
		near = place_narrow(c, &preferred->items[i], fit, n, &only);
	if (n == 1)
		only = fit[0];
	*ret = n == 1 || near == 1 ? only : NULL;
	return 0;
}

static bool place_pool_is_constrained(const struct fl_pools *pools, size_t i)
{
	return (pools->items[i]->flags & FL_BACKEND_NODE_LOCAL) ||
	       pools->settings->pools[i].zones.n;
}

bool place_is_constrained(const struct fl_pools *pools)
{
	for (size_t i = 0; i < pools->n; i++)
		if (place_pool_is_constrained(pools, i))
			return true;
	return false;
}

bool place_constrains_snapshots(const struct fl_pools *pools)
{
	for (size_t i = 0; i < pools->n; i++)
		if (place_pool_is_constrained(pools, i) && pools->items[i]->backend->snapshots)
			return true;
	return false;
}
