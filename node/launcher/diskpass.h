/* SPDX-License-Identifier: Apache-2.0 */
/* Diskpass: the file by which the node says that a volume is for this VM (docs/disk-service.md). */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct diskpass {
	const char *volume;
	const char *vm;
	const char *token; /* a secret: never logged, never written by us */
};

/* Reads the pass at `path` into the arena.  FL_NOT_FOUND when it is not there, FL_INVALID when it
 * is none, FL_DENIED when it is for another VM than `vm`. */
int diskpass_read(struct fl_arena *arena, const char *path, const char *vm, struct diskpass *ret,
		  struct fl_error *err) fl_must_check;
