/* SPDX-License-Identifier: Apache-2.0 */
/* Controller: the CSI services that act on the storage: Controller, GroupController and
 * SnapshotMetadata.
 *
 * It keeps nothing that the storage does not know: a controller that was killed and started again,
 * or a second one beside it, answers the same.  Handlers run on the server's workers; what is
 * shared between them is the pools' set of busy marks and counters. */
#pragma once

#include <stdatomic.h>

#include "backends/pools.h"
#include "csi/rpc/rpc.h"

enum controller_services {
	CONTROLLER_VOLUMES,  /* csi.v1.Controller */
	CONTROLLER_GROUPS,   /* csi.v1.GroupController */
	CONTROLLER_METADATA, /* csi.v1.SnapshotMetadata */
	CONTROLLER_SERVICES
};

#define CONTROLLER_METHODS 23 /* of all three */

struct controller {
	struct fl_pools *pools;                           /* borrowed: outlive the controller */
	atomic_uint copies;                               /* that run on workers now */
	atomic_uint streams;                              /* of changed blocks, the same */
	struct rpc_method methods[CONTROLLER_METHODS];    /* of the services */
	struct rpc_service services[CONTROLLER_SERVICES]; /* to be served as they are */
};

/* Over opened pools; never NULL. */
struct controller *controller_new(struct fl_pools *pools);
/* No server may serve it any more.  NULL is fine. */
void controller_free(struct controller *controller);
