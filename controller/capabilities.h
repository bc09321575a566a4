/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: what the controller offers, computed from what the configured pools can do, so that
 * it cannot promise what they do not have.  A capability is offered when one pool has it; the calls
 * of one that is not offered are not served. */
#pragma once

#include "backends/pools.h"

/* One thing that a pool can do. */
typedef bool capability_test(const struct fl_pool *pool);

capability_test pool_has_volumes, pool_has_records, pool_has_capacity, pool_has_snapshots;
capability_test pool_has_clones, pool_has_resize, pool_has_health, pool_has_groups;
capability_test pool_has_changes;

bool capability_is_offered(const struct fl_pools *pools, capability_test *has);
