/* SPDX-License-Identifier: Apache-2.0 */
#include "busy.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"

/* There are no more marks than running operations, a few dozen: a list is searched fast enough. */
struct fl_busy {
	pthread_mutex_t lock;
	struct fl_busy_mark *marks;
};

struct fl_busy *fl_busy_new(void)
{
	struct fl_busy *set = calloc(1, sizeof(*set));

	if (!set)
		abort();
	pthread_mutex_init(&set->lock, NULL);
	return set;
}

void fl_busy_free(struct fl_busy *set)
{
	if (!set)
		return;
	pthread_mutex_destroy(&set->lock);
	free(set);
}

static struct fl_busy_mark *busy_find(const struct fl_busy *set, const char *key)
{
	struct fl_busy_mark *mark = set->marks;

	while (mark && strcmp(mark->key, key) != 0)
		mark = mark->next;
	return mark;
}

static int busy_refuse(const struct fl_busy_mark *mark, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	uint64_t seconds = (fl_clock_us() - mark->since_us) / 1000000;
	const char *step = atomic_load(&mark->progress.step);
	uint64_t total = atomic_load(&mark->progress.total);
	const char *how_far = "";

	if (!step)
		return fl_error_set(err, FL_BUSY,
				    "%s is busy: %s has been running for %" PRIu64 " s; ask again",
				    mark->key, mark->what, seconds);
	if (total)
		how_far = fl_arena_printf(
			arena, " (%s of %s)",
			fl_text_format_size(arena, atomic_load(&mark->progress.done)),
			fl_text_format_size(arena, total));
	return fl_error_set(err, FL_BUSY, "%s is busy: %s is at %s%s for %" PRIu64 " s; ask again",
			    mark->key, mark->what, step, how_far, seconds);
}

int fl_busy_try(struct fl_busy *set, const char *key, const char *what, struct fl_busy_mark *ret,
		struct fl_error *err)
{
	const struct fl_busy_mark *other;
	int status = 0;

	pthread_mutex_lock(&set->lock);
	other = busy_find(set, key);
	if (other) {
		status = busy_refuse(other, err);
	} else {
		*ret = (struct fl_busy_mark){ .set = set, .key = strdup(key), .what = what };
		if (!ret->key)
			abort();
		ret->since_us = fl_clock_us();
		ret->next = set->marks;
		set->marks = ret;
	}
	pthread_mutex_unlock(&set->lock);
	return status;
}

void fl_busy_release(struct fl_busy_mark *mark)
{
	struct fl_busy *set = mark->set;
	struct fl_busy_mark **link;

	if (!set)
		return;
	pthread_mutex_lock(&set->lock);
	link = &set->marks;
	while (*link != mark)
		link = &(*link)->next;
	*link = mark->next;
	pthread_mutex_unlock(&set->lock);
	free(mark->key);
	*mark = (struct fl_busy_mark){ 0 };
}

void fl_busy_each(struct fl_busy *set,
		  void (*see)(void *cookie, const struct fl_busy_mark *mark, uint64_t age_us),
		  void *cookie)
{
	uint64_t now = fl_clock_us();

	pthread_mutex_lock(&set->lock);
	for (const struct fl_busy_mark *mark = set->marks; mark; mark = mark->next)
		see(cookie, mark, now > mark->since_us ? now - mark->since_us : 0);
	pthread_mutex_unlock(&set->lock);
}
