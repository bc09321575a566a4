/* SPDX-License-Identifier: Apache-2.0 */
/* Which function answers which method, and what a pool must be able to do for it to be offered.  A
 * method that is not offered answers UNIMPLEMENTED. */
#include <stdlib.h>

#include "capabilities.h"
#include "controller.h"
#include "csi/csi.pb-c.h"
#include "verbs.h"

struct table_row {
	struct rpc_method method;
	capability_test *needs; /* NULL: nothing */
};

static const struct table_row volume_methods[] = {
	{ { "CreateVolume", create_volume, 0 }, pool_has_volumes },
	{ { "DeleteVolume", delete_volume, 0 }, pool_has_volumes },
	{ { "ControllerPublishVolume", publish_volume, 0 }, pool_has_records },
	{ { "ControllerUnpublishVolume", unpublish_volume, 0 }, pool_has_records },
	{ { "ValidateVolumeCapabilities", validate_capabilities, 0 }, NULL },
	{ { "ListVolumes", list_volumes, 0 }, pool_has_volumes },
	{ { "GetCapacity", get_capacity, 0 }, pool_has_capacity },
	{ { "ControllerGetCapabilities", get_capabilities, RPC_QUICK }, NULL },
	{ { "CreateSnapshot", create_snapshot, 0 }, pool_has_snapshots },
	{ { "DeleteSnapshot", delete_snapshot, 0 }, pool_has_snapshots },
	{ { "ListSnapshots", list_snapshots, 0 }, pool_has_snapshots },
	{ { "GetSnapshot", get_snapshot, 0 }, pool_has_snapshots },
	{ { "ControllerExpandVolume", expand_volume, 0 }, pool_has_resize },
	{ { "ControllerGetVolume", get_volume, 0 }, pool_has_volumes },
	{ { "ControllerModifyVolume", modify_volume, 0 }, pool_has_records },
	{ { "ControllerListVolumeHealth", list_volume_health, 0 }, pool_has_health },
	{ { "ControllerGetVolumeHealth", get_volume_health, 0 }, pool_has_health },
};

static const struct table_row group_methods[] = {
	{ { "GroupControllerGetCapabilities", get_group_capabilities, RPC_QUICK }, NULL },
	{ { "CreateVolumeGroupSnapshot", create_group_snapshot, 0 }, pool_has_groups },
	{ { "DeleteVolumeGroupSnapshot", delete_group_snapshot, 0 }, pool_has_groups },
	{ { "GetVolumeGroupSnapshot", get_group_snapshot, 0 }, pool_has_groups },
};

static const struct table_row metadata_methods[] = {
	{ { "GetMetadataAllocated", get_metadata_allocated, RPC_STREAM }, pool_has_changes },
	{ { "GetMetadataDelta", get_metadata_delta, RPC_STREAM }, pool_has_changes },
};

_Static_assert(FL_COUNT(volume_methods) + FL_COUNT(group_methods) + FL_COUNT(metadata_methods) ==
		       CONTROLLER_METHODS,
	       "a method more or less: set CONTROLLER_METHODS");

/* Puts the service's methods at the front of `methods`; returns what is behind them. */
static struct rpc_method *table_fill(struct controller *c, enum controller_services which,
				     const ProtobufCServiceDescriptor *descriptor,
				     const struct table_row *rows, size_t n,
				     struct rpc_method *methods)
{
	c->services[which] = (struct rpc_service){ descriptor, methods, n, c };
	for (size_t i = 0; i < n; i++) {
		methods[i] = rows[i].method;
		if (rows[i].needs && !capability_is_offered(c->pools, rows[i].needs))
			methods[i].handler = NULL;
	}
	return methods + n;
}

struct controller *controller_new(struct fl_pools *pools)
{
	struct controller *controller = calloc(1, sizeof(*controller));
	struct rpc_method *next;

	if (!controller)
		abort();
	controller->pools = pools;
	next = table_fill(controller, CONTROLLER_VOLUMES, &csi__v1__controller__descriptor,
			  volume_methods, FL_COUNT(volume_methods), controller->methods);
	next = table_fill(controller, CONTROLLER_GROUPS, &csi__v1__group_controller__descriptor,
			  group_methods, FL_COUNT(group_methods), next);
	table_fill(controller, CONTROLLER_METADATA, &csi__v1__snapshot_metadata__descriptor,
		   metadata_methods, FL_COUNT(metadata_methods), next);
	return controller;
}

void controller_free(struct controller *controller)
{
	free(controller);
}
