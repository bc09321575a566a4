/* SPDX-License-Identifier: Apache-2.0 */
#include "pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/busy.h"

#define ID_BYTES 128 /* CSI's limit */

static int pools_check_node_local(const struct fl_settings *settings, const struct fl_pool *pool,
				  const struct fl_pool_settings *own, struct fl_error *err)
{
	size_t longest = strlen(settings->node.id), length;

	if (!(pool->flags & FL_BACKEND_NODE_LOCAL))
		return 0;
	if (own->zones.n)
		return fl_error_set(err, FL_INVALID,
				    "pool %s lives on node %s, so it has no zones: take them out "
				    "of the configuration, or share the pool",
				    pool->name, settings->node.id);
	for (size_t i = 0; i < settings->n_nodes; i++)
		if (strlen(settings->nodes[i].id) > longest)
			longest = strlen(settings->nodes[i].id);
	length = strlen(pool->name) + 1 + longest + 1 + FL_HANDLE_BYTES;
	if (length > ID_BYTES)
		return fl_error_set(err, FL_INVALID,
				    "pool %s: its name and the longest node id (%zu bytes) make "
				    "volume ids of up to %zu bytes, CSI allows %d: shorten the "
				    "pool's name, or the node's id by node.id",
				    pool->name, longest, length, ID_BYTES);
	return 0;
}

int fl_pools_open(const struct fl_settings *settings, const struct fl_op *op, struct fl_pools **ret,
		  struct fl_error *err)
{
	struct fl_pools *pools = calloc(1, sizeof(*pools));

	if (!pools)
		return fl_error_sys(err, ENOMEM, "opening the pools");
	pools->settings = settings;
	pools->busy = fl_busy_new();
	pools->items = calloc(settings->n_pools + 1, sizeof(struct fl_pool *));
	if (!pools->items) {
		fl_pools_close(pools);
		return fl_error_sys(err, ENOMEM, "opening the pools");
	}
	for (size_t i = 0; i < settings->n_pools; i++) {
		if (fl_pool_open(settings->backends[i], op, settings->pools[i].name,
				 settings->options[i], &pools->items[i], err) < 0) {
			fl_pools_close(pools);
			return -1;
		}
		pools->n++;
		if (pools_check_node_local(settings, pools->items[i], &settings->pools[i], err) <
		    0) {
			fl_pools_close(pools);
			return -1;
		}
	}
	*ret = pools;
	return 0;
}

void fl_pools_close(struct fl_pools *pools)
{
	if (!pools)
		return;
	for (size_t i = 0; i < pools->n; i++)
		fl_pool_close(pools->items[i]);
	fl_busy_free(pools->busy);
	free(pools->items);
	free(pools);
}

struct fl_pool *fl_pools_get(const struct fl_pools *pools, const char *name)
{
	for (size_t i = 0; i < pools->n; i++)
		if (strcmp(pools->items[i]->name, name) == 0)
			return pools->items[i];
	return NULL;
}

const struct fl_pool_settings *fl_pools_settings(const struct fl_pools *pools,
						 const struct fl_pool *pool)
{
	for (size_t i = 0; i < pools->n; i++)
		if (pools->items[i] == pool)
			return &pools->settings->pools[i];
	return NULL;
}
