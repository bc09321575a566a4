/* SPDX-License-Identifier: Apache-2.0 */
/* Hold: one operation at a time on a volume of this node.
 *
 * Inside the process by a busy mark, which says what is going on; between processes (a rolling
 * update runs two for a while) by a lock on one byte of the file `lock` in the node's state
 * directory, chosen by the volume's id.  The kernel drops the lock when its process dies.  What is
 * told to launchers without touching the volume has a hold of its own (diskcalls_limits.c). */
#pragma once

#include "base/busy.h"

struct hold {
	struct fl_busy_mark mark;
	int lock_fd;
};

/* Takes the hold for the operation `what` (a string literal), or fails with FL_BUSY at once. */
int hold_take(struct fl_busy *busy, int state_fd, const char *volume_id, const char *what,
	      struct hold *ret, struct fl_error *err) fl_must_check;
/* For fl_cleanup; HOLD_NONE is fine. */
void hold_release(struct hold *hold);
#define HOLD_NONE                                                                                  \
	{                                                                                          \
		.lock_fd = -1                                                                      \
	}
