/* SPDX-License-Identifier: Apache-2.0 */
#include "volume.h"

#include "place.h"

Csi__V1__Volume *volume_reply(const struct controller *c, const struct fl_op *op,
			      struct fl_pool *pool, const struct fl_volume *volume)
{
	static const enum content_kind kinds[] = {
		[FL_CONTENT_BLANK] = CONTENT_NONE,
		[FL_CONTENT_SNAPSHOT] = CONTENT_SNAPSHOT,
		[FL_CONTENT_VOLUME] = CONTENT_VOLUME,
	};
	struct reply_volume reply = {
		.id = fl_object_id_format(op->arena, c->pools, pool, volume->handle),
		.size_bytes = volume->size_bytes,
		.content.kind = kinds[volume->content.kind],
		.topology = place_of(c, op->arena, pool),
	};

	if (reply.content.kind != CONTENT_NONE)
		reply.content.id =
			fl_object_id_format(op->arena, c->pools, pool, volume->content.handle);
	return reply_volume(op->arena, &reply);
}
