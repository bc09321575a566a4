/* SPDX-License-Identifier: Apache-2.0 */
#include "roll.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "csi/owner_record.h"

/* How long a claim stands that nobody settled: what a crash costs when the node is full. */
#define ROLL_CLAIM_MS 60000
#define ROLL_TRIES 100
/* A little above the largest limit, for claims that will be refused. */
#define ROLL_MAX (FL_MAX_VOLUMES + 16)

/* The record is {"volumes": {HANDLE: UNTIL}}: the CLOCK_REALTIME, in ns, at which a claim ends, 0
 * for what is attached. */
struct roll {
	struct fl_pool *pool;
	const char *key;
	uint64_t version;
	json_t *volumes;
};

static void roll_release(struct roll *roll)
{
	fl_json_release(&roll->volumes);
}

static const char *roll_key(const struct fl_op *op, const char *node)
{
	/* The end of a key tells whose it is: groups and ephemeral volumes have others. */
	return fl_arena_printf(op->arena, "%s.attached", node);
}

/* In memory of its own: there may be fifty thousand of them. */
static int roll_is_attached(const struct fl_op *op, struct fl_pool *pool, const char *handle,
			    const char *node, bool *ret, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op one = *op;
	struct owner owner;

	one.arena = arena;
	*ret = false;
	if (owner_record_read(&one, pool, handle, handle, &owner, err) < 0)
		return err->code == FL_NOT_FOUND ? 0 : -1;
	*ret = owner_has(&owner, node);
	return 0;
}

/* A look at all volumes of a pool. */
struct roll_scan {
	const char *node;
	json_t *attached; /* {HANDLE: 0}: those that the node has */
	struct fl_arena *arena;
	const char **unread; /* handles of those whose owner the list does not tell */
	size_t n_unread, capacity;
};

static int roll_see(void *cookie, const struct fl_volume *volume)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct roll_scan *scan = cookie;
	struct fl_error why;
	struct owner owner;

	/* One that cannot be parsed is read again: that says what is wrong with it. */
	if (!volume->owner ||
	    owner_record_parse(arena, volume->owner, volume->handle, &owner, &why) < 0) {
		scan->unread = fl_arena_grow(scan->arena, scan->unread, scan->n_unread,
					     &scan->capacity, sizeof(*scan->unread));
		scan->unread[scan->n_unread++] = fl_arena_strdup(scan->arena, volume->handle);
	} else if (owner_has(&owner, scan->node)) {
		json_object_set_new(scan->attached, volume->handle, json_integer(0));
	}
	return 0;
}

/* From the owner records of all volumes. */
static int roll_make(const struct fl_op *op, struct fl_pool *pool, const char *node, json_t *ret,
		     struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct roll_scan scan = { .node = node, .attached = ret, .arena = arena };
	struct fl_op all = *op;
	bool is_attached;

	all.arena = arena;
	if (fl_volume_list(pool, &all, NULL, roll_see, &scan, err) < 0)
		return -1;
	for (size_t i = 0; i < scan.n_unread; i++) {
		if (roll_is_attached(op, pool, scan.unread[i], node, &is_attached, err) < 0)
			return -1;
		if (is_attached)
			json_object_set_new(ret, scan.unread[i], json_integer(0));
	}
	return 0;
}

static int roll_parse(struct roll *roll, const char *text, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	const char *handle;
	json_t *until;

	if (fl_json_parse(text, strlen(text), roll->key, &json, err) < 0)
		return -1;
	roll->volumes = json_incref(json_object_get(json, "volumes"));
	if (!json_is_object(roll->volumes))
		return fl_error_set(err, FL_INTERNAL,
				    "record %s of pool %s names no volumes: remove it, and it is "
				    "made again",
				    roll->key, roll->pool->name);
	json_object_foreach(roll->volumes, handle, until)
	{
		if (!json_is_integer(until))
			return fl_error_set(err, FL_INTERNAL,
					    "record %s of pool %s has no time for volume %s: "
					    "remove it, and it is made again",
					    roll->key, roll->pool->name, handle);
	}
	return 0;
}

/* As it is written; without a record, volumes is NULL. */
static int roll_load(const struct fl_op *op, struct fl_pool *pool, const char *node,
		     struct roll *ret, struct fl_error *err)
{
	struct fl_record record = { 0 };

	roll_release(ret);
	*ret = (struct roll){ .pool = pool, .key = roll_key(op, node) };
	if (pool->backend->pool_records && fl_pool_record_get(pool, op, ret->key, &record, err) < 0)
		return fl_error_prefix(err, "pool %s", pool->name);
	ret->version = record.version;
	return record.version ? roll_parse(ret, record.value, err) : 0;
}

static int roll_read(const struct fl_op *op, struct fl_pool *pool, const char *node,
		     struct roll *ret, struct fl_error *err)
{
	if (roll_load(op, pool, node, ret, err) < 0)
		return -1;
	if (ret->volumes)
		return 0;
	ret->volumes = json_object();
	return roll_make(op, pool, node, ret->volumes, err);
}

static int roll_write(const struct fl_op *op, struct roll *roll, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = json_pack("{s:O}", "volumes", roll->volumes);

	if (!roll->pool->backend->pool_records)
		return 0;
	return fl_pool_record_set(roll->pool, op, roll->key, roll->version,
				  fl_json_dump(op->arena, json), &roll->version, err);
}

static int roll_storm(const struct roll *roll, struct fl_error *err)
{
	return fl_error_set(err, FL_BUSY, "record %s of pool %s changes all the time: ask again",
			    roll->key, roll->pool->name);
}

/* *ret_had: the entry was there before. */
static int roll_enter(const struct fl_op *op, const struct object *volume, const char *node,
		      int64_t until_ns, bool *ret_had, struct fl_error *err)
{
	fl_cleanup(roll_release) struct roll roll = { 0 };
	const json_t *had;

	for (unsigned i = 0; i < ROLL_TRIES; i++) {
		if (roll_read(op, volume->pool, node, &roll, err) < 0)
			return -1;
		had = json_object_get(roll.volumes, volume->handle);
		*ret_had = had != NULL;
		/* A claim is always written: who prunes must not have decided before it. */
		if (roll.version && had && until_ns == 0 && json_integer_value(had) == 0)
			return 0;
		if (!*ret_had && json_object_size(roll.volumes) >= ROLL_MAX)
			return fl_error_set(err, FL_BUSY,
					    "too many volumes are being attached to node %s: ask "
					    "again",
					    node);
		json_object_set_new(roll.volumes, volume->handle, json_integer(until_ns));
		if (roll_write(op, &roll, err) == 0)
			return 0;
		if (err->code != FL_BUSY)
			return -1;
		fl_clock_sleep_ms(1 + i % 8);
	}
	return roll_storm(&roll, err);
}

int roll_claim(const struct fl_op *op, const struct object *volume, const char *node,
	       struct fl_error *err)
{
	int64_t until_ns = fl_clock_wall_ns() + (int64_t)ROLL_CLAIM_MS * 1000000;
	bool had;

	return roll_enter(op, volume, node, until_ns, &had, err);
}

int roll_settle(const struct fl_op *op, const struct object *volume, const char *node,
		bool *ret_was_lost, struct fl_error *err)
{
	bool had;

	if (roll_enter(op, volume, node, 0, &had, err) < 0)
		return -1;
	*ret_was_lost = !had;
	return 0;
}

int roll_strike(const struct fl_op *op, const struct object *volume, const char *node,
		struct fl_error *err)
{
	fl_cleanup(roll_release) struct roll roll = { 0 };

	for (unsigned i = 0; i < ROLL_TRIES; i++) {
		if (roll_load(op, volume->pool, node, &roll, err) < 0)
			return -1;
		/* A roll that is not there will be made without it. */
		if (!roll.volumes || json_object_del(roll.volumes, volume->handle) < 0 ||
		    roll_write(op, &roll, err) == 0)
			return 0;
		if (err->code != FL_BUSY)
			return -1;
		fl_clock_sleep_ms(1 + i % 8);
	}
	return roll_storm(&roll, err);
}

/* Deletes what the owner records do not give to the node, but for claims that stand. */
static int roll_prune(const struct fl_op *op, const char *node, struct roll *roll,
		      struct fl_error *err)
{
	int64_t now_ns = fl_clock_wall_ns();
	const char *handle;
	json_t *until;
	void *next;
	bool is_attached;

	json_object_foreach_safe(roll->volumes, next, handle, until)
	{
		if (json_integer_value(until) > now_ns)
			continue;
		if (roll_is_attached(op, roll->pool, handle, node, &is_attached, err) < 0)
			return -1;
		if (!is_attached)
			json_object_del(roll->volumes, handle);
	}
	return 0;
}

int roll_count(const struct fl_op *op, struct fl_pool *pool, const char *node, bool prune,
	       size_t *ret, struct fl_error *err)
{
	fl_cleanup(roll_release) struct roll roll = { 0 };

	for (unsigned i = 0; i < ROLL_TRIES; i++) {
		if (roll_read(op, pool, node, &roll, err) < 0)
			return -1;
		*ret = json_object_size(roll.volumes);
		if (!prune)
			return 0;
		if (roll_prune(op, node, &roll, err) < 0)
			return -1;
		if (json_object_size(roll.volumes) == *ret || roll_write(op, &roll, err) == 0) {
			*ret = json_object_size(roll.volumes);
			return 0;
		}
		if (err->code != FL_BUSY)
			return -1;
		fl_clock_sleep_ms(1 + i % 8);
	}
	return roll_storm(&roll, err);
}

int roll_forget(const struct fl_op *op, struct fl_pool *pool, const char *node,
		struct fl_error *err)
{
	const char *key = roll_key(op, node);
	struct fl_record record;

	if (!pool->backend->pool_records)
		return 0;
	if (fl_pool_record_get(pool, op, key, &record, err) < 0)
		return -1;
	return record.version ? fl_pool_record_remove(pool, op, key, record.version, err) : 0;
}
