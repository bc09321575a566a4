/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <string.h>

#include "csi/convert.h"

int object_find(const struct controller *c, const struct fl_op *op, const char *what,
		const char *id, struct object *ret, struct fl_error *err)
{
	const char *here = c->pools->settings->node.id;
	struct fl_object_id parsed;

	if (convert_id(what, id, err) < 0)
		return -1;
	if (fl_object_id_parse(op->arena, c->pools, id, what, &parsed, err) < 0)
		return -1;
	if (parsed.node && strcmp(parsed.node, here) != 0)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "%s %s lives on node %s, and this controller reaches the "
				    "node-local pools of node %s only: ask the one on node %s",
				    what, id, parsed.node, here, parsed.node);
	*ret = (struct object){ parsed.pool, parsed.handle, id };
	return 0;
}

int object_check_gone(const struct controller *c, const struct fl_op *op, const char *what,
		      const char *id, struct fl_error *err)
{
	return fl_object_id_check_gone(op->arena, c->pools, id, what, err);
}

struct object object_of(const struct controller *c, const struct fl_op *op, struct fl_pool *pool,
			const char *handle)
{
	return (struct object){ pool, handle,
				fl_object_id_format(op->arena, c->pools, pool, handle) };
}

static int object_mark(const struct controller *c, struct fl_op *op, const char *key,
		       const char *method, struct fl_busy_mark *ret, struct fl_error *err)
{
	if (fl_busy_try(c->pools->busy, key, method, ret, err) < 0)
		return -1;
	op->progress = &ret->progress;
	return 0;
}

int object_mark_volume(const struct controller *c, struct fl_op *op, const struct object *volume,
		       const char *method, struct fl_busy_mark *ret, struct fl_error *err)
{
	return object_mark(c, op, volume->id, method, ret, err);
}

/* A volume and a snapshot may have the same id, hence the word. */
int object_mark_snapshot(const struct controller *c, struct fl_op *op,
			 const struct object *snapshot, const char *method,
			 struct fl_busy_mark *ret, struct fl_error *err)
{
	return object_mark(c, op, fl_arena_printf(op->arena, "snapshot %s", snapshot->id), method,
			   ret, err);
}

int object_mark_group(const struct controller *c, struct fl_op *op, const struct object *group,
		      const char *method, struct fl_busy_mark *ret, struct fl_error *err)
{
	return object_mark(c, op, fl_arena_printf(op->arena, "group snapshot %s", group->id),
			   method, ret, err);
}

int object_mark_name(const struct controller *c, struct fl_op *op, const struct fl_pool *pool,
		     const char *name, struct fl_busy_mark *ret, struct fl_error *err)
{
	return object_mark(c, op, fl_arena_printf(op->arena, "create:%s/%s", pool->name, name),
			   "creation", ret, err);
}
