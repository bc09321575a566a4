/* SPDX-License-Identifier: Apache-2.0 */
/* Listing: all volumes or snapshots that a service has, asked for page by page.
 *
 * What is returned lives in the orchestrator's arena.  A listing whose token went stale between two
 * pages begins again.  FL_UNSUPPORTED when the service offers no such list. */
#pragma once

#include "orchestrator.h"

struct volume_entries {
	const Csi__V1__ListVolumesResponse__Entry **items;
	size_t n;
};
struct snapshot_entries {
	const Csi__V1__Snapshot **items;
	size_t n;
};
struct health_entries {
	const Csi__V1__VolumeHealth **items;
	size_t n;
};

int listing_volumes(struct orchestrator *orchestrator, struct volume_entries *ret,
		    struct fl_error *err) fl_must_check;
/* Those of the volume with id `source`; NULL: all. */
int listing_snapshots(struct orchestrator *orchestrator, const char *source,
		      struct snapshot_entries *ret, struct fl_error *err) fl_must_check;
/* Of the volumes that the storage says are not healthy. */
int listing_health(struct orchestrator *orchestrator, struct health_entries *ret,
		   struct fl_error *err) fl_must_check;
