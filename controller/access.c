/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

bool access_is_shared(const struct controller *c, const struct fl_pool *pool)
{
	return (pool->flags & FL_BACKEND_SHARED) &&
	       fl_pools_settings(c->pools, pool)->multi_attach_trust;
}

int access_check(const struct controller *c, const struct fl_pool *pool,
		 const struct capability *capabilities, size_t n, struct fl_error *err)
{
	if (access_is_shared(c, pool))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (access_mode_is_multi_node(capabilities[i].mode))
			return fl_error_set(err, FL_INVALID,
					    "access mode %s is for several nodes at once, which "
					    "pool %s does not allow: %s",
					    access_mode_name(capabilities[i].mode), pool->name,
					    pool->flags & FL_BACKEND_SHARED
						    ? "set multi_attach: trust for the pool"
						    : "only one node reaches its volumes");
	return 0;
}
