/* SPDX-License-Identifier: Apache-2.0 */
/* Offer: what a service can do, as the capability lists of CSI's answers.  The numbers are
 * CSI's. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "csi/csi.pb-c.h"

enum controller_offer {
	CONTROLLER_CREATE_DELETE_VOLUME = 1,
	CONTROLLER_PUBLISH_UNPUBLISH_VOLUME = 2,
	CONTROLLER_LIST_VOLUMES = 3,
	CONTROLLER_GET_CAPACITY = 4,
	CONTROLLER_CREATE_DELETE_SNAPSHOT = 5,
	CONTROLLER_LIST_SNAPSHOTS = 6,
	CONTROLLER_CLONE_VOLUME = 7,
	CONTROLLER_PUBLISH_READONLY = 8,
	CONTROLLER_EXPAND_VOLUME = 9,
	CONTROLLER_LIST_VOLUMES_PUBLISHED_NODES = 10,
	CONTROLLER_VOLUME_CONDITION = 11, /* of 1.12 */
	CONTROLLER_GET_VOLUME = 12,
	CONTROLLER_SINGLE_NODE_MULTI_WRITER = 13,
	CONTROLLER_MODIFY_VOLUME = 14,
	CONTROLLER_GET_SNAPSHOT = 15,
	CONTROLLER_GET_VOLUME_HEALTH = 16,
	CONTROLLER_LIST_VOLUME_HEALTH = 17,
};

enum node_offer {
	NODE_STAGE_UNSTAGE_VOLUME = 1,
	NODE_GET_VOLUME_STATS = 2,
	NODE_EXPAND_VOLUME = 3,
	NODE_VOLUME_CONDITION = 4, /* of 1.12 */
	NODE_SINGLE_NODE_MULTI_WRITER = 5,
	NODE_VOLUME_MOUNT_GROUP = 6,
	NODE_GET_VOLUME_HEALTH = 7,
	NODE_GET_STORAGE_HEALTH = 8,
};

/* These return an array of `n` messages in the arena. */
Csi__V1__ControllerServiceCapability **offer_controller(struct fl_arena *arena,
							const enum controller_offer *offers,
							size_t n);
Csi__V1__NodeServiceCapability **offer_node(struct fl_arena *arena, const enum node_offer *offers,
					    size_t n);
/* The one capability of the GroupController service. */
Csi__V1__GroupControllerServiceCapability **offer_groups(struct fl_arena *arena);
