/* SPDX-License-Identifier: Apache-2.0 */
/* Identity: the CSI Identity service, on every socket. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "csi/rpc/rpc.h"

#define IDENTITY_NAME "csi.fairlead.io"

/* Services that a pool may make the plugin offer, as bits of `services`.  The numbers are CSI's. */
enum identity_offer {
	IDENTITY_VOLUME_ACCESSIBILITY = 2, /* it is not reached from everywhere */
	IDENTITY_GROUP_CONTROLLER = 3,     /* snapshots of several volumes at once */
	IDENTITY_SNAPSHOT_METADATA_SERVICE = 4,
	IDENTITY_SNAPSHOT_ACCESSIBILITY = 5, /* nor are its snapshots */
};

/* The cookie of the service.  Written by who starts the process, read by the polling thread. */
struct identity {
	bool can_expand; /* a configured pool can grow its volumes; set before serving */
	unsigned
		services; /* 1 << enum identity_offer of each that a pool has; set before serving */
	atomic_bool ready; /* the pools are open */
};

/* The service over `identity` (borrowed). */
struct rpc_service identity_service(struct identity *identity);
