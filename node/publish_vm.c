/* SPDX-License-Identifier: Apache-2.0 */
/* The part of publish.h that gives a volume to a VM: a disk pass. */
#include <fcntl.h>
#include <string.h>

#include "node/connect/image.h"
#include "node/format.h"
#include "node/publish.h"

/* The pass that stands, with this target, or a new one. */
static int publish_make_pass(const struct fl_op *op, struct publish *p, bool passed,
			     const struct pass *old, struct pass *ret, struct fl_error *err)
{
	struct pass fresh = { .volume = p->volume.id, .vm = p->vm, .read_only = p->read_only };
	enum fl_error_code other; /* for another publication than the one that stands */

	other = passed && pass_has_target(old, p->target) ? FL_EXISTS : FL_IN_USE;
	fl_source_to_pairs(op->arena, &p->source, &fresh.source, &fresh.n_source);
	if (image_identity(op->arena, AT_FDCWD, p->source.file.path, &fresh.image, err) < 0)
		return -1;
	if (!passed)
		return pass_new_token(op->arena, &fresh.token, err) < 0
			       ? -1
			       : pass_with_target(op->arena, &fresh, p->target, ret, err);
	if (strcmp(old->image, fresh.image) != 0)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s was deleted and made again since it was published "
				    "for VM %s: unpublish it first",
				    p->volume.id, old->vm);
	p->conflict = strcmp(old->vm, p->vm) != 0 || old->read_only != p->read_only;
	if (strcmp(old->vm, p->vm) != 0)
		return fl_error_set(err, other, "volume %s is published for VM %s, not for %s",
				    p->volume.id, old->vm, p->vm);
	if (old->read_only != p->read_only)
		return fl_error_set(err, other, "volume %s is published for VM %s %s", p->volume.id,
				    old->vm, old->read_only ? "read-only" : "for writing");
	p->conflict = p->single && old->targets.n > 0 && !pass_has_target(old, p->target);
	if (p->conflict)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is published at %s already, and its access mode "
				    "allows one path",
				    p->volume.id, old->targets.items[0]);
	return pass_with_target(op->arena, old, p->target, ret, err);
}

/* The node's copy as it was: a target at which no pass is could not be unpublished when something
 * else is there.  What stays because it cannot be written is what the next call finds. */
static void publish_undo_pass(const struct node *node, const struct fl_op *op,
			      const struct publish *p, bool passed, const struct pass *old)
{
	struct fl_error ignored;

	if (!passed)
		(void)!pass_forget(node->state_fd, p->volume.id, &ignored);
	else if (!pass_has_target(old, p->target))
		(void)!pass_store(op->arena, node->state_fd, old, &ignored);
}

int publish_vm(const struct node *node, const struct fl_op *op, struct publish *p, bool passed,
	       const struct pass *old, struct fl_error *err)
{
	struct pass pass;

	if (p->source.kind != FL_SOURCE_FILE)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "a volume whose source is of kind \"%s\" cannot be handed to a "
				    "VM yet",
				    fl_source_kind_name(p->source.kind));
	p->conflict = p->state.uses.n > 0;
	if (p->state.connected && device_disconnect(op, p->volume.id, &p->source, err) < 0)
		return -1;
	if (!p->read_only && format_mark_raw(op, p->volume.pool, p->volume.handle, err) < 0)
		return -1;
	if (publish_make_pass(op, p, passed, old, &pass, err) < 0 ||
	    pass_store(op->arena, node->state_fd, &pass, err) < 0)
		return -1;
	/* The owner once more, now that the controller can see that a VM has it. */
	if (publish_check_owner(node, op, p, NULL, err) == 0 &&
	    pass_publish(op->arena, &pass, p->target, err) == 0)
		return 0;
	publish_undo_pass(node, op, p, passed, old);
	return -1;
}
