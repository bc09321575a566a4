/* SPDX-License-Identifier: Apache-2.0 */
/* Busy: marks on names, so that one operation works on a volume at a time.
 *
 * A mark is no mutex: who finds it taken does not wait but is told (FL_BUSY → ABORTED) what holds
 * it, at which step, for how long and how far it is.  A set is used by all threads. */
#pragma once

#include "error.h"
#include "op.h"

struct fl_busy; /* a set of marks */

struct fl_busy *fl_busy_new(void);
void fl_busy_free(struct fl_busy *set);

/* One taken mark; the caller's storage.  Zeroed means "not taken". */
struct fl_busy_mark {
	struct fl_busy *set;
	char *key;
	const char *what;
	uint64_t since_us;
	struct fl_progress progress;
	struct fl_busy_mark *next;
};

/* Takes the mark on `key` for the operation `what` (a string literal: "CreateSnapshot") or fails
 * with FL_BUSY and a text such as "volume default/n1/a is busy: CreateSnapshot is at copying
 * (1.20Gi of 10Gi) for 14 s; ask again".  The text begins with `key` as it is, so a key names its
 * kind ("volume default/n1/a").  Point op->progress at &mark->progress to be visible. */
int fl_busy_try(struct fl_busy *set, const char *key, const char *what, struct fl_busy_mark *ret,
		struct fl_error *err) fl_must_check;
/* Gives the mark back; a zeroed mark is fine.  For fl_cleanup. */
void fl_busy_release(struct fl_busy_mark *mark);

/* Calls `see` for each mark, under the set's lock: `see` must only read. */
void fl_busy_each(struct fl_busy *set,
		  void (*see)(void *cookie, const struct fl_busy_mark *mark, uint64_t age_us),
		  void *cookie);
