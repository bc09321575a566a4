/* SPDX-License-Identifier: Apache-2.0 */
/* Record: a small named value in a directory, changed by compare-and-swap.
 *
 * What the field calls optimistic concurrency: who changes a record names the version that was
 * read.  The file holds a header line with format, version, length and SHA-256, then the value; it
 * is replaced atomically and durably, so a torn or damaged record is detected (FL_INTERNAL, "record
 * owner is damaged: …") and never used.  Writers of all processes on this machine are
 * serialised by flock(2) on the directory.  Versions count up from 1; 0 means "there is none". */
#pragma once

#include <stdint.h>

#include "error.h"
#include "op.h"

#define FL_RECORD_MAX 65536 /* bytes of a value */

struct fl_record {
	uint64_t version;  /* 0: no such record; value is "" */
	const char *value; /* NUL-terminated text, in the arena */
};

/* Reads record `key` (a safe name of at most 200 bytes that does not end in ".new": it is the
 * file's name) in dir_fd.  Absence is success with version 0. */
int fl_record_get(struct fl_arena *arena, int dir_fd, const char *key, struct fl_record *ret,
		  struct fl_error *err) fl_must_check;
/* The same for a record in the directory `folder` of dir_fd, which need not be opened for it. */
int fl_record_get_in(struct fl_arena *arena, int dir_fd, const char *folder, const char *key,
		     struct fl_record *ret, struct fl_error *err) fl_must_check;

/* Sets the record to `value` if its version still is `expected` (0: if there is none).  On success
 * *ret_version is the new version.  FL_BUSY when another version stands: read again, decide again;
 * FL_UNAVAILABLE when another process keeps the directory locked for 30 s.  A crash leaves the old
 * or the new value. */
int fl_record_compare_and_set(struct fl_arena *arena, int dir_fd, const char *key,
			      uint64_t expected, const char *value, uint64_t *ret_version,
			      struct fl_error *err) fl_must_check;

/* Makes a record that does not exist, with `version` (above 0) as its first.  FL_BUSY when one is
 * there; otherwise as above. */
int fl_record_make(struct fl_arena *arena, int dir_fd, const char *key, uint64_t version,
		   const char *value, struct fl_error *err) fl_must_check;

/* Removes the record if its version still is `expected`, durably.  Absent is success, whatever is
 * expected; FL_BUSY and FL_UNAVAILABLE as above.  A damaged record is FL_INTERNAL and stays. */
int fl_record_remove(struct fl_arena *arena, int dir_fd, const char *key, uint64_t expected,
		     struct fl_error *err) fl_must_check;

/* Removes what writers left in the directory that died before their rename.  What cannot be removed
 * now is left for the next time. */
void fl_record_sweep(int dir_fd);
