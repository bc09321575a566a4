/* SPDX-License-Identifier: Apache-2.0 */
/* Copying: a copy of volume "a" to a snapshot or volume "copy", step by step, for statements about
 * copies that somebody else writes.  All functions return 0, or -1 with c->err set. */
#pragma once

#include "statement.h"

#define COPYING_CUT_NS 1700000000123456789ll

struct copying {
	struct check *c;
	struct fl_volume source;
	struct fl_snapshot_spec snapshot;
	struct fl_volume_spec volume;
	struct fl_copy_target target;
	struct fl_copy copy;
};

/* Makes the source of 2 MiB; nothing has begun yet. */
int copying_set_up(struct check *c, bool is_volume, struct copying *ret);

/* The backend's calls, with the copy as the last one left it, cut at COPYING_CUT_NS. */
int copying_begin(struct copying *copying);
int copying_started(struct copying *copying);
int copying_failed(struct copying *copying, const char *failure);
int copying_commit(struct copying *copying);
int copying_abandon(struct copying *copying); /* `abort` is the C library's */
/* The snapshot that the copy is to become. */
int copying_get(struct copying *copying, struct fl_snapshot *ret);

/* What the writer does: fills the target with a byte; FL_INTERNAL when it has not the source's
 * size. */
int copying_fill(struct copying *copying, int byte);
/* What QEMU does where its source has holes: reserves all space, and writes only the last 4 KiB,
 * 0x77. */
int copying_reserve(struct copying *copying);
