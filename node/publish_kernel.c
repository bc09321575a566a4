/* SPDX-License-Identifier: Apache-2.0 */
/* The part of publish.h that gives a volume to the kernel: a file system or a device node. */
#include <string.h>
#include <sys/mount.h>

#include "node/blockdev.h"
#include "node/format.h"
#include "node/group.h"
#include "node/path.h"
#include "node/publish.h"

static int publish_refuse_change(const struct publish *p, const char *how, struct fl_error *err)
{
	return fl_error_set(err, FL_EXISTS,
			    "volume %s is published at %s already, %s: unpublish it there first",
			    p->volume.id, p->target, how);
}

/* The target shows something: is it what is asked for? */
static int publish_check_bound(const struct publish *p, const struct mountinfo_entry *entry,
			       struct fl_error *err)
{
	unsigned long has, wanted;

	if (!mountinfo_is_filesystem_of(entry, p->state.connection.device))
		return fl_error_set(err, FL_IN_USE, "%s shows %s and not volume %s", p->target,
				    entry->source, p->volume.id);
	if (p->read_only != entry->read_only)
		return publish_refuse_change(p, entry->read_only ? "read-only" : "for writing",
					     err);
	if (mount_flags(p->target, &has, err) < 0 || mount_flags(p->staging, &wanted, err) < 0)
		return -1;
	wanted |= p->options.flags & MOUNT_TELLING_FLAGS;
	return (has | MS_RDONLY) == (wanted | MS_RDONLY)
		       ? 0
		       : publish_refuse_change(p, "with other mount flags", err);
}

static int publish_bind(const struct fl_op *op, const struct publish *p, struct fl_error *err)
{
	unsigned long flags = p->options.flags | (p->read_only ? MS_RDONLY : 0);
	const struct mountinfo_entry *entry;

	if (mountinfo_at(op->arena, p->target, &entry, err) < 0)
		return -1;
	if (!entry && (path_make_directory(p->target, err) < 0 ||
		       mount_bind(p->staging, p->target, flags, err) < 0 ||
		       mountinfo_at(op->arena, p->target, &entry, err) < 0))
		return -1;
	if (!entry)
		return fl_error_set(err, FL_IN_USE, "%s shows nothing and not volume %s", p->target,
				    p->volume.id);
	return publish_check_bound(p, entry, err);
}

int publish_mount(const struct fl_op *op, const struct publish *p, struct fl_error *err)
{
	const struct mountinfo_entry *staged;

	if (mountinfo_at(op->arena, p->staging, &staged, err) < 0)
		return -1;
	if (!staged || !p->state.connected ||
	    !mountinfo_is_filesystem_of(staged, p->state.connection.device))
		return fl_error_set(err, FL_IN_USE, "volume %s is not staged at %s", p->volume.id,
				    p->staging);
	if (mount_check_works(staged, p->volume.id, err) < 0)
		return -1;
	if (!p->capability.any_fs && strcmp(staged->type, p->capability.fs_type) != 0)
		return fl_error_set(err, FL_EXISTS, "volume %s is staged as %s, not as %s",
				    p->volume.id, staged->type, p->capability.fs_type);
	if (staged->read_only && !p->read_only)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is staged read-only and is to be published writable",
				    p->volume.id);
	if (!p->read_only && p->capability.has_mount_group &&
	    group_apply(op, p->staging, p->capability.mount_group, err) < 0)
		return fl_error_prefix(err, "volume %s", p->volume.id);
	return publish_bind(op, p, err);
}

int publish_block(const struct node *node, const struct fl_op *op, const struct publish *p,
		  struct fl_error *err)
{
	struct connection c;
	struct fl_error ignored;

	if (p->state.filesystem)
		return fl_error_set(err, FL_IN_USE, "volume %s is staged as a file system at %s",
				    p->volume.id, p->state.filesystem->point);
	if (p->state.connected && p->state.connection.read_only != p->read_only &&
	    blockdev_is_at(&p->state.connection, p->target))
		return publish_refuse_change(
			p, p->state.connection.read_only ? "read-only" : "for writing", err);
	if (!p->read_only && format_mark_raw(op, p->volume.pool, p->volume.handle, err) < 0)
		return -1;
	if (device_connect(op, p->volume.id, &p->source, p->read_only, &p->state, &c, err) < 0)
		return -1;
	if (p->read_only && !c.read_only)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "%s cannot be handed out read-only: it is a writable device of "
				    "this node",
				    c.path);
	/* The owner once more, as when a file system is staged. */
	if (publish_check_owner(node, op, p, NULL, err) == 0 &&
	    blockdev_publish(op->arena, &c, p->target, err) == 0)
		return 0;
	/* A device that nothing shows is of no use to anybody. */
	if (device_disconnect(op, p->volume.id, &p->source, &ignored) < 0)
		return -1;
	return -1;
}
