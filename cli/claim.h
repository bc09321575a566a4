/* SPDX-License-Identifier: Apache-2.0 */
/* Claim: the targets in a volume's note: added before they are published, dropped when they are
 * gone. */
#pragma once

#include "attachment.h"
#include "note.h"

/* Adds the wish's target to the note (which is made when there is none); *ret_is_new is false when
 * it is there already.  FL_IN_USE when the volume is published in another form: as a file system
 * and as a device, to a kernel device and to a VM. */
int claim_add(struct note *note, const struct attachment_wish *wish, const char *node,
	      const char *target, bool *ret_is_new, struct fl_error *err) fl_must_check;
/* The first target that is `only` (NULL: any), or NULL. */
const char *claim_next(const struct note *note, const char *only);
void claim_drop(struct note *note, const char *target);

/* How this machine uses the volume, in the words of docs/disk-service.md ("absent", "staged",
 * "kernel", "vm"), in the arena; NULL and *why when its disk service does not say. */
const char *claim_state(struct orchestrator *orchestrator, const char *volume,
			struct fl_error *why);
