/* SPDX-License-Identifier: Apache-2.0 */
#include "group_hold.h"

#include "base/clock.h"
#include "base/log.h"

int group_hold_take(struct group_hold *hold, struct fl_error *err)
{
	for (size_t i = 0; i < hold->n; i++) {
		/* Counted first: an answer that is lost leaves it held. */
		hold->n_asked++;
		if (vmdisk_hold(hold->c, hold->op, hold->volumes[i], hold->name, GROUP_HOLD_MS,
				err) < 0)
			return -1;
	}
	return 0;
}

int group_hold_end(struct group_hold *hold, struct fl_error *err)
{
	/* It takes as long as it takes: guests wait for it. */
	const struct fl_op op = { hold->op->id, fl_clock_after_ms(GROUP_HOLD_MS), hold->op->arena,
				  NULL };
	const char *fallen = NULL;

	while (hold->n_asked > 0) {
		const char *volume = hold->volumes[--hold->n_asked];
		bool stood = false;
		struct fl_error why;

		if (vmdisk_unhold(hold->c, &op, volume, hold->name, &stood, &why) < 0)
			fl_log(FL_LOG_WARNING, "hold", "the VM of volume %s: %s", volume, why.text);
		if (!stood)
			fallen = volume;
	}
	if (!fallen)
		return 0;
	return fl_error_set(err, FL_BUSY,
			    "the VM of volume %s did not stand still until all volumes were cut "
			    "(%d ms), so the snapshots are thrown away: ask again",
			    fallen, GROUP_HOLD_MS);
}

void group_hold_release(struct group_hold *hold)
{
	struct fl_error why;

	if (hold->n_asked > 0 && group_hold_end(hold, &why) < 0)
		fl_log(FL_LOG_DEBUG, "hold", "%s", why.text);
}
