/* SPDX-License-Identifier: Apache-2.0 */
/* Presence: what a path that the orchestrator names has of a volume. */
#pragma once

#include "node/device.h"
#include "node/pass.h"
#include "node/volume.h"

struct presence {
	struct node_volume volume;
	struct fl_source source;
	struct fl_error
		damage; /* FL_OK, or why the storage cannot say where it is: no source then */
	struct device_state state;
	bool passed; /* it is published for a VM: pass */
	struct pass pass;
	/* What is at the path: */
	bool is_node;       /* the volume's device node */
	bool is_filesystem; /* its mounted file system */
	bool is_pass;       /* its disk pass */
	bool is_directory;  /* none of these, and a directory all the same */
};

/* Looks with the kernel's and the storage's eyes.  FL_NOT_FOUND when there is no such volume here,
 * or when the path has nothing of it; a damaged volume is looked for by its id alone.  A directory
 * with nothing of it passes as is_directory: it may be the staging path of a block volume, which
 * shows nothing there. */
int presence_find(const struct node *node, const struct fl_op *op, const char *volume_id,
		  const char *path, struct presence *ret, struct fl_error *err) fl_must_check;

/* FL_NOT_FOUND when it cannot be that: the volume is not attached to this node, or holds one of our
 * file systems, which would be mounted there. */
int presence_check_directory(const struct node *node, const struct fl_op *op,
			     const struct presence *presence, const char *path,
			     struct fl_error *err) fl_must_check;
