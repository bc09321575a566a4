/* SPDX-License-Identifier: Apache-2.0 */
/* Node: what brings volumes to this machine: the CSI Node service and the disk service.
 *
 * It keeps no state in memory but marks of what runs and the launchers' connections.  What is
 * staged and published is asked of the kernel; which volume is published for which VM is in files
 * (pass.h).  So it may be killed and started again between any two steps. */
#pragma once

#include "backends/pools.h"
#include "csi/rpc/rpc.h"

struct disks;

struct node {
	struct fl_pools *pools; /* borrowed: outlive the node */
	struct fl_busy *busy;   /* the node's own marks, see hold.h */
	int state_fd;           /* settings->node.state */
	int failures_fd;        /* a folder in it, see failure.h */
	struct disks *disks;
	struct rpc_service service; /* csi.v1.Node, to be served as it is */
};

/* Makes the state directory, and starts the disk service on settings->node.disks. */
int node_new(struct fl_pools *pools, struct node **ret, struct fl_error *err) fl_must_check;
/* Ends the disk service.  No server may serve the node any more.  NULL is fine. */
void node_free(struct node *node);
/* For fl_cleanup. */
void node_release(struct node **node);
