/* SPDX-License-Identifier: Apache-2.0 */
/* Failure: why a volume could last not be staged or published here, for NodeGetVolumeHealth.
 *
 * One file per volume and call in `failures` of the node's state directory, so a restarted service
 * still knows.  It goes when the call works, or when the volume is unstaged.  At most FAILURE_MAX
 * are kept, the youngest.  Nothing depends on them: a failure that cannot be noted is logged. */
#pragma once

#include "node/node.h"

#define FAILURE_MAX 1000

enum failure_call { FAILURE_STAGE, FAILURE_PUBLISH };

/* The folder, made unless it is there. */
int failure_open(int state_fd, int *ret_fd, struct fl_error *err) fl_must_check;

/* Notes how the call ended: result -1 with its error, or 0, which forgets.  What says nothing about
 * the volume (it is busy, there is none, the request is wrong, it is here in another way already)
 * changes nothing.  Returns `result`. */
int failure_note(const struct node *node, const struct fl_op *op, const char *volume_id,
		 enum failure_call call, int result, const struct fl_error *err) fl_must_check;
/* The volume is taken away. */
void failure_forget(const struct node *node, const char *volume_id, enum failure_call call);

/* Why the call failed, in the arena; NULL: it did not. */
const char *failure_read(const struct node *node, const struct fl_op *op, const char *volume_id,
			 enum failure_call call);
