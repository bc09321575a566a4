/* SPDX-License-Identifier: Apache-2.0 */
/* Medium: the open descriptors of a disk's source, on their way into QEMU.
 *
 * An image given by path is locked with flock(2) on its read-write descriptor.  QEMU gets that very
 * descriptor, so the lock lasts exactly as long as QEMU has the image, whatever becomes of us. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "disk.h"

struct medium {
	int rw; /* -1 when it is read-only */
	int ro;
	bool block;  /* a block device, else a regular file */
	bool direct; /* its file system can do O_DIRECT */
	uint64_t size_bytes;
	const char *serial;     /* what the disk service calls it; NULL for a path */
	struct throttle limits; /* what the disk service says of it; of a path: none */
	char identity[64];      /* which file it is */
};

#define MEDIUM_NONE ((struct medium){ .rw = -1, .ro = -1 })

/* Closes what is open.  For fl_cleanup. */
void medium_release(struct medium *medium);

/* Opens and locks the image at `path`.  FL_IN_USE when somebody else has it locked. */
int medium_open(const char *path, bool readonly, struct medium *ret, struct fl_error *err)
	fl_must_check;
/* Fills block, direct, size and identity from the descriptors; FL_INVALID for what is no image. */
int medium_inspect(struct medium *medium, const char *what, struct fl_error *err) fl_must_check;

/* Opens the image of a plugged disk with a path again, read-only, without a lock; FL_IN_USE when
 * another file is at the path now. */
int medium_reopen(const struct disk *disk, int *ret_fd, struct fl_error *err) fl_must_check;
/* Its size now. */
int medium_size(int fd, uint64_t *ret, struct fl_error *err) fl_must_check;
