/* SPDX-License-Identifier: Apache-2.0 */
/* Stage: a volume on its way to a mounted file system.  The caller holds the volume. */
#pragma once

#include "csi/capability.h"
#include "node/filesystem.h"
#include "node/mount.h"
#include "node/volume.h"

struct stage {
	struct node_volume volume;
	const char *path; /* where it shall be mounted */
	struct capability capability;
	const struct filesystem *type; /* NULL for block */
	const char *mount_words;       /* the file system's own words of mount_flags */
	struct mount_options options;  /* with them and what the type is always mounted with */
	const char *const *mkfs_words; /* NULL: those that are kept with the volume */
	bool read_only;    /* the whole volume; options may have the mount alone read-only */
	const char *epoch; /* of publish_context, or NULL */
	struct fl_source source;
};

/* Fills `type` and `options` from the capability, and `mkfs_words` from `mkfs`, further words for
 * mkfs; NULL: those that are kept with the volume. */
int stage_read_mount(const struct fl_op *op, const char *mkfs, struct stage *ret,
		     struct fl_error *err) fl_must_check;

/* Whether the owner record lets this node have the volume. */
int stage_check_owner(const struct node *node, const struct fl_op *op, const struct stage *stage,
		      struct fl_error *err) fl_must_check;

/* Connects the device, makes the file system when it is time to, mounts it, and brings it to its
 * size and its files to their group; done already is success.  Where no file system was asked for,
 * `type` becomes the one that is there.  What fails leaves nothing behind but what is in use. */
int stage_mount(const struct node *node, const struct fl_op *op, struct stage *stage,
		struct fl_error *err) fl_must_check;
