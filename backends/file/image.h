/* SPDX-License-Identifier: Apache-2.0 */
/* Image: a raw image file: made, filled, grown, and proven unused. */
#pragma once

#include "pool.h"

#define FILE_IMAGE "image"
#define FILE_IMAGE_UNIT 4096u /* sizes are whole multiples of it */

/* Rounds up to FILE_IMAGE_UNIT; FL_OUT_OF_RANGE when that passes max_bytes (0: no limit). */
int file_image_round(uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret, struct fl_error *err)
	fl_must_check;

/* Makes the file `name` in dir_fd, which has none: an image of zeros. */
int file_image_make(int dir_fd, const char *name, uint64_t size, bool thin, struct fl_error *err)
	fl_must_check;
/* Makes an image of `size` bytes that begins with the content of src_fd as it is now: a cut where
 * the pool has reflinks, else a copy, during which nobody may write to src_fd.  Size 0: as large as
 * the source.  Durable, but for its name in dir_fd. */
int file_image_make_from(const struct file_pool *file, const struct fl_op *op, int src_fd,
			 int dir_fd, uint64_t size, bool thin, struct fl_error *err) fl_must_check;
int file_image_open(int dir_fd, const char *name, int flags, int *ret_fd, struct fl_error *err)
	fl_must_check;
/* Its size without opening it: an open would stand in the way of file_image_prove_unused. */
int file_image_size(int dir_fd, const char *path, uint64_t *ret, struct fl_error *err)
	fl_must_check;
/* Grows to `size`, durably; after FL_NO_SPACE it is as it was. */
int file_image_grow(int fd, uint64_t size, bool thin, struct fl_error *err) fl_must_check;
/* Gives the file system back what is reserved for the image but was never written: QEMU's copies
 * make such space where the source has holes.  What is read stays the same.  Nobody may write
 * meanwhile; the image's pages are on the disk already. */
int file_image_thin(int fd, struct fl_error *err) fl_must_check;

/* Takes a write lease on fd: 0 only when no other open file of this machine has the image, be it
 * QEMU's, a loop device's or our own; -1 and errno EAGAIN when one has. */
int file_image_lease(int fd);
/* Opens the image with a lease as proof that it is unused; FL_IN_USE when it is not.  Without
 * leases (a shared directory) the record `owner` is all there is to know: *ret_fd is -1. */
int file_image_prove_unused(const struct file_pool *file, int dir_fd, int *ret_fd,
			    struct fl_error *err) fl_must_check;
/* Whether somebody has tried to open the image since the proof.  false for -1. */
bool file_image_proof_is_broken(int fd);
