/* SPDX-License-Identifier: Apache-2.0 */
#include "node/presence.h"

#include <errno.h>
#include <sys/stat.h>

#include "node/blockdev.h"
#include "node/format.h"
#include "node/mount.h"
#include "node/path.h"

static int presence_look_at_path(const struct fl_op *op, const char *path, struct presence *ret,
				 struct fl_error *err)
{
	const struct mountinfo_entry *entry;
	struct stat st;

	if (mountinfo_at(op->arena, path, &entry, err) < 0)
		return -1;
	ret->is_node = ret->state.connected && blockdev_is_at(&ret->state.connection, path);
	ret->is_filesystem = entry && ret->state.connected &&
			     mountinfo_is_filesystem_of(entry, ret->state.connection.device);
	ret->is_pass = ret->passed && pass_has_target(&ret->pass, path);
	if (ret->is_node || ret->is_filesystem || ret->is_pass)
		return 0;
	if (lstat(path, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	ret->is_directory = !entry && S_ISDIR(st.st_mode) && !ret->state.filesystem;
	if (ret->is_directory)
		return 0;
	return fl_error_set(err, FL_NOT_FOUND, "volume %s is not at %s", ret->volume.id, path);
}

int presence_find(const struct node *node, const struct fl_op *op, const char *volume_id,
		  const char *path, struct presence *ret, struct fl_error *err)
{
	bool is_damaged;

	*ret = (struct presence){ 0 };
	if (node_volume_find(node, op, volume_id, &ret->volume, err) < 0 ||
	    path_check_existing("volume_path", path, err) < 0)
		return -1;
	if (node_volume_source(node, op, &ret->volume, NULL, 0, &ret->source, &ret->damage) < 0 &&
	    ret->damage.code != FL_INTERNAL) {
		*err = ret->damage;
		return -1;
	}
	is_damaged = ret->damage.code != FL_OK;
	if (device_look(op, ret->volume.id, is_damaged ? NULL : &ret->source, &ret->state, err) <
		    0 ||
	    pass_load(op->arena, node->state_fd, ret->volume.id, &ret->passed, &ret->pass, err) < 0)
		return -1;
	return presence_look_at_path(op, path, ret, err);
}

int presence_check_directory(const struct node *node, const struct fl_op *op,
			     const struct presence *presence, const char *path,
			     struct fl_error *err)
{
	const struct node_volume *volume = &presence->volume;
	bool is_raw = false;

	/* Of a damaged volume nobody knows better. */
	if (!presence->is_directory || presence->damage.code != FL_OK)
		return 0;
	if (node_volume_check_owner(node, op, volume, &(struct node_claim){ .read_only = true },
				    NULL, err) < 0) {
		if (err->code != FL_IN_USE)
			return -1;
	} else if (format_is_raw(op, volume->pool, volume->handle, &is_raw, err) < 0) {
		return -1;
	}
	return is_raw ? 0
		      : fl_error_set(err, FL_NOT_FOUND, "volume %s is not at %s", volume->id, path);
}
