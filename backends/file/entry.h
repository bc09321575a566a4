/* SPDX-License-Identifier: Apache-2.0 */
/* Entry: the folder of a volume or snapshot, from tmp/ to its place to trash/.
 *
 * Functions that change an entry are called with its write lock (lock.h) held. */
#pragma once

#include "meta.h"
#include "pool.h"

/* Opens the entry's folder in its place; FL_NOT_FOUND. */
int file_entry_open(const struct file_pool *file, enum file_kind kind, const char *handle,
		    int *ret_fd, struct fl_error *err) fl_must_check;
/* The same for readers: a descriptor (O_PATH) that files in the folder can be found and opened by,
 * and that cannot be synced; listings do this for each entry, and it costs less. */
int file_entry_look(const struct file_pool *file, enum file_kind kind, const char *handle,
		    int *ret_fd, struct fl_error *err) fl_must_check;
/* What is known of the entry in its place, or of a snapshot that is being copied since its cut
 * (`target` is set); FL_NOT_FOUND; FL_INTERNAL names a damaged one. */
int file_entry_get(const struct file_pool *file, struct fl_arena *arena, enum file_kind kind,
		   const char *handle, struct file_meta *ret, uint64_t *ret_size,
		   struct fl_error *err) fl_must_check;
/* Whether dir_fd, an opened entry's folder, still is the one in its place.  One that is not is being
 * removed, and half of it may be missing; another entry of that name may be there already. */
bool file_entry_is_in_place(const struct file_pool *file, enum file_kind kind, const char *handle,
			    int dir_fd);
/* Why an entry that was opened as dir_fd could not be read, as file_entry_get says it: *err is what
 * failed. */
int file_entry_explain(const struct file_pool *file, enum file_kind kind, const char *handle,
		       int dir_fd, struct fl_error *err) fl_must_check;
/* FL_INTERNAL when an image of `size` bytes is smaller than the meta says. */
int file_entry_check_whole(const struct file_meta *meta, uint64_t size, struct fl_error *err)
	fl_must_check;
/* The handles of what file_entry_get may find, sorted, from the first above `after` (NULL: all). */
int file_entry_handles(const struct file_pool *file, struct fl_arena *arena, enum file_kind kind,
		       const char *after, struct fl_strings *ret, struct fl_error *err)
	fl_must_check;

/* An empty folder in tmp/; what an interrupted maker left there is removed. */
int file_entry_begin(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		     const char *handle, int *ret_fd, struct fl_error *err) fl_must_check;
/* The folder in tmp/ as it is; FL_NOT_FOUND. */
int file_entry_open_begun(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
			  const char *handle, int *ret_fd, struct fl_error *err) fl_must_check;
/* Moves the folder, whose files are durable, from tmp/ into its place, durably. */
int file_entry_commit(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		      const char *handle, int dir_fd, struct fl_error *err) fl_must_check;
/* Removes what is in tmp/; absent is success. */
int file_entry_discard(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		       const char *handle, struct fl_error *err) fl_must_check;

/* Removes the entry and whatever interrupted calls left of it.  FL_IN_USE when its image is
 * open. */
int file_entry_remove(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		      const char *handle, struct fl_error *err) fl_must_check;
/* Ends the removals that were interrupted; what does not work is left for the next time. */
void file_entry_sweep(const struct file_pool *file, const struct fl_op *op);
