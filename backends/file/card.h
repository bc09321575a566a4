/* SPDX-License-Identifier: Apache-2.0 */
/* Card: what the records of an entry said when they were read, and how to see that they still do.
 *
 * A record is replaced, never written over (base/record.h), and that changes the folder that it is
 * in.  So a folder with the same inode and time of change has the same records: if the time was
 * long enough past when they were read, for stamps are too coarse to tell two changes of one
 * moment. */
#pragma once

#include "meta.h"

struct file_stamp {
	uint64_t inode;
	int64_t changed_ns; /* CLOCK_REALTIME */
};

struct file_card {
	struct file_stamp stamp; /* of the entry's folder */
	struct file_meta meta;
	struct fl_record owner; /* of a snapshot: version 0 */
};

/* Of the folder `name` in dir_fd, or of dir_fd itself (name "").  FL_NOT_FOUND. */
int file_stamp_take(int dir_fd, const char *name, struct file_stamp *ret, struct fl_error *err)
	fl_must_check;
bool file_stamp_is(const struct file_stamp *a, const struct file_stamp *b);
/* Whether a change from now_ns on would give another stamp. */
bool file_stamp_is_settled(const struct file_stamp *stamp, int64_t now_ns);

/* Reads the records of the entry `handle` in place_fd, by their paths: opening its folder would cost
 * half as much again.  FL_BUSY when that does not tell whether the records belong together, or
 * whether another change would show, because the folder has just changed: the stamp is not settled
 * at now_ns, a time before the call.  Nothing is said about why records cannot be read
 * (file_entry_explain). */
int file_card_read(struct fl_arena *arena, int place_fd, enum file_kind kind, const char *handle,
		   int64_t now_ns, struct file_card *ret, struct fl_error *err) fl_must_check;

/* A copy in one piece of memory, to be freed by free(); *ret_bytes is its size.  NULL without
 * memory. */
struct file_card *file_card_new(const struct file_card *card, size_t *ret_bytes);
/* The same in an arena. */
void file_card_copy(struct fl_arena *arena, const struct file_card *card, struct file_card *ret);
