/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a launcher's QEMU may use a volume: from the record beside the data to the launcher. */
#include "base/clock.h"
#include "csi/limits.h"
#include "node/diskcalls.h"
#include "node/hold.h"
#include "node/volume.h"

/* A disk is mostly busy for a moment: so long the caller needs not come again. */
#define DISKCALL_LIMITS_MS 500
#define DISKCALL_LIMITS_PAUSE_MS 20

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

/* Read and told under a hold of its own, so that of two changes the later one is told last.
 *
 * Attach opens the image first and reads the record then, so either it reads what is on record now,
 * or the image is open now and its launcher is told. */
static int diskcall_tell_limits(const struct diskcall *call, const char *volume,
				struct fl_error *err)
{
	const struct node *node = call->disks->node;
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	fl_cleanup(fl_json_release) json_t *params = NULL;
	fl_cleanup(fl_json_release) json_t *result = NULL;
	const char *key = fl_arena_printf(call->op->arena, "the limits of volume %s", volume);
	json_t *limits = NULL;
	struct pass pass;
	bool passed;

	if (hold_take(node->busy, node->state_fd, key, "telling a launcher", &hold, err) < 0 ||
	    pass_load(call->op->arena, node->state_fd, volume, &passed, &pass, err) < 0)
		return -1;
	if (!passed)
		return 0;
	if (diskcall_read_limits(call, volume, &limits, err) < 0)
		return -1;
	params = json_pack("{s:s, s:o}", "volume", volume, "limits", limits);
	return disks_forward(call->disks, call->op, &pass, "limits", params, -1, &result, err);
}

int diskcall_limits(struct diskcall *call, struct fl_error *err)
{
	struct timespec patience = fl_clock_after_ms(DISKCALL_LIMITS_MS);
	const char *volume;

	if (diskcall_check_own(call, err) < 0 || diskcall_text(call, "volume", &volume, err) < 0)
		return -1;
	while (diskcall_tell_limits(call, volume, err) < 0) {
		if (err->code != FL_BUSY || fl_clock_passed(patience))
			return -1;
		fl_clock_sleep_ms(DISKCALL_LIMITS_PAUSE_MS);
	}
	return 0;
}
