/* SPDX-License-Identifier: Apache-2.0 */
/* ControllerGetVolume: one volume, and where it is attached. */
#include "owner.h"
#include "verbs.h"
#include "volume.h"

static Csi__V1__ControllerGetVolumeResponse__VolumeStatus *get_status(struct fl_arena *arena,
								      const struct owner *owner)
{
	Csi__V1__ControllerGetVolumeResponse__VolumeStatus *status = reply_new(
		arena, &csi__v1__controller_get_volume_response__volume_status__descriptor);

	status->published_node_ids =
		fl_arena_array(arena, owner->n_attachments + 1, sizeof(char *));
	for (size_t i = 0; i < owner->n_attachments; i++)
		status->published_node_ids[status->n_published_node_ids++] =
			(char *)owner->attachments[i].node;
	return status;
}

int get_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	const Csi__V1__ControllerGetVolumeRequest *asked = request;
	Csi__V1__ControllerGetVolumeResponse *answer = response;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct fl_volume state;
	struct object volume;
	struct owner owner;

	if (object_find(c, &op, "volume", asked->volume_id, &volume, err) < 0 ||
	    fl_volume_get(volume.pool, &op, volume.handle, &state, err) < 0 ||
	    owner_read(&op, &volume, &owner, err) < 0)
		return -1;
	answer->volume = volume_reply(c, &op, volume.pool, &state);
	answer->status = get_status(op.arena, &owner);
	return 0;
}
