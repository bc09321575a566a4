/* SPDX-License-Identifier: Apache-2.0 */
/* Census: counts once a minute what the pools hold, for the metrics fairlead_volumes,
 * fairlead_attachments and fairlead_pool_available_bytes.  A thread of its own asks the storage, so
 * that reading the metrics never waits for it. */
#pragma once

#include "backends/pools.h"

struct census;

/* `pools` is borrowed until the end of census_stop. */
int census_start(const struct fl_pools *pools, struct census **ret, struct fl_error *err)
	fl_must_check;
/* NULL is fine.  -1: the storage does not answer, and the thread still uses the pools. */
int census_stop(struct census *census);
