/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of health. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "call.h"

#define HEALTH_MAX_ENTRIES 32
#define HEALTH_MAX_REASON 64
#define HEALTH_MAX_MESSAGE 500

void fl_health_add(struct fl_arena *arena, struct fl_health *health, enum fl_health_status status,
		   const char *reason, const char *format, ...)
{
	struct fl_health_entry *entries = fl_arena_array(arena, health->n + 1, sizeof(*entries));
	char text[HEALTH_MAX_MESSAGE + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (size_t i = 0; i < health->n; i++)
		entries[i] = health->entries[i];
	entries[health->n++] =
		(struct fl_health_entry){ status, reason, fl_arena_strdup(arena, text) };
	health->entries = entries;
}

static bool health_is_reason(const char *reason)
{
	size_t length = reason ? strnlen(reason, HEALTH_MAX_REASON + 1) : 0;

	if (length == 0 || length > HEALTH_MAX_REASON || !isupper((unsigned char)reason[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)reason[i]))
			return false;
	return true;
}

static bool health_is_message(const char *message)
{
	size_t length = message ? strnlen(message, HEALTH_MAX_MESSAGE + 1) : 0;

	return length > 0 && length <= HEALTH_MAX_MESSAGE && fl_text_is_printable(message, length);
}

static bool health_repeats(const struct fl_health *health, size_t i)
{
	const struct fl_health_entry *entries = health->entries;

	for (size_t k = 0; k < i; k++)
		if (entries[k].status == entries[i].status &&
		    strcmp(entries[k].reason, entries[i].reason) == 0)
			return true;
	return false;
}

int fl_check_health(const struct fl_call *call, const char *what, const struct fl_health *health,
		    struct fl_error *err)
{
	if (health->n > HEALTH_MAX_ENTRIES)
		return fl_call_broken(call, err, "%s has %zu entries of health, above %d", what,
				      health->n, HEALTH_MAX_ENTRIES);
	for (size_t i = 0; i < health->n; i++) {
		const struct fl_health_entry *entry = &health->entries[i];

		if ((unsigned)entry->status > FL_HEALTH_DATA_LOSS)
			return fl_call_broken(call, err, "%s has an unknown health status %d", what,
					      (int)entry->status);
		if (!health_is_reason(entry->reason))
			return fl_call_broken(call, err,
					      "%s has a reason that is no CamelCase word", what);
		if (!health_is_message(entry->message))
			return fl_call_broken(call, err, "%s has no usable message for %s", what,
					      entry->reason);
		if (health_repeats(health, i))
			return fl_call_broken(call, err, "%s has reason %s twice", what,
					      entry->reason);
	}
	return 0;
}

int fl_pool_health(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
		   struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_health_ops *ops = pool->backend->health;
	struct fl_health health = { 0 };

	if (fl_call_begin(&call, pool, op, "pool_health", ops, err) < 0)
		return -1;
	if (fl_call_result(&call, ops->pool(pool, op, &health, &call.error), err) < 0 ||
	    fl_check_health(&call, "the pool", &health, err) < 0)
		return -1;
	for (size_t i = 0; i < health.n; i++)
		if (health.entries[i].status == FL_HEALTH_DATA_LOSS)
			return fl_call_broken(&call, err, "data loss is never said of a pool");
	*ret = health;
	return 0;
}

int fl_volume_health(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		     struct fl_health *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_health_ops *ops = pool->backend->health;
	struct fl_health health = { 0 };

	if (fl_check_handle("volume", handle, err) < 0)
		return -1;
	if (fl_call_begin(&call, pool, op, "volume_health", ops, err) < 0)
		return -1;
	if (fl_call_result(&call, ops->volume(pool, op, handle, &health, &call.error), err) < 0 ||
	    fl_check_health(&call, "the volume", &health, err) < 0)
		return -1;
	*ret = health;
	return 0;
}

/* What stands between the backend and who looks at its list. */
struct health_sight {
	const struct fl_call *call;
	fl_health_see *see;
	void *cookie;
	bool broken;
	struct fl_error *err;
};

static int health_seen(void *cookie, const char *handle, const struct fl_health *health)
{
	struct health_sight *sight = cookie;
	struct fl_error ignored;

	if (fl_check_handle("volume", handle, &ignored) < 0)
		sight->broken = fl_call_broken(sight->call, sight->err,
					       "a volume has no usable handle") < 0;
	else if (health->n == 0)
		sight->broken = fl_call_broken(sight->call, sight->err,
					       "volume %s is healthy and is listed", handle) < 0;
	else
		sight->broken = fl_check_health(sight->call, handle, health, sight->err) < 0;
	return sight->broken ? -1 : sight->see(sight->cookie, handle, health);
}

int fl_volume_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			  fl_health_see *see, void *cookie, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	const struct fl_health_ops *ops = pool->backend->health;
	struct health_sight sight = { .call = &call, .see = see, .cookie = cookie, .err = err };

	if (fl_call_begin(&call, pool, op, "volume_health_list", ops, err) < 0)
		return -1;
	if (fl_call_result(&call, ops->list(pool, op, after, health_seen, &sight, &call.error),
			   err) < 0)
		return -1;
	return sight.broken ? -1 : 0;
}
