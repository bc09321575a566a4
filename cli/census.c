/* SPDX-License-Identifier: Apache-2.0 */
#include "census.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "csi/owner_record.h"

#define CENSUS_EVERY_S 60
/* Of a service that has just started, others want something first: counting costs what a list costs. */
#define CENSUS_FIRST_S 5
#define CENSUS_POOL_MS 30000 /* for one pool */
#define CENSUS_STOP_S 2      /* how long the end waits for the storage */

struct census {
	const struct fl_pools *pools;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_over;
};

static struct fl_metric census_volumes = {
	.name = "fairlead_volumes",
	.help = "Volumes in a pool, counted once a minute.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "pool" },
};
static struct fl_metric census_available = {
	.name = "fairlead_pool_available_bytes",
	.help = "What new thick volumes of a pool can take, asked once a minute.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "pool" },
};

static struct fl_metric census_attachments = {
	.name = "fairlead_attachments",
	.help = "Nodes that volumes of a pool are attached to, counted once a minute.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "pool" },
};

static struct fl_metric census_unhealthy = {
	.name = "fairlead_volumes_unhealthy",
	.help = "Volumes of a pool that are damaged or degraded, as its list shows once a minute.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "pool" },
};

struct census_list {
	struct fl_arena *arena;
	size_t n_volumes, n_unhealthy, n_attachments;
	const char **unread; /* handles of the volumes whose owner the list does not tell */
	size_t n_unread, capacity;
};

static int census_see(void *cookie, const struct fl_volume *volume)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct census_list *list = cookie;
	struct fl_error damage;
	struct owner owner;

	list->n_volumes++;
	list->n_unhealthy += volume->health.n > 0;
	if (!volume->owner) {
		list->unread = fl_arena_grow(list->arena, list->unread, list->n_unread,
					     &list->capacity, sizeof(*list->unread));
		list->unread[list->n_unread++] = fl_arena_strdup(list->arena, volume->handle);
	} else if (owner_record_parse(arena, volume->owner, volume->handle, &owner, &damage) == 0) {
		list->n_attachments += owner.n_attachments;
	}
	return 0;
}

/* After the listing, during which a backend may not be called. */
static int census_read_owners(struct fl_pool *pool, const struct fl_op *op,
			      struct census_list *list, struct fl_error *err)
{
	for (size_t i = 0; i < list->n_unread; i++) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		const struct fl_op own = { op->id, op->deadline, arena, NULL };
		struct owner owner;

		if (owner_record_read(&own, pool, list->unread[i], list->unread[i], &owner, err) ==
		    0)
			list->n_attachments += owner.n_attachments;
		/* A damaged record says of no node that it has the volume. */
		else if (err->code != FL_NOT_FOUND && err->code != FL_INTERNAL)
			return -1;
	}
	return 0;
}

static void census_count(struct fl_pool *pool)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { .id = "census",
			    .deadline = fl_clock_after_ms(CENSUS_POOL_MS),
			    .arena = arena };
	struct census_list list = { .arena = arena };
	struct fl_capacity capacity;
	struct fl_error err = { 0 };

	if (fl_volume_list(pool, &op, NULL, census_see, &list, &err) == 0 &&
	    census_read_owners(pool, &op, &list, &err) == 0) {
		fl_metric_set(&census_volumes, pool->name, NULL, (double)list.n_volumes);
		fl_metric_set(&census_attachments, pool->name, NULL, (double)list.n_attachments);
		if (pool->backend->health)
			fl_metric_set(&census_unhealthy, pool->name, NULL,
				      (double)list.n_unhealthy);
	} else {
		fl_log(FL_LOG_WARNING, "census", "pool %s: %s", pool->name, err.text);
	}
	if (fl_pool_capacity(pool, &op, false, &capacity, &err) == 0)
		fl_metric_set(&census_available, pool->name, NULL,
			      (double)capacity.available_bytes);
}

/* Sleeps until the next count; true at the end. */
static bool census_pause(struct census *census, time_t seconds)
{
	struct timespec until;
	bool is_over;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&census->lock);
	while (!census->is_over &&
	       pthread_cond_clockwait(&census->wake, &census->lock, CLOCK_MONOTONIC, &until) == 0)
		;
	is_over = census->is_over;
	pthread_mutex_unlock(&census->lock);
	return is_over;
}

static void *census_run(void *cookie)
{
	struct census *census = cookie;

	for (time_t pause = CENSUS_FIRST_S; !census_pause(census, pause); pause = CENSUS_EVERY_S) {
		for (size_t i = 0; i < census->pools->n; i++)
			census_count(census->pools->items[i]);
	}
	return NULL;
}

int census_start(const struct fl_pools *pools, struct census **ret, struct fl_error *err)
{
	struct census *census = calloc(1, sizeof(*census));
	int result;

	if (!census)
		abort();
	fl_metric_register(&census_volumes);
	fl_metric_register(&census_available);
	fl_metric_register(&census_attachments);
	fl_metric_register(&census_unhealthy);
	census->pools = pools;
	pthread_mutex_init(&census->lock, NULL);
	pthread_cond_init(&census->wake, NULL);
	result = pthread_create(&census->thread, NULL, census_run, census);
	if (result != 0) {
		free(census);
		return fl_error_sys(err, result, "starting a thread");
	}
	*ret = census;
	return 0;
}

int census_stop(struct census *census)
{
	struct timespec until;

	if (!census)
		return 0;
	pthread_mutex_lock(&census->lock);
	census->is_over = true;
	pthread_cond_signal(&census->wake);
	pthread_mutex_unlock(&census->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CENSUS_STOP_S;
	if (pthread_clockjoin_np(census->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
		return -1;
	pthread_cond_destroy(&census->wake);
	pthread_mutex_destroy(&census->lock);
	free(census);
	return 0;
}
