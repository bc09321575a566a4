/* SPDX-License-Identifier: Apache-2.0 */
#include "node/stage.h"

#include <string.h>
#include <sys/mount.h>

#include "base/log.h"
#include "csi/mkfs.h"
#include "node/content.h"
#include "node/device.h"
#include "node/format.h"
#include "node/group.h"
#include "node/path.h"
#include "node/uuid.h"

static void stage_set_type(const struct fl_op *op, struct stage *stage,
			   const struct filesystem *type)
{
	const char *data = filesystem_mount_data(type);

	stage->type = type;
	stage->options.data =
		fl_arena_printf(op->arena, "%s%s%s", data, *data && *stage->mount_words ? "," : "",
				stage->mount_words);
}

/* Nobody has said which file system: the one of ours that is there. */
static void stage_adopt(const struct fl_op *op, struct stage *stage, const char *name)
{
	const struct filesystem *type;
	struct fl_error none_of_ours;

	if (name && filesystem_get(name, &type, &none_of_ours) == 0)
		stage_set_type(op, stage, type);
}

int stage_read_mount(const struct fl_op *op, const char *mkfs, struct stage *ret,
		     struct fl_error *err)
{
	const struct filesystem *type;

	if (filesystem_get(ret->capability.fs_type, &type, err) < 0 ||
	    (mkfs &&
	     mkfs_words(op->arena, ret->capability.fs_type, mkfs, &ret->mkfs_words, err) < 0) ||
	    mount_options_parse(op->arena, ret->capability.mount_flags,
				ret->capability.n_mount_flags, &ret->options, err) < 0)
		return -1;
	ret->mount_words = ret->options.data;
	stage_set_type(op, ret, type);
	return 0;
}

/* The staging path shows something: is it what is asked for? */
static int stage_check_mounted(const struct stage *stage, const struct mountinfo_entry *entry,
			       const struct device_state *state, struct fl_error *err)
{
	unsigned long has;

	if (!state->connected || !mountinfo_is_filesystem_of(entry, state->connection.device))
		return fl_error_set(err, FL_IN_USE, "%s is mounted at %s, and is not volume %s",
				    entry->source, stage->path, stage->volume.id);
	if (mount_check_works(entry, stage->volume.id, err) < 0)
		return -1;
	if (strcmp(entry->type, filesystem_name(stage->type)) != 0 ||
	    entry->read_only != ((stage->options.flags & MS_RDONLY) != 0))
		return fl_error_set(err, FL_EXISTS, "volume %s is staged already, as %s, %s",
				    stage->volume.id, entry->type,
				    entry->read_only ? "read-only" : "writable");
	if (mount_flags(stage->path, &has, err) < 0)
		return -1;
	return has == (stage->options.flags & MOUNT_TELLING_FLAGS)
		       ? 0
		       : fl_error_set(err, FL_EXISTS,
				      "volume %s is staged already, with other mount flags",
				      stage->volume.id);
}

/* Whoever has its device node writes past the file system. */
static int stage_check_uses(const struct stage *stage, const struct device_state *state,
			    struct fl_error *err)
{
	for (size_t i = 0; i < state->uses.n; i++) {
		const struct mountinfo_entry *use = &state->uses.entries[i];

		if (!mountinfo_is_filesystem_of(use, state->connection.device))
			return fl_error_set(err, FL_EXISTS,
					    "volume %s is published at %s already, as a block "
					    "device",
					    stage->volume.id, use->point);
	}
	return 0;
}

/* It is mounted: it shall have its whole size, and its files their group. */
static int stage_finish(const struct fl_op *op, const struct stage *stage,
			const struct connection *connection, struct fl_error *err)
{
	if (stage->options.flags & MS_RDONLY)
		return 0;
	fl_op_step(op, "growing", 0, 0);
	if (filesystem_grow(op, stage->type, connection, stage->path, err) < 0)
		return -1;
	if (stage->capability.has_mount_group &&
	    group_apply(op, stage->path, stage->capability.mount_group, err) < 0)
		return fl_error_prefix(err, "volume %s", stage->volume.id);
	return 0;
}

/* From a device to a mounted file system. */
static int stage_mount_device(const struct fl_op *op, const struct stage *stage,
			      const struct connection *connection, struct fl_error *err)
{
	struct format_target target = {
		.pool = stage->volume.pool,
		.handle = stage->volume.handle,
		.volume_id = stage->volume.id,
		.type = stage->type,
		.mkfs_words = stage->mkfs_words,
		.read_only = stage->read_only,
	};
	const struct mountinfo_entry *entry;

	if (path_make_directory(stage->path, err) < 0 ||
	    format_prepare(op, &target, connection, err) < 0 ||
	    uuid_prepare(op, &target, connection, err) < 0)
		return -1;
	fl_op_step(op, "mounting", 0, 0);
	if (mount_filesystem(connection->path, filesystem_name(stage->type), stage->path,
			     &stage->options, err) < 0 ||
	    mountinfo_at(op->arena, stage->path, &entry, err) < 0)
		return -1;
	if (entry && mountinfo_is_filesystem_of(entry, connection->device))
		return stage_finish(op, stage, connection, err);
	/* An older kernel shows another btrfs device that has the same UUID: a clone and its
	 * origin. */
	umount2(stage->path, UMOUNT_NOFOLLOW);
	return fl_error_set(err, FL_IN_USE,
			    "the kernel shows %s in place of volume %s: a file system with the "
			    "same UUID is mounted on this node",
			    entry ? entry->source : "nothing", stage->volume.id);
}

static int stage_adopt_content(const struct fl_op *op, struct stage *stage,
			       const struct connection *connection, struct fl_error *err)
{
	struct content content;

	if (!stage->capability.any_fs)
		return 0;
	if (content_probe(op, connection->path, &content, err) < 0)
		return -1;
	stage_adopt(op, stage, content.what);
	return 0;
}

int stage_check_owner(const struct node *node, const struct fl_op *op, const struct stage *stage,
		      struct fl_error *err)
{
	const struct node_claim claim = { stage->read_only, stage->epoch, stage->capability.mode };

	return node_volume_check_owner(node, op, &stage->volume, &claim, NULL, err);
}

int stage_mount(const struct node *node, const struct fl_op *op, struct stage *stage,
		struct fl_error *err)
{
	const struct mountinfo_entry *entry;
	struct device_state state;
	struct connection c;
	struct fl_error why;

	if (device_look(op, stage->volume.id, &stage->source, &state, err) < 0 ||
	    stage_check_uses(stage, &state, err) < 0 ||
	    mountinfo_at(op->arena, stage->path, &entry, err) < 0)
		return -1;
	if (entry) {
		if (stage->capability.any_fs)
			stage_adopt(op, stage, entry->type);
		if (stage_check_mounted(stage, entry, &state, err) < 0)
			return -1;
		return stage_finish(op, stage, &state.connection, err);
	}
	if (device_connect(op, stage->volume.id, &stage->source, stage->read_only, &state, &c,
			   err) < 0)
		return -1;
	/* Asked again now that the controller can see the device: it may have begun to detach the
	 * volume when nothing was here yet, and then its record says so. */
	if (stage_check_owner(node, op, stage, err) == 0 &&
	    stage_adopt_content(op, stage, &c, err) == 0 &&
	    stage_mount_device(op, stage, &c, err) == 0)
		return 0;
	/* The orchestrator may never ask again: leave nothing behind.  What stays because it is in
	 * use is what the next call finds. */
	if (mount_remove(op->arena, stage->path, &c, &why) < 0 ||
	    device_disconnect(op, stage->volume.id, &stage->source, &why) < 0)
		fl_log(FL_LOG_WARNING, "stage", "%s: %s", stage->volume.id, why.text);
	return -1;
}
