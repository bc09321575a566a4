/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: "POOL/HANDLE" and "POOL/NODE/HANDLE". */
#include <string.h>

#include "pools.h"

#define HANDLE_BYTES 128
#define POOL_BYTES 32
#define ID_BYTES 300

const char *fl_object_id_format(struct fl_arena *arena, const struct fl_pools *pools,
				const struct fl_pool *pool, const char *handle)
{
	if (pool->flags & FL_BACKEND_NODE_LOCAL)
		return fl_arena_printf(arena, "%s/%s/%s", pool->name, pools->settings->node.id,
				       handle);
	return fl_arena_printf(arena, "%s/%s", pool->name, handle);
}

/* Splits the id at its first slash, and the rest at its next where the pool is node-local. */
static bool id_split(struct fl_arena *arena, const struct fl_pools *pools, const char *id,
		     struct fl_object_id *ret)
{
	const char *handle = strchr(id, '/'), *end;
	struct fl_peer peer;

	if (!handle)
		return false;
	ret->pool = fl_pools_get(pools, fl_arena_strndup(arena, id, (size_t)(handle - id)));
	if (!ret->pool)
		return false;
	handle++;
	if (ret->pool->flags & FL_BACKEND_NODE_LOCAL) {
		end = strchr(handle, '/');
		if (!end)
			return false;
		ret->node = fl_arena_strndup(arena, handle, (size_t)(end - handle));
		if (!fl_settings_peer(pools->settings, ret->node, &peer))
			return false;
		handle = end + 1;
	}
	ret->handle = fl_arena_strdup(arena, handle);
	return fl_text_is_safe_name(handle, HANDLE_BYTES);
}

int fl_object_id_parse(struct fl_arena *arena, const struct fl_pools *pools, const char *id,
		       const char *what, struct fl_object_id *ret, struct fl_error *err)
{
	struct fl_object_id parsed = { 0 };
	size_t length = strnlen(id, ID_BYTES);

	if (length == ID_BYTES || !fl_text_is_printable(id, length) ||
	    !id_split(arena, pools, id, &parsed))
		return fl_error_set(err, FL_NOT_FOUND, "there is no %s \"%.140s\"", what,
				    fl_text_is_printable(id, length) ? id : "(not printable)");
	*ret = parsed;
	return 0;
}

/* The parts of what has the shape of an id: 2, or 3 with a node; 0 for anything else. */
static size_t id_parts(struct fl_arena *arena, const char *id, const char *parts[3])
{
	size_t n = 0;

	for (const char *end; n < 3 && strnlen(id, ID_BYTES + 1) <= ID_BYTES; id = end + 1) {
		end = strchr(id, '/');
		parts[n++] = fl_arena_strndup(arena, id, end ? (size_t)(end - id) : strlen(id));
		if (!end)
			break;
		if (n == 3)
			return 0;
	}
	if (n < 2 || !fl_text_is_safe_name(parts[0], POOL_BYTES) ||
	    !fl_text_is_safe_name(parts[n - 1], HANDLE_BYTES) ||
	    (n == 3 && !fl_node_id_is_good(parts[1])))
		return 0;
	return n;
}

int fl_object_id_check_gone(struct fl_arena *arena, const struct fl_pools *pools, const char *id,
			    const char *what, struct fl_error *err)
{
	struct fl_object_id object;
	const char *parts[3];
	struct fl_error why;
	size_t n = id_parts(arena, id, parts);
	const struct fl_pool *pool = n ? fl_pools_get(pools, parts[0]) : NULL;

	if (n == 0 || fl_object_id_parse(arena, pools, id, what, &object, &why) == 0)
		return 0;
	if (!pool)
		return fl_error_set(err, FL_IN_USE,
				    "nobody knows whether %s %s is gone: pool %s is not in the "
				    "configuration; put it back, or make the orchestrator forget "
				    "the %s",
				    what, id, parts[0], what);
	if (n == 3 && (pool->flags & FL_BACKEND_NODE_LOCAL))
		return fl_error_set(err, FL_IN_USE,
				    "nobody knows whether %s %s is gone: node %s is not in the "
				    "configuration; put it under `nodes`, or make the orchestrator "
				    "forget the %s",
				    what, id, parts[1], what);
	return fl_error_set(err, FL_IN_USE,
			    "nobody knows whether %s %s is gone: it was made when pool %s was %s; "
			    "configure the pool so again, or make the orchestrator forget the %s",
			    what, id, pool->name, n == 3 ? "on one node" : "shared", what);
}
