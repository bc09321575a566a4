/* SPDX-License-Identifier: Apache-2.0 */
#include "capabilities.h"

#include "controller.h"
#include "csi/csi.pb-c.h"
#include "csi/offer.h"
#include "group.h"
#include "verbs.h"

bool pool_has_volumes(const struct fl_pool *pool)
{
	return pool->backend->volume_create != NULL;
}

/* Who may write is kept in a record: a pool without records cannot be published. */
bool pool_has_records(const struct fl_pool *pool)
{
	return pool->backend->records != NULL;
}

bool pool_has_capacity(const struct fl_pool *pool)
{
	return pool->backend->capacity != NULL;
}

bool pool_has_snapshots(const struct fl_pool *pool)
{
	return pool->backend->snapshots != NULL;
}

bool pool_has_clones(const struct fl_pool *pool)
{
	return (pool->flags & (FL_BACKEND_CLONES | FL_BACKEND_COPIES)) != 0;
}

bool pool_has_resize(const struct fl_pool *pool)
{
	return pool->backend->resize != NULL;
}

bool pool_has_health(const struct fl_pool *pool)
{
	return pool->backend->health != NULL;
}

bool pool_has_groups(const struct fl_pool *pool)
{
	return group_is_offered(pool->backend);
}

bool pool_has_changes(const struct fl_pool *pool)
{
	return pool->backend->changes != NULL;
}

static const struct {
	enum controller_offer offer;
	capability_test *has;
} capability_rules[] = {
	{ CONTROLLER_CREATE_DELETE_VOLUME, pool_has_volumes },
	{ CONTROLLER_PUBLISH_UNPUBLISH_VOLUME, pool_has_records },
	{ CONTROLLER_LIST_VOLUMES, pool_has_volumes },
	{ CONTROLLER_GET_CAPACITY, pool_has_capacity },
	{ CONTROLLER_CREATE_DELETE_SNAPSHOT, pool_has_snapshots },
	{ CONTROLLER_LIST_SNAPSHOTS, pool_has_snapshots },
	{ CONTROLLER_CLONE_VOLUME, pool_has_clones },
	{ CONTROLLER_PUBLISH_READONLY, pool_has_records },
	{ CONTROLLER_EXPAND_VOLUME, pool_has_resize },
	{ CONTROLLER_LIST_VOLUMES_PUBLISHED_NODES, pool_has_records },
	{ CONTROLLER_VOLUME_CONDITION, pool_has_health },
	{ CONTROLLER_GET_VOLUME, pool_has_volumes },
	{ CONTROLLER_SINGLE_NODE_MULTI_WRITER, pool_has_records },
	{ CONTROLLER_MODIFY_VOLUME, pool_has_records },
	{ CONTROLLER_GET_SNAPSHOT, pool_has_snapshots },
	{ CONTROLLER_GET_VOLUME_HEALTH, pool_has_health },
	{ CONTROLLER_LIST_VOLUME_HEALTH, pool_has_health },
};

bool capability_is_offered(const struct fl_pools *pools, capability_test *has)
{
	for (size_t i = 0; i < pools->n; i++)
		if (has(pools->items[i]))
			return true;
	return false;
}

int get_capabilities(struct rpc_call *call, const void *request, void *response,
		     struct fl_error *err)
{
	const struct controller *c = rpc_call_cookie(call);
	Csi__V1__ControllerGetCapabilitiesResponse *answer = response;
	enum controller_offer offers[FL_COUNT(capability_rules)];

	(void)request;
	(void)err;
	for (size_t i = 0; i < FL_COUNT(capability_rules); i++)
		if (capability_is_offered(c->pools, capability_rules[i].has))
			offers[answer->n_capabilities++] = capability_rules[i].offer;
	answer->capabilities =
		offer_controller(rpc_call_arena(call), offers, answer->n_capabilities);
	return 0;
}
