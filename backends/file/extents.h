/* SPDX-License-Identifier: Apache-2.0 */
/* Extents: what a file system tells about where the bytes of an image are.
 *
 * Only for images that nobody writes to.  Moving an image's bytes (defragmentation, balancing)
 * changes where they are and never what is read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file_extent {
	uint64_t start;
	uint64_t end;
	bool zero;         /* a hole, or reserved and never written: reads as zeros */
	uint64_t physical; /* where `start` was when asked; 0: not known, or it proves nothing */
};

#define FILE_EXTENTS_MAX 256

/* A part of an image, without gaps. */
struct file_extents {
	struct file_extent items[FILE_EXTENTS_MAX];
	size_t n;
	uint64_t end; /* of the last item */
};

/* The extents in [from, limit), from < limit, as many as there is room for: at least one.  Behind
 * the end of the file there are zeros.  A file system that tells nothing has one extent of data. */
int file_extents_read(int fd, uint64_t from, uint64_t limit, struct file_extents *ret,
		      struct fl_error *err) fl_must_check;

/* Whether the same physical address of extents of both files, asked for at one moment, is the same
 * byte of the same disk. */
bool file_extents_are_comparable(int a, int b);

bool file_extents_are_equal(const struct file_extents *a, const struct file_extents *b);
