/* SPDX-License-Identifier: Apache-2.0 */
/* Identity: the CSI Identity service, on every socket. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "csi/rpc/rpc.h"

#define IDENTITY_NAME "csi.fairlead.io"

/* The cookie of the service.  Written by who starts the process, read by the polling thread. */
struct identity {
	/* What a configured pool can do; set before serving. */
	bool can_expand;
	bool has_topology;          /* it is not reached from everywhere */
	bool has_snapshot_topology; /* nor are its snapshots */
	atomic_bool ready;          /* the pools are open */
};

/* The service over `identity` (borrowed). */
struct rpc_service identity_service(struct identity *identity);
