/* SPDX-License-Identifier: Apache-2.0 */
/* Health: what is wrong with volumes and storage, as CSI's messages.
 *
 * 1.13 has a list of statuses, 1.12 one flag and a text (VolumeCondition): the latter is always
 * made of the former.  What is returned refers to the strings that were given. */
#pragma once

#include "backends/backend.h"
#include "csi/csi.pb-c.h"

Csi__V1__VolumeHealth *health_reply(struct fl_arena *arena, const char *volume_id,
				    const struct fl_health *health);
/* One entry about the storage behind `pool`. */
Csi__V1__NodeGetStorageHealthResponse__StorageBackendHealth *health_reply_storage(
	struct fl_arena *arena, const char *pool, const struct fl_health_entry *entry);

/* The condition of a healthy volume is one constant message, which many answers may share. */
Csi__V1__VolumeCondition *health_condition(struct fl_arena *arena, const struct fl_health *health);

/* A copy in the arena. */
struct fl_health health_copy(struct fl_arena *arena, const struct fl_health *health);
/* Adds the entries of `more` whose status and reason are not there yet; its strings are
 * borrowed. */
void health_merge(struct fl_arena *arena, struct fl_health *health, const struct fl_health *more);
