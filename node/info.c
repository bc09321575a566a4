/* SPDX-License-Identifier: Apache-2.0 */
/* NodeGetInfo and NodeGetCapabilities: who this node is and what it can do. */
#include "csi/offer.h"
#include "csi/reply.h"
#include "csi/topology.h"
#include "node/calls.h"

/* Some pool's volumes can grow. */
static bool info_can_expand(const struct node *node)
{
	for (size_t i = 0; i < node->pools->n; i++) {
		if (node->pools->items[i]->backend->resize)
			return true;
	}
	return false;
}

/* Some pool's storage can be asked how it is. */
static bool info_has_storage_health(const struct node *node)
{
	for (size_t i = 0; i < node->pools->n; i++) {
		if (node->pools->items[i]->backend->health)
			return true;
	}
	return false;
}

int node_get_capabilities(struct rpc_call *call, const void *request, void *response,
			  struct fl_error *err)
{
	Csi__V1__NodeGetCapabilitiesResponse *answer = response;
	const struct node *node = rpc_call_cookie(call);
	/* What the kernel shows of a volume can be told of every one. */
	enum node_offer offers[8] = { NODE_STAGE_UNSTAGE_VOLUME, NODE_GET_VOLUME_STATS,
				      NODE_VOLUME_CONDITION,     NODE_SINGLE_NODE_MULTI_WRITER,
				      NODE_VOLUME_MOUNT_GROUP,   NODE_GET_VOLUME_HEALTH };
	size_t n = 6;

	(void)request;
	(void)err;
	if (info_can_expand(node))
		offers[n++] = NODE_EXPAND_VOLUME;
	if (info_has_storage_health(node))
		offers[n++] = NODE_GET_STORAGE_HEALTH;
	answer->capabilities = offer_node(rpc_call_arena(call), offers, n);
	answer->n_capabilities = n;
	return 0;
}

int node_get_info(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	Csi__V1__NodeGetInfoResponse *answer = response;
	const struct node *node = rpc_call_cookie(call);
	const struct fl_node_settings *settings = &node->pools->settings->node;
	const struct topology here = { .node = settings->id, .zone = settings->zone };

	(void)request;
	(void)err;
	answer->node_id = fl_arena_strdup(rpc_call_arena(call), settings->id);
	answer->accessible_topology = topology_reply(rpc_call_arena(call), &here);
	answer->max_volumes_per_node = reply_size(settings->max_volumes);
	return 0;
}
