/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup: listing volumes and snapshots page by page, and finding the one that a word means.
 *
 * The word is an id, or the bare name where that is unambiguous: FL_NOT_FOUND when it fits none,
 * FL_INVALID with the ids when it fits several. */
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
/* As the list of snapshots tells of them. */
struct group_entries {
	const Csi__V1__VolumeGroupSnapshot **items;
	size_t n;
};

/* All of them; everything lives in the orchestrator's arena. */
int lookup_volumes(struct orchestrator *orchestrator, struct volume_entries *ret,
		   struct fl_error *err) fl_must_check;
/* All of them, or those of the volume with id `source` (NULL: all). */
int lookup_snapshots(struct orchestrator *orchestrator, const char *source,
		     struct snapshot_entries *ret, struct fl_error *err) fl_must_check;

/* Those that the storage says are not healthy; FL_UNSUPPORTED when the service cannot tell. */
int lookup_health(struct orchestrator *orchestrator, struct health_entries *ret,
		  struct fl_error *err) fl_must_check;

int lookup_volume(struct orchestrator *orchestrator, const char *word,
		  const Csi__V1__ListVolumesResponse__Entry **ret, struct fl_error *err)
	fl_must_check;
/* Only the id.  A word that is shaped like an id is taken as one without asking whether it is
 * there: deleting and taking down must work for what is half gone. */
int lookup_volume_id(struct orchestrator *orchestrator, const char *word, const char **ret,
		     struct fl_error *err) fl_must_check;
int lookup_snapshot_id(struct orchestrator *orchestrator, const char *word, const char **ret,
		       struct fl_error *err) fl_must_check;

/* All group snapshots, in the order of their first snapshots. */
int lookup_groups(struct orchestrator *orchestrator, struct group_entries *ret,
		  struct fl_error *err) fl_must_check;
/* A word that is shaped like an id and fits none is a group without snapshots. */
int lookup_group(struct orchestrator *orchestrator, const char *word,
		 const Csi__V1__VolumeGroupSnapshot **ret, struct fl_error *err) fl_must_check;
