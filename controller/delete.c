/* SPDX-License-Identifier: Apache-2.0 */
#include "csi/csi.pb-c.h"
#include "keeper.h"
#include "object.h"
#include "verbs.h"

/* Nobody may attach the volume between the look at its owner and its end, so it is held.  A volume
 * that is not there, or whose creation was interrupted, has no owner. */
static int delete_hold(struct keeper *keeper, const struct fl_op *op, const struct object *volume,
		       struct fl_error *err)
{
	struct fl_error why;

	if (!volume->pool->backend->records)
		return 0;
	if (keeper_take(keeper, op, volume, "DeleteVolume", &why) == 0 || why.code == FL_NOT_FOUND)
		return 0;
	*err = why;
	return -1;
}

int delete_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	fl_cleanup(keeper_release) struct keeper keeper = { 0 };
	const Csi__V1__DeleteVolumeRequest *asked = request;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct object volume;
	struct fl_error why;

	(void)response;
	if (object_find(c, &op, "volume", asked->volume_id, &volume, &why) < 0) {
		*err = why;
		return why.code == FL_NOT_FOUND
			       ? object_check_gone(c, &op, "volume", asked->volume_id, err)
			       : -1;
	}
	if (object_mark_volume(c, &op, &volume, "DeleteVolume", &mark, err) < 0 ||
	    delete_hold(&keeper, &op, &volume, err) < 0 ||
	    fl_volume_delete(volume.pool, &op, volume.handle, err) < 0)
		return -1;
	keeper_forget(&keeper);
	return 0;
}
