/* SPDX-License-Identifier: Apache-2.0 */
#include "statement.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace.h"

/* The calls that led here, the last one's member apart. */
static void check_note_calls(struct backend_check_failure *failure)
{
	struct trace trace;
	size_t used = 0;

	trace_get(&trace);
	if (trace.n)
		snprintf(failure->member, sizeof(failure->member), "%s",
			 trace.lines[trace.n - 1].member);
	for (size_t i = 0; i < trace.n; i++)
		used += (size_t)snprintf(failure->calls + used, sizeof(failure->calls) - used,
					 "%s%s", i ? "\n" : "", trace.lines[i].text);
}

/* Only the first failure is kept: later ones follow from it. */
static void check_note(struct check *c, const char *expression, const char *file, int line)
{
	struct backend_check_failure *failure = c->failure;
	const char *base = strrchr(file, '/');

	snprintf(failure->expression, sizeof(failure->expression), "%s", expression);
	check_note_calls(failure);
	snprintf(failure->place, sizeof(failure->place), "%s:%d", base ? base + 1 : file, line);
}

static void check_note_got(struct check *c, int result)
{
	snprintf(c->failure->got, sizeof(c->failure->got), "%s%s%s",
		 result == 0 ? "success" : fl_error_name(c->err.code), result == 0 ? "" : ": ",
		 result == 0 ? "" : c->err.text);
}

bool check_works(struct check *c, int result, const char *call, const char *file, int line)
{
	if (result == 0)
		return true;
	if (check_has_failed(c))
		return false;
	snprintf(c->failure->expected, sizeof(c->failure->expected), "success");
	check_note_got(c, result);
	check_note(c, call, file, line);
	return false;
}

bool check_fails(struct check *c, int result, enum fl_error_code wanted, const char *call,
		 const char *file, int line)
{
	if (result != 0 && c->err.code == wanted)
		return true;
	if (check_has_failed(c))
		return false;
	snprintf(c->failure->expected, sizeof(c->failure->expected), "%s", fl_error_name(wanted));
	check_note_got(c, result);
	check_note(c, call, file, line);
	return false;
}

bool check_holds(struct check *c, bool holds, const char *condition, const char *file, int line)
{
	if (holds || check_has_failed(c))
		return holds;
	snprintf(c->failure->expected, sizeof(c->failure->expected), "%s", condition);
	snprintf(c->failure->got, sizeof(c->failure->got), "it is not so");
	check_note(c, condition, file, line);
	return false;
}

bool check_equals(struct check *c, uint64_t a, uint64_t b, const char *condition, const char *file,
		  int line)
{
	if (a == b || check_has_failed(c))
		return a == b;
	snprintf(c->failure->expected, sizeof(c->failure->expected), "%s", condition);
	snprintf(c->failure->got, sizeof(c->failure->got), "%" PRIu64 ", and not %" PRIu64, a, b);
	check_note(c, "", file, line);
	return false;
}

bool check_same(struct check *c, const char *a, const char *b, const char *condition,
		const char *file, int line)
{
	bool same = strcmp(a, b) == 0;

	if (same || check_has_failed(c))
		return same;
	snprintf(c->failure->expected, sizeof(c->failure->expected), "%s", condition);
	snprintf(c->failure->got, sizeof(c->failure->got), "\"%.200s\", and not \"%.200s\"", a, b);
	check_note(c, "", file, line);
	return false;
}

bool check_has_failed(const struct check *c)
{
	return c->failure->place[0] != '\0';
}

void check_skip(struct check *c, const char *reason)
{
	snprintf(c->skipped, sizeof(c->skipped), "%s", reason);
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
	return 0;
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
