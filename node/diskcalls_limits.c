/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a launcher's QEMU may use a volume: from the record beside the data to the launcher. */
#include "csi/limits.h"
#include "node/diskcalls.h"
#include "node/volume.h"

int diskcall_read_limits(const struct diskcall *call, const char *volume_id, json_t **ret,
			 struct fl_error *err)
{
	struct node_volume volume;
	struct limits limits;

	if (node_volume_find(call->disks->node, call->op, volume_id, &volume, err) < 0 ||
	    limits_record_read(call->op, volume.pool, volume.handle, volume_id, &limits, err) < 0)
		return -1;
	*ret = limits_to_json(&limits);
	return 0;
}

/* Attach opens the image first and reads the record then, so either it reads what is on record now, or
 * the image is open now and its launcher is told. */
int diskcall_limits(struct diskcall *call, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *params = NULL;
	fl_cleanup(fl_json_release) json_t *result = NULL;
	json_t *limits = NULL;
	const char *volume;
	struct pass pass;
	bool passed;

	if (diskcall_check_own(call, err) < 0 || diskcall_text(call, "volume", &volume, err) < 0 ||
	    pass_load(call->op->arena, call->disks->node->state_fd, volume, &passed, &pass, err) <
		    0)
		return -1;
	if (!passed)
		return 0;
	if (diskcall_read_limits(call, volume, &limits, err) < 0)
		return -1;
	params = json_pack("{s:s, s:o}", "volume", volume, "limits", limits);
	return disks_forward(call->disks, call->op, &pass, "limits", params, -1, &result, err);
}
