/* SPDX-License-Identifier: Apache-2.0 */
/* List_status: the part of a list's entry that tells which nodes have the volume. */
#pragma once

#include "backends/backend.h"
#include "csi/csi.pb-c.h"
#include "csi/owner_record.h"

#define LIST_STATUS_TEXTS 64

/* Statuses of healthy volumes by the text of their owner record.  Volumes of one node are mostly
 * attached alike, and to parse a record costs more than all else that a list does with a volume;
 * so those with the same text share one status.  Of one pool and one arena; starts as { 0 }. */
struct list_statuses {
	struct {
		const char *text;
		Csi__V1__ListVolumesResponse__VolumeStatus *status;
	} known[LIST_STATUS_TEXTS];
};

/* In the arena; it borrows the names of the owner's nodes. */
Csi__V1__ListVolumesResponse__VolumeStatus *list_status_of_owner(struct fl_arena *arena,
								 const struct fl_pool *pool,
								 const struct fl_health *health,
								 const struct owner *owner);

/* In the arena; neither `health` nor `record` is kept.  NULL when the record is damaged. */
Csi__V1__ListVolumesResponse__VolumeStatus *list_status_of_record(struct list_statuses *statuses,
								  struct fl_arena *arena,
								  const struct fl_pool *pool,
								  const struct fl_health *health,
								  const struct fl_record *record);
