/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller asks for group snapshots: that the VM of a volume stands still for a
 * moment. */
#include "node/diskcalls.h"

int diskcall_hold(struct diskcall *call, struct fl_error *err)
{
	json_t *params;
	const char *hold;
	int64_t ms;
	bool asked;

	if (diskcall_check_own(call, err) < 0 || diskcall_text(call, "hold", &hold, err) < 0)
		return -1;
	if (fl_json_number(call->params, "ms", 0, &ms, err) < 0 || ms <= 0)
		return fl_error_set(err, FL_INVALID, "parameter \"ms\" is no time");
	params = json_pack("{s:s, s:I}", "hold", hold, "ms", (json_int_t)ms);
	if (diskcall_forward(call, "hold", params, -1, &asked, err) < 0)
		return -1;
	if (!asked)
		return fl_error_set(err, FL_IN_USE, "no VM has this volume plugged in");
	return 0;
}

int diskcall_unhold(struct diskcall *call, struct fl_error *err)
{
	const char *hold;
	bool asked;

	if (diskcall_check_own(call, err) < 0 || diskcall_text(call, "hold", &hold, err) < 0 ||
	    diskcall_forward(call, "unhold", json_pack("{s:s}", "hold", hold), -1, &asked, err) < 0)
		return -1;
	/* Nobody knows what a VM that has ended meanwhile wrote at its end. */
	return asked ? 0 : diskcall_set(call, "stood", json_false(), err);
}
