/* SPDX-License-Identifier: Apache-2.0 */
/* Which function answers which method.  A method without one answers UNIMPLEMENTED. */
#include "node/calls.h"

const struct rpc_method node_methods[] = {
	{ "NodeStageVolume", node_stage, 0 },
	{ "NodeUnstageVolume", node_unstage, 0 },
	{ "NodePublishVolume", node_publish, 0 },
	{ "NodeUnpublishVolume", node_unpublish, 0 },
	{ "NodeGetVolumeStats", node_volume_stats, 0 },
	{ "NodeExpandVolume", node_expand, 0 },
	{ "NodeGetCapabilities", node_get_capabilities, RPC_QUICK },
	{ "NodeGetInfo", node_get_info, RPC_QUICK },
	{ "NodeGetVolumeHealth", node_volume_health, 0 },
	{ "NodeGetStorageHealth", node_storage_health, 0 },
};
const size_t node_n_methods = FL_COUNT(node_methods);
