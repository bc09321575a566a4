/* SPDX-License-Identifier: Apache-2.0 */
/* Capacity: of the pool that the parameters name.  Without parameter `pool`, where several are
 * configured, of the one that has most: pools may share a disk, and their sum would promise the
 * same bytes twice. */
#include "access.h"
#include "csi/reply.h"
#include "parameters.h"
#include "place.h"
#include "verbs.h"

struct capacity {
	const struct controller *c;
	struct fl_op op;
	const struct fl_pair *pairs; /* parameters */
	size_t n_pairs;
	const struct capability *capabilities;
	size_t n_capabilities;
	struct topology topology; /* from where the pool must be reached */
};

/* *ret stays nothing where the pool cannot tell, does not allow such volumes, or is out of
 * reach. */
static int capacity_of(const struct capacity *ask, struct fl_pool *pool, struct fl_capacity *ret,
		       struct fl_error *err)
{
	struct parameters parameters;
	struct fl_error why;

	if (parameters_read(ask->c, ask->op.arena, pool, ask->pairs, ask->n_pairs, &parameters,
			    err) < 0)
		return -1;
	if (!parameters.pool->backend->capacity ||
	    !place_has(ask->c, parameters.pool, &ask->topology) ||
	    access_check(ask->c, parameters.pool, ask->capabilities, ask->n_capabilities, &why) < 0)
		return 0;
	if (fl_pool_capacity(parameters.pool, &ask->op, parameters.thin, ret, err) < 0)
		return fl_error_prefix(err, "capacity of pool %s", parameters.pool->name);
	return 0;
}

static int capacity_of_largest(const struct capacity *ask, struct fl_capacity *ret,
			       struct fl_error *err)
{
	for (size_t i = 0; i < ask->c->pools->n; i++) {
		struct fl_capacity one = { 0 };
		if (capacity_of(ask, ask->c->pools->items[i], &one, err) < 0)
			return -1;
		if (i == 0 || one.available_bytes > ret->available_bytes)
			*ret = one;
	}
	return 0;
}

static int capacity_read(struct capacity *ask, const Csi__V1__GetCapacityRequest *request,
			 struct fl_error *err)
{
	struct fl_arena *arena = ask->op.arena;
	struct capability *capabilities = NULL;
	struct fl_pair *pairs;

	ask->n_capabilities = request->n_volume_capabilities;
	if (ask->n_capabilities &&
	    capability_read_list(arena, request->volume_capabilities, ask->n_capabilities,
				 &capabilities, err) < 0)
		return -1;
	if (convert_pairs(arena, "parameters", request->parameters, request->n_parameters, &pairs,
			  &ask->n_pairs, err) < 0)
		return -1;
	ask->pairs = pairs;
	ask->capabilities = capabilities;
	return topology_read(request->accessible_topology, &ask->topology, err);
}

int get_capacity(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	struct capacity ask = { .c = rpc_call_cookie(call), .op = rpc_call_op(call) };
	Csi__V1__GetCapacityResponse *answer = response;
	struct fl_capacity capacity = { 0 };

	if (capacity_read(&ask, request, err) < 0)
		return -1;
	if (fl_pair_get(ask.pairs, ask.n_pairs, "pool")) {
		if (capacity_of(&ask, NULL, &capacity, err) < 0)
			return -1;
	} else if (capacity_of_largest(&ask, &capacity, err) < 0) {
		return -1;
	}
	answer->available_capacity = reply_size(capacity.available_bytes);
	if (capacity.max_volume_bytes)
		answer->maximum_volume_size = reply_number(ask.op.arena, capacity.max_volume_bytes);
	if (capacity.min_volume_bytes)
		answer->minimum_volume_size = reply_number(ask.op.arena, capacity.min_volume_bytes);
	return 0;
}
