/* SPDX-License-Identifier: Apache-2.0 */
/* Attachment steps: the calls of one publish or unpublish, in order; attachment.c decides which. */
#pragma once

#include "attachment.h"
#include "note.h"

/* One publish or unpublish under way, with the volume's note locked and the services open. */
struct attachment {
	struct orchestrator *o;
	const char *volume;
	struct note note;
	const char *staging;
};

bool attachment_can_publish(const struct orchestrator *o);
bool attachment_can_stage(const struct orchestrator *o);

/* ControllerPublish, NodeStage, NodePublish at `target`. */
int attachment_up(struct attachment *a, const struct attachment_wish *wish, const char *target,
		  struct fl_error *err) fl_must_check;
/* NodeUnpublish of what `end` names, and after the last target NodeUnstage and
 * ControllerUnpublish; the note shrinks with each and is removed at the end. */
int attachment_down(struct attachment *a, const struct attachment_end *end, struct fl_error *err)
	fl_must_check;
