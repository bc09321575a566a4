/* SPDX-License-Identifier: Apache-2.0 */
/* File: whole files, written durably and atomically, and directory trees. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "op.h"

/* Reads a file (relative to directory descriptor dir_fd, or AT_FDCWD) of at most max_size bytes
 * into the arena, with a NUL after it.  FL_NOT_FOUND when it is not there; FL_OUT_OF_RANGE when it
 * is larger.  ret_size may be NULL. */
int fl_file_read(struct fl_arena *arena, int dir_fd, const char *path, size_t max_size,
		 const char **ret, size_t *ret_size, struct fl_error *err) fl_must_check;

/* Replaces the file as a whole: written beside it, fsynced, renamed over it, the directory
 * fsynced.  After success the new content survives a power cut; after failure or a crash the old
 * content stands (a left-over "<name>.new" is overwritten by the next write).  Callers that share a
 * file serialise themselves. */
int fl_file_replace(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
		    struct fl_error *err) fl_must_check;

/* Writes all of `data` at the current position; retries short writes and EINTR. */
int fl_file_write_all(int fd, const void *data, size_t size, struct fl_error *err) fl_must_check;

/* fsync of the directory itself. */
int fl_file_sync_dir(int dir_fd, struct fl_error *err) fl_must_check;

/* Makes `path` and missing parents with `mode` (less the umask), durably; an existing directory is
 * success. */
int fl_file_make_dirs(const char *path, mode_t mode, struct fl_error *err) fl_must_check;

/* Removes the entry `name` (no path) of dir_fd and, when it is a directory, everything in it, at
 * most 64 levels deep; never follows a symbolic link and never crosses a mount, a bind mount
 * included (IN_USE).  Absent is success. */
int fl_file_remove_tree(int dir_fd, const char *name, struct fl_error *err) fl_must_check;

/* Copies the data extents among the first `size` bytes of src_fd (SEEK_DATA/SEEK_HOLE, holes stay
 * holes) over dst_fd, which has at least `size` bytes and reads as zeros; fsyncs dst_fd.  Tells
 * op's onlookers how far it is.  Both are regular files; buffers are aligned, so O_DIRECT
 * descriptors work too.  The position of src_fd moves. */
int fl_file_copy_sparse(const struct fl_op *op, int src_fd, int dst_fd, uint64_t size,
			struct fl_error *err) fl_must_check;
