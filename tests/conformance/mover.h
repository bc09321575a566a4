/* SPDX-License-Identifier: Apache-2.0 */
/* Mover: somebody who moves the blocks of snapshots about while others work on them, as programs
 * that defragment and deduplicate do.  What is read never changes. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/error.h"

#define MOVER_FILES 8

struct mover {
	pthread_t thread;
	int fds[MOVER_FILES];
	size_t n;
	atomic_bool stop;
	atomic_uint moves; /* that the file system made */
};

/* Of the images at these paths, at most MOVER_FILES. */
int mover_begin(struct mover *mover, const char *const *paths, size_t n, struct fl_error *err)
	fl_must_check;
/* Also lets go of the images. */
void mover_end(struct mover *mover);
