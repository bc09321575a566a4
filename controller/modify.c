/* SPDX-License-Identifier: Apache-2.0 */
/* ControllerModifyVolume: new limits, for the next VM that gets the volume and for the one that has
 * it. */
#include "modify.h"

#include <string.h>

#include "csi/convert.h"
#include "owner.h"
#include "verbs.h"
#include "vmdisk.h"

/* How often another controller may be faster before the caller shall ask again. */
#define MODIFY_TRIES 5

int modify_check(const struct fl_pool *pool, const struct modify *modify, struct limits *ret,
		 struct fl_error *err)
{
	*ret = (struct limits){ .version = 0 };
	if (modify->n && !pool->backend->records)
		return fl_error_set(err, FL_INVALID,
				    "mutable parameter \"%s\": pool %s keeps no records beside its "
				    "volumes, so they have no limits",
				    modify->pairs[0].key, pool->name);
	return limits_change(modify->arena, modify->pairs, modify->n, ret, err);
}

int modify_read(struct fl_arena *arena, const void *entries, size_t n_entries, struct modify *ret,
		struct fl_error *err)
{
	struct fl_pair *pairs;

	if (convert_pairs(arena, "mutable_parameters", entries, n_entries, &pairs, &ret->n, err) <
	    0)
		return -1;
	ret->arena = arena;
	ret->pairs = pairs;
	return 0;
}

int modify_compare(const struct fl_op *op, const struct object *volume, const struct modify *modify,
		   struct fl_error *err)
{
	struct limits now, wanted;
	struct fl_error refused;

	if (modify->n == 0)
		return 0;
	if (limits_record_read(op, volume->pool, volume->handle, volume->id, &now, err) < 0)
		return -1;
	wanted = now;
	if (limits_change(op->arena, modify->pairs, modify->n, &wanted, &refused) == 0 &&
	    limits_are_equal(&now, &wanted))
		return 0;
	return fl_error_set(err, FL_EXISTS, "volume %s has other limits", volume->id);
}

static int modify_record(const struct fl_op *op, const struct object *volume,
			 const struct modify *modify, struct fl_error *err)
{
	for (unsigned i = 0; i < MODIFY_TRIES; i++) {
		struct limits now, limits;

		if (limits_record_read(op, volume->pool, volume->handle, volume->id, &now, err) < 0)
			return -1;
		limits = now;
		if (limits_change(op->arena, modify->pairs, modify->n, &limits, err) < 0)
			return -1;
		if (limits_are_equal(&now, &limits) ||
		    limits_record_write(op, volume->pool, volume->handle, &limits, err) == 0)
			return 0;
		if (err->code != FL_BUSY)
			return -1;
	}
	return fl_error_set(err, FL_BUSY, "the limits of volume %s change all the time: ask again",
			    volume->id);
}

/* Whoever attaches the volume from now on reads the new record: this is for those who have it. */
static int modify_tell(const struct controller *c, const struct fl_op *op,
		       const struct object *volume, struct fl_error *err)
{
	const char *here = c->pools->settings->node.id;
	struct owner owner;

	if (owner_read(op, volume, &owner, err) < 0)
		return -1;
	for (size_t i = 0; i < owner.n_attachments; i++) {
		const char *node = owner.attachments[i].node;

		if (strcmp(node, here) != 0)
			return fl_error_set(
				err, FL_UNAVAILABLE,
				"the new limits of volume %s are on record and hold from "
				"its next attachment on, but node %s, which has it, is "
				"not within reach: detach it there, or ask again",
				volume->id, node);
	}
	return owner.n_attachments ? vmdisk_limits(c, op, volume->id, err) : 0;
}

int modify_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	const Csi__V1__ControllerModifyVolumeRequest *asked = request;
	const struct controller *c = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct object volume;
	struct modify modify;
	struct limits alone;

	(void)response;
	if (convert_required("volume_id", asked->volume_id, err) < 0 ||
	    modify_read(op.arena, asked->mutable_parameters, asked->n_mutable_parameters, &modify,
			err) < 0 ||
	    object_find(c, &op, "volume", asked->volume_id, &volume, err) < 0 ||
	    object_mark_volume(c, &op, &volume, "ControllerModifyVolume", &mark, err) < 0)
		return -1;
	if (!volume.pool->backend->records) {
		struct fl_volume there;

		if (fl_volume_get(volume.pool, &op, volume.handle, &there, err) < 0)
			return -1;
		return modify_check(volume.pool, &modify, &alone, err);
	}
	if (modify_record(&op, &volume, &modify, err) < 0)
		return -1;
	return modify_tell(c, &op, &volume, err);
}
