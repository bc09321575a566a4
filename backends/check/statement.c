/* SPDX-License-Identifier: Apache-2.0 */
#include "statement.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

void check_skip(struct check *c, const char *reason)
{
	snprintf(c->skipped, CHECK_SKIPPED, "%s", reason);
}

const char *check_name(struct check *c, const char *suffix)
{
	return fl_arena_printf(c->op.arena, CHECK_PREFIX "%s", suffix);
}

int check_create(struct check *c, const char *suffix, uint64_t bytes, struct fl_volume *ret)
{
	return check_create_from(c, suffix, (struct fl_content){ 0 }, bytes, ret);
}

int check_create_from(struct check *c, const char *suffix, struct fl_content content,
		      uint64_t bytes, struct fl_volume *ret)
{
	struct fl_volume_spec spec = {
		.name = check_name(c, suffix), .min_bytes = bytes, .thin = true, .content = content
	};

	return fl_volume_create(c->pool, &c->op, &spec, ret, &c->err);
}

int check_get(struct check *c, const char *handle, struct fl_volume *ret)
{
	return fl_volume_get(c->pool, &c->op, handle, ret, &c->err);
}

int check_delete(struct check *c, const char *handle)
{
	return fl_volume_delete(c->pool, &c->op, handle, &c->err);
}

int check_snapshot(struct check *c, const char *suffix, const char *volume_handle,
		   struct fl_snapshot *ret)
{
	struct fl_snapshot_spec spec = { .name = check_name(c, suffix),
					 .volume_handle = volume_handle };

	return fl_snapshot_create(c->pool, &c->op, &spec, ret, &c->err);
}

int check_record_set(struct check *c, const char *handle, const char *key, uint64_t expected,
		     const char *value, uint64_t *ret_version)
{
	return fl_volume_record_set(c->pool, &c->op, handle, key, expected, value, ret_version,
				    &c->err);
}

/* A listing that is collected. */
struct collection {
	struct fl_arena *arena;
	struct fl_strings handles;
	size_t capacity;
};

static int collect(struct collection *into, const char *name, const char *handle)
{
	struct fl_strings *handles = &into->handles;

	if (!fl_text_starts_with(name, CHECK_PREFIX))
		return 0;
	handles->items = fl_arena_grow(into->arena, handles->items, handles->n, &into->capacity,
				       sizeof(*handles->items));
	handles->items[handles->n++] = fl_arena_strdup(into->arena, handle);
	return 0;
}

static int collect_volume(void *cookie, const struct fl_volume *volume)
{
	return collect(cookie, volume->name, volume->handle);
}

static int collect_snapshot(void *cookie, const struct fl_snapshot *snapshot)
{
	return collect(cookie, snapshot->name, snapshot->handle);
}

int check_volumes(struct check *c, const char *after, struct fl_strings *ret)
{
	struct collection found = { .arena = c->op.arena };

	if (fl_volume_list(c->pool, &c->op, after, collect_volume, &found, &c->err) < 0)
		return -1;
	*ret = found.handles;
	return 0;
}

int check_snapshots(struct check *c, const char *after, struct fl_strings *ret)
{
	struct collection found = { .arena = c->op.arena };

	if (fl_snapshot_list(c->pool, &c->op, after, collect_snapshot, &found, &c->err) < 0)
		return -1;
	*ret = found.handles;
	return 0;
}

bool check_strings_have(const struct fl_strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->n; i++)
		if (strcmp(strings->items[i], text) == 0)
			return true;
	return false;
}

static int clean_pool_record(struct check *c)
{
	struct fl_record record;

	if (!c->plan->backend->pool_records)
		return 0;
	if (fl_pool_record_get(c->pool, &c->op, CHECK_POOL_RECORD, &record, &c->err) < 0)
		return -1;
	return fl_pool_record_remove(c->pool, &c->op, CHECK_POOL_RECORD, record.version, &c->err);
}

/* A deletion that says yes and deletes nothing. */
static int clean_check_gone(struct check *c)
{
	struct fl_strings volumes = { 0 }, snapshots = { 0 };

	if (check_volumes(c, NULL, &volumes) < 0 ||
	    (c->plan->backend->snapshots && check_snapshots(c, NULL, &snapshots) < 0))
		return -1;
	if (volumes.n == 0 && snapshots.n == 0)
		return 0;
	return fl_error_set(&c->err, FL_INTERNAL,
			    "%s of %s succeeded, but a list still tells of it",
			    snapshots.n ? "snapshots->remove" : "volume_delete",
			    snapshots.n ? snapshots.items[0] : volumes.items[0]);
}

int check_clean(struct check *c)
{
	struct fl_strings volumes = { 0 }, snapshots = { 0 };

	if (clean_pool_record(c) < 0)
		return -1;
	if (c->plan->backend->snapshots && check_snapshots(c, NULL, &snapshots) < 0)
		return -1;
	for (size_t i = 0; i < snapshots.n; i++)
		if (fl_snapshot_delete(c->pool, &c->op, snapshots.items[i], &c->err) < 0)
			return -1;
	if (check_volumes(c, NULL, &volumes) < 0)
		return -1;
	for (size_t i = 0; i < volumes.n; i++)
		if (check_delete(c, volumes.items[i]) < 0)
			return -1;
	return volumes.n || snapshots.n ? clean_check_gone(c) : 0;
}

int check_reopen(struct check *c)
{
	struct fl_pool *pool;

	if (fl_pool_open(c->plan->backend, &c->op, "check", c->plan->options, &pool, &c->err) < 0)
		return -1;
	fl_pool_close(c->pool);
	c->pool = pool;
	return 0;
}
