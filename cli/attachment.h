/* SPDX-License-Identifier: Apache-2.0 */
/* Attachment: brings a volume to this machine and takes it away again, with the calls and in the
 * order of attacher and kubelet.
 *
 * Up: ControllerPublish (where offered), NodeStage, NodePublish.  Down: NodeUnpublish of each
 * target, NodeUnstage after the last, ControllerUnpublish.  Both may be repeated after any
 * interruption; the note (note.h) says what there is. */
#pragma once

#include "base/json.h"
#include "orchestrator.h"

struct attachment_wish {
	const char *volume; /* the id */
	const struct fl_pair *context;
	size_t n_context; /* the volume context of CreateVolume */
	/* Exactly one of these three: a directory to mount at, a path for a block device, the name
	 * of a virtual machine that gets a disk pass. */
	const char *mount, *device, *vm;
	const char *fs; /* for mount */
	bool readonly;
};

/* Fills in wish->volume and its context from the service's listing; `word` as for lookup_volume. */
int attachment_find(struct orchestrator *orchestrator, const char *word,
		    struct attachment_wish *wish, struct fl_error *err) fl_must_check;
/* Does all steps; *ret_target is the path.  What failed for good is undone; what may still go on
 * is left for a repetition. */
int attachment_publish(struct orchestrator *orchestrator, const struct attachment_wish *wish,
		       const char **ret_target, struct fl_error *err) fl_must_check;

struct attachment_end {
	const char *volume;
	const char *target; /* only this one; NULL: all of the volume's */
	bool force; /* release a volume without a note although nobody proves that it is unused */
};
/* Undoes; what is gone already is success.  A volume without a note is released only when the
 * disk service says that it is not used on this machine. */
int attachment_unpublish(struct orchestrator *orchestrator, const struct attachment_end *end,
			 struct fl_error *err) fl_must_check;

/* Where the disk pass of a volume for a VM is published. */
const char *attachment_pass(struct fl_arena *arena, const char *vm, const char *volume);
/* The capability to publish with; messages live in the arena. */
Csi__V1__VolumeCapability *attachment_capability(struct fl_arena *arena, const char *fs);
