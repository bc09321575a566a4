/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

bool access_is_shared(const struct controller *c, const struct fl_pool *pool)
{
	return (pool->flags & FL_BACKEND_SHARED) &&
	       fl_pools_settings(c->pools, pool)->multi_attach_trust;
}

static int access_check_several(const struct controller *c, const struct fl_pool *pool,
				const struct capability *capability, struct fl_error *err)
{
	const char *mode = access_mode_name(capability->mode);

	if (!access_is_shared(c, pool))
		return fl_error_set(err, FL_INVALID,
				    "access mode %s is for several nodes at once, which pool %s "
				    "does not allow: %s",
				    mode, pool->name,
				    pool->flags & FL_BACKEND_SHARED
					    ? "set multi_attach: trust for the pool"
					    : "only one node reaches its volumes");
	/* None of our file systems is one of a cluster: a second mount destroys it. */
	if (!capability->block && !access_mode_is_reader(capability->mode))
		return fl_error_set(err, FL_INVALID,
				    "access mode %s is for several nodes at once, which a %s file "
				    "system does not survive: use a block volume, or read only",
				    mode, capability->fs_type);
	return 0;
}

int access_check(const struct controller *c, const struct fl_pool *pool,
		 const struct capability *capabilities, size_t n, struct fl_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (access_mode_is_multi_node(capabilities[i].mode) &&
		    access_check_several(c, pool, &capabilities[i], err) < 0)
			return -1;
	return 0;
}
