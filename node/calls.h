/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: the handlers of csi.v1.Node, as in csi/rpc/rpc.h; the cookie is the node. */
#pragma once

#include "csi/rpc/rpc.h"
#include "node/node.h"

typedef int node_call(struct rpc_call *call, const void *request, void *response,
		      struct fl_error *err);

node_call node_stage, node_unstage;
node_call node_publish, node_unpublish;
node_call node_volume_stats, node_expand;
node_call node_volume_health, node_storage_health;
node_call node_get_capabilities, node_get_info;

/* The table of them all, for node_new. */
extern const struct rpc_method node_methods[];
extern const size_t node_n_methods;
