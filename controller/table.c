/* SPDX-License-Identifier: Apache-2.0 */
/* Which function answers which method.  A method without one answers UNIMPLEMENTED. */
#include <stdlib.h>

#include "controller.h"
#include "csi/csi.pb-c.h"
#include "verbs.h"

static const struct rpc_method volume_methods[] = {
	{ "CreateVolume", create_volume, 0 },
	{ "DeleteVolume", delete_volume, 0 },
	{ "ControllerPublishVolume", publish_volume, 0 },
	{ "ControllerUnpublishVolume", unpublish_volume, 0 },
	{ "ValidateVolumeCapabilities", validate_capabilities, 0 },
	{ "ListVolumes", list_volumes, 0 },
	{ "GetCapacity", get_capacity, 0 },
	{ "ControllerGetCapabilities", get_capabilities, RPC_QUICK },
	{ "CreateSnapshot", create_snapshot, 0 },
	{ "DeleteSnapshot", delete_snapshot, 0 },
	{ "ListSnapshots", list_snapshots, 0 },
	{ "GetSnapshot", get_snapshot, 0 },
	{ "ControllerExpandVolume", expand_volume, 0 },
	{ "ControllerGetVolume", get_volume, 0 },
	{ "ControllerModifyVolume", modify_volume, 0 },
	{ "ControllerListVolumeHealth", list_volume_health, 0 },
	{ "ControllerGetVolumeHealth", get_volume_health, 0 },
};

static const struct rpc_method group_methods[] = {
	{ "GroupControllerGetCapabilities", get_group_capabilities, RPC_QUICK },
	{ "CreateVolumeGroupSnapshot", create_group_snapshot, 0 },
	{ "DeleteVolumeGroupSnapshot", delete_group_snapshot, 0 },
	{ "GetVolumeGroupSnapshot", get_group_snapshot, 0 },
};

static const struct rpc_method metadata_methods[] = {
	{ "GetMetadataAllocated", get_metadata_allocated, RPC_STREAM },
	{ "GetMetadataDelta", get_metadata_delta, RPC_STREAM },
};

struct controller *controller_new(struct fl_pools *pools)
{
	struct controller *controller = calloc(1, sizeof(*controller));

	if (!controller)
		abort();
	controller->pools = pools;
	controller->services[CONTROLLER_VOLUMES] = (struct rpc_service){
		&csi__v1__controller__descriptor,
		volume_methods,
		FL_COUNT(volume_methods),
		controller,
	};
	controller->services[CONTROLLER_GROUPS] = (struct rpc_service){
		&csi__v1__group_controller__descriptor,
		group_methods,
		FL_COUNT(group_methods),
		controller,
	};
	controller->services[CONTROLLER_METADATA] = (struct rpc_service){
		&csi__v1__snapshot_metadata__descriptor,
		metadata_methods,
		FL_COUNT(metadata_methods),
		controller,
	};
	return controller;
}

void controller_free(struct controller *controller)
{
	free(controller);
}
