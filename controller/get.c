/* SPDX-License-Identifier: Apache-2.0 */
/* ControllerGetVolume: one volume, where it is attached, and its condition. */
#include "health.h"
#include "owner.h"
#include "verbs.h"
#include "volume.h"

struct get {
	struct fl_volume volume;
	struct owner owner;
	struct fl_health health;
};

/* Of a damaged volume, what is known: the condition says what is wrong with it. */
static int get_read(const struct fl_op *op, const struct object *volume, struct get *ret,
		    struct fl_error *err)
{
	*ret = (struct get){ .volume.handle = volume->handle };
	if (health_read(op, volume, &ret->health, err) < 0)
		return -1;
	if (fl_volume_get(volume->pool, op, volume->handle, &ret->volume, err) < 0 &&
	    (err->code != FL_INTERNAL || ret->health.n == 0))
		return -1;
	if (owner_read(op, volume, &ret->owner, err) < 0 &&
	    (err->code != FL_INTERNAL || ret->health.n == 0))
		return -1;
	return 0;
}

static Csi__V1__ControllerGetVolumeResponse__VolumeStatus *get_status(struct fl_arena *arena,
								      const struct get *get)
{
	Csi__V1__ControllerGetVolumeResponse__VolumeStatus *status = reply_new(
		arena, &csi__v1__controller_get_volume_response__volume_status__descriptor);
	size_t n = get->owner.n_attachments;

	status->published_node_ids = fl_arena_array(arena, n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		status->published_node_ids[status->n_published_node_ids++] =
			(char *)get->owner.attachments[i].node;
	return status;
}

int get_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	const Csi__V1__ControllerGetVolumeRequest *asked = request;
	Csi__V1__ControllerGetVolumeResponse *answer = response;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct object volume;
	struct get get;

	if (object_find(c, &op, "volume", asked->volume_id, &volume, err) < 0 ||
	    get_read(&op, &volume, &get, err) < 0)
		return -1;
	answer->volume = volume_reply(c, &op, volume.pool, &get.volume);
	answer->status = get_status(op.arena, &get);
	if (volume.pool->backend->health)
		answer->status->volume_condition = health_condition(op.arena, &get.health);
	return 0;
}
