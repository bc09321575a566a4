/* SPDX-License-Identifier: Apache-2.0 */
/* Changes, looks: the calls that clients make, each on objects of random choice. */
#pragma once

#include "turn.h"

void changes_create(struct turn *turn);
/* From a volume or a snapshot. */
void changes_clone(struct turn *turn);
void changes_delete(struct turn *turn);
void changes_publish(struct turn *turn);
void changes_unpublish(struct turn *turn);
void changes_expand(struct turn *turn);
void changes_snapshot(struct turn *turn);
void changes_delete_snapshot(struct turn *turn);
void changes_modify(struct turn *turn);
/* A group snapshot from its creation to its end. */
void changes_group(struct turn *turn);

void looks_get(struct turn *turn);
/* In pages of random size. */
void looks_volumes(struct turn *turn);
void looks_snapshots(struct turn *turn);
