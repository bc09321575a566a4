/* SPDX-License-Identifier: Apache-2.0 */
#include "node/device.h"

#include <string.h>

#include "node/mount.h"

int device_look(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		struct device_state *ret, struct fl_error *err)
{
	memset(ret, 0, sizeof(*ret));
	if (connect_find(op, volume_id, source, &ret->connected, &ret->connection, err) < 0)
		return -1;
	if (ret->connected && mount_list(op->arena, &ret->connection, &ret->uses, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->uses.n && !ret->filesystem; i++) {
		if (mountinfo_is_filesystem_of(&ret->uses.entries[i], ret->connection.device))
			ret->filesystem = &ret->uses.entries[i];
	}
	return 0;
}

int device_connect(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		   bool read_only, const struct device_state *state, struct connection *ret,
		   struct fl_error *err)
{
	const struct connection *have = state->connected ? &state->connection : NULL;

	read_only |= source->read_only;
	if (have && !have->stale && have->read_only != read_only) {
		if (state->uses.n > 0)
			return fl_error_set(err, FL_IN_USE, "volume %s is in use %s at %s",
					    volume_id,
					    have->read_only ? "read-only" : "for writing",
					    state->uses.entries[0].point);
		if (connect_remove(op, volume_id, source, err) < 0)
			return -1;
		have = NULL;
	}
	return connect_make(op, volume_id, source, read_only, have, ret, err);
}

int device_disconnect(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		      struct fl_error *err)
{
	struct device_state state;

	if (device_look(op, volume_id, source, &state, err) < 0)
		return -1;
	if (state.uses.n > 0)
		return fl_error_set(err, FL_IN_USE, "volume %s is still mounted at %s", volume_id,
				    state.uses.entries[0].point);
	fl_op_step(op, "disconnecting", 0, 0);
	return connect_remove(op, volume_id, source, err);
}
