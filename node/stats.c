/* SPDX-License-Identifier: Apache-2.0 */
/* NodeGetVolumeStats: bytes and inodes of a file system, the size of a block volume; and the
 * volume's condition, for orchestrators of CSI 1.12. */
#include <errno.h>
#include <sys/statvfs.h>

#include "csi/convert.h"
#include "csi/reply.h"
#include "node/calls.h"
#include "node/health.h"
#include "node/path.h"
#include "node/presence.h"

#define STATS_MAX 2

static int stats_filesystem(const char *path, struct reply_usage ret[STATS_MAX], size_t *ret_n,
			    struct fl_error *err)
{
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return fl_error_sys(err, errno, "asking the file system at %s", path);
	ret[0] = (struct reply_usage){ .total = st.f_blocks * st.f_frsize,
				       .used = (st.f_blocks - st.f_bfree) * st.f_frsize,
				       .available = st.f_bavail * st.f_frsize };
	/* btrfs makes inodes as it needs them, and tells none. */
	*ret_n = st.f_files > 0 ? 2 : 1;
	ret[1] = (struct reply_usage){ .inodes = true,
				       .total = st.f_files,
				       .used = st.f_files - st.f_ffree,
				       .available = st.f_favail };
	return 0;
}

int node_volume_stats(struct rpc_call *call, const void *message, void *response,
		      struct fl_error *err)
{
	const Csi__V1__NodeGetVolumeStatsRequest *request = message;
	Csi__V1__NodeGetVolumeStatsResponse *answer = response;
	const struct node *node = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct reply_usage usage[STATS_MAX] = { 0 };
	struct fl_health health;
	struct presence presence;
	size_t n = 1;

	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    convert_required("volume_path", request->volume_path, err) < 0 ||
	    presence_find(node, &op, request->volume_id, request->volume_path, &presence, err) <
		    0 ||
	    presence_check_directory(node, &op, &presence, request->volume_path, err) < 0 ||
	    node_health_read(node, &op, request->volume_id, "", &health, err) < 0)
		return -1;
	usage[0].total = presence.state.connected ? presence.state.connection.size_bytes
						  : presence.source.size_bytes;
	/* A broken file system is told by the condition: an error would hide that. */
	if (presence.is_filesystem && stats_filesystem(request->volume_path, usage, &n, err) < 0 &&
	    health.n == 0)
		return -1;
	answer->volume_condition = health_condition(op.arena, &health);
	answer->usage = fl_arena_array(op.arena, n, sizeof(*answer->usage));
	answer->n_usage = n;
	for (size_t i = 0; i < n; i++)
		answer->usage[i] = reply_usage(op.arena, &usage[i]);
	return 0;
}
