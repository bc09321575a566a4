/* SPDX-License-Identifier: Apache-2.0 */
/* Meta: what the record `meta` beside an image says about it. */
#pragma once

#include "pool.h"

#define FILE_META "meta"

struct file_meta {
	uint64_t version;          /* of the record; 0 before the first write */
	const char *name;          /* the full CSI name */
	struct fl_content content; /* what it was made from; of a snapshot, its volume */
	bool thin;
	int64_t cut_ns;      /* the point in time of a snapshot or copy; 0: not yet */
	bool ready;          /* false while somebody else copies into the image */
	const char *failure; /* why it will never be ready, or NULL */
	const char *group;   /* of a snapshot: the group that it is a part of, or NULL */
	const char *target;  /* of a copy: the image's name until it is committed; else NULL */
	uint64_t
		size_bytes; /* the image has had at least that many; 0: written by an older version */
};

/* FL_INTERNAL when it is missing or damaged. */
int file_meta_read(struct fl_arena *arena, int dir_fd, struct file_meta *ret, struct fl_error *err)
	fl_must_check;
/* What file_meta_read makes of the record. */
int file_meta_parse(struct fl_arena *arena, const struct fl_record *record, struct file_meta *ret,
		    struct fl_error *err) fl_must_check;
/* Durable; the version moves on. */
int file_meta_write(struct fl_arena *arena, int dir_fd, struct file_meta *meta,
		    struct fl_error *err) fl_must_check;

/* Record `format` of the entry in from_fd into the one in to_fd; a source without one is "raw":
 * nobody knows what is on it.  Done already is success. */
int file_meta_inherit_format(struct fl_arena *arena, int from_fd, int to_fd, struct fl_error *err)
	fl_must_check;
/* Sets record `format` of a new entry. */
int file_meta_set_format(struct fl_arena *arena, int dir_fd, const char *format,
			 struct fl_error *err) fl_must_check;
