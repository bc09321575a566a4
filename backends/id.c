/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: "POOL/HANDLE" and "POOL/NODE/HANDLE". */
#include <string.h>

#include "pools.h"

#define HANDLE_BYTES 128

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
	size_t length = strnlen(id, 300);

	if (length == 300 || !fl_text_is_printable(id, length) ||
	    !id_split(arena, pools, id, &parsed))
		return fl_error_set(err, FL_NOT_FOUND, "there is no %s \"%.140s\"", what,
				    fl_text_is_printable(id, length) ? id : "(not printable)");
	*ret = parsed;
	return 0;
}
