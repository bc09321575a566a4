/* SPDX-License-Identifier: Apache-2.0 */
/* Publish: NodePublishVolume's request once it is read, between publish.c (what is asked for, and
 * whether it may be) and the files that do it.  The caller holds the volume. */
#pragma once

#include "csi/capability.h"
#include "node/device.h"
#include "node/mount.h"
#include "node/pass.h"
#include "node/volume.h"

struct publish {
	struct node_volume volume;
	const char *staging;
	const char *target;
	const char *vm;    /* NULL: for the kernel */
	const char *epoch; /* of publish_context, or NULL */
	struct capability capability;
	struct mount_options options;
	bool read_only;
	bool single;   /* the volume may have one target path on this node */
	bool conflict; /* refused for what is published already: that says nothing of the volume */
	struct fl_source source;
	struct device_state state;
};

/* Whether the owner record lets this node have the volume like that; *ret_mode (may be NULL) as in
 * node_volume_check_owner. */
int publish_check_owner(const struct node *node, const struct fl_op *op, const struct publish *p,
			enum access_mode *ret_mode, struct fl_error *err) fl_must_check;

/* Binds the staged file system to the target (publish_kernel.c). */
int publish_mount(const struct fl_op *op, const struct publish *p, struct fl_error *err)
	fl_must_check;
/* Puts the device's node at the target (publish_kernel.c). */
int publish_block(const struct node *node, const struct fl_op *op, const struct publish *p,
		  struct fl_error *err) fl_must_check;
/* Puts a disk pass at the target (publish_vm.c); `old` is the one that stands when `passed`. */
int publish_vm(const struct node *node, const struct fl_op *op, struct publish *p, bool passed,
	       const struct pass *old, struct fl_error *err) fl_must_check;
