/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup: the volume, snapshot or group snapshot that a word means.
 *
 * The word is an id, or the bare name where that is unambiguous: FL_NOT_FOUND when it fits none,
 * FL_INVALID with the ids when it fits several. */
#pragma once

#include "listing.h"

int lookup_volume(struct orchestrator *orchestrator, const char *word,
		  const Csi__V1__ListVolumesResponse__Entry **ret, struct fl_error *err)
	fl_must_check;
/* Only the id.  A word that is shaped like an id is taken as one without asking whether it is
 * there: deleting and taking down must work for what is half gone. */
int lookup_volume_id(struct orchestrator *orchestrator, const char *word, const char **ret,
		     struct fl_error *err) fl_must_check;
int lookup_snapshot_id(struct orchestrator *orchestrator, const char *word, const char **ret,
		       struct fl_error *err) fl_must_check;

struct group_entries {
	const Csi__V1__VolumeGroupSnapshot **items;
	size_t n;
};
/* All group snapshots, as the list of snapshots tells of them: CSI has no list of groups. */
int lookup_groups(struct orchestrator *orchestrator, struct group_entries *ret,
		  struct fl_error *err) fl_must_check;
/* A word that is shaped like an id and fits none is a group without snapshots. */
int lookup_group(struct orchestrator *orchestrator, const char *word,
		 const Csi__V1__VolumeGroupSnapshot **ret, struct fl_error *err) fl_must_check;
