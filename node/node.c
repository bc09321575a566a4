/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/busy.h"
#include "base/file.h"
#include "csi/csi.pb-c.h"
#include "node/calls.h"
#include "node/disks.h"
#include "node/failure.h"

static int node_open_state(const char *path, int *ret_fd, struct fl_error *err)
{
	if (fl_file_make_dirs(path, 0700, err) < 0)
		return fl_error_prefix(err, "the node's state directory");
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? fl_error_sys(err, errno, "opening %s", path) : 0;
}

int node_new(struct fl_pools *pools, struct node **ret, struct fl_error *err)
{
	fl_cleanup(node_release) struct node *node = calloc(1, sizeof(*node));

	if (!node)
		abort();
	node->pools = pools;
	node->busy = fl_busy_new();
	node->state_fd = node->failures_fd = -1;
	node->service = (struct rpc_service){
		.descriptor = &csi__v1__node__descriptor,
		.methods = node_methods,
		.n_methods = node_n_methods,
		.cookie = node,
	};
	if (node_open_state(pools->settings->node.state, &node->state_fd, err) < 0 ||
	    failure_open(node->state_fd, &node->failures_fd, err) < 0 ||
	    disks_start(node, pools->settings->node.disks, &node->disks, err) < 0)
		return -1;
	*ret = node;
	node = NULL;
	return 0;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	disks_stop(node->disks);
	fl_close(&node->failures_fd);
	fl_close(&node->state_fd);
	fl_busy_free(node->busy);
	free(node);
}

void node_release(struct node **node)
{
	node_free(*node);
}
