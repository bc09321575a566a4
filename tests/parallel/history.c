/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls under way at once on one object: a bit each. */
#define HISTORY_PLACES 64
/* A search that grows so large would not end: the calls are too much at once. */
#define HISTORY_MAX_WORLDS 200000
#define HISTORY_SHOWN 24

struct moment {
	uint64_t us;
	bool is_end;
	struct model_op *op;
};

/* The search: calls under way, and the worlds that are possible now. */
struct search {
	const struct model_op *places[HISTORY_PLACES];
	struct history *history;
};

static void *history_grow(void *array, size_t n, size_t *capacity, size_t size)
{
	void *grown;

	if (n < *capacity)
		return array;
	*capacity = *capacity ? *capacity * 2 : 64;
	grown = realloc(array, *capacity * size);
	if (!grown)
		abort();
	return grown;
}

void history_init(struct history *history, const char *name)
{
	memset(history, 0, sizeof(*history));
	history->name = name;
	pthread_mutex_init(&history->lock, NULL);
	history->worlds =
		history_grow(NULL, 0, &history->worlds_capacity, sizeof(*history->worlds));
	history->worlds[0] = (struct history_world){ 0 };
	history->n_worlds = 1;
}

void history_release(struct history *history)
{
	pthread_mutex_destroy(&history->lock);
	free(history->ops);
	free(history->worlds);
}

void history_add(struct history *history, const struct model_op *op)
{
	pthread_mutex_lock(&history->lock);
	history->ops =
		history_grow(history->ops, history->n, &history->capacity, sizeof(*history->ops));
	history->ops[history->n++] = *op;
	pthread_mutex_unlock(&history->lock);
}

/* What changes nothing and fits the state has happened: waiting with it helps no other. */
static struct history_world search_settle(const struct search *search, struct history_world world)
{
	for (unsigned i = 0; i < HISTORY_PLACES; i++) {
		const struct model_op *op = search->places[i];
		struct model_state after;

		if (op && !model_changes(op) && model_step(op, world.state, &after))
			world.done |= 1ull << i;
	}
	return world;
}

static bool world_is(const struct history_world *a, const struct history_world *b)
{
	return a->done == b->done && memcmp(&a->state, &b->state, sizeof(a->state)) == 0;
}

static void search_add_world(struct search *search, struct history_world world)
{
	struct history *history = search->history;

	for (size_t i = 0; i < history->n_worlds; i++)
		if (world_is(&history->worlds[i], &world))
			return;
	history->worlds = history_grow(history->worlds, history->n_worlds,
				       &history->worlds_capacity, sizeof(*history->worlds));
	history->worlds[history->n_worlds++] = world;
}

/* All worlds that come of `world` when one more of the calls under way happens. */
static void search_branch(struct search *search, struct history_world world)
{
	for (unsigned i = 0; i < HISTORY_PLACES; i++) {
		const struct model_op *op = search->places[i];
		struct history_world next = { .done = world.done | 1ull << i };

		if (op && model_changes(op) && !(world.done & 1ull << i) &&
		    model_step(op, world.state, &next.state))
			search_add_world(search, search_settle(search, next));
	}
}

static void search_begin(struct search *search, const struct model_op *op)
{
	struct history *history = search->history;
	unsigned place = 0;

	while (search->places[place])
		if (++place == HISTORY_PLACES)
			abort();
	search->places[place] = op;
	for (size_t i = 0; i < history->n_worlds; i++)
		history->worlds[i] = search_settle(search, history->worlds[i]);
}

/* By now `op` has happened: worlds in which it has not are none.  -1: no world is left. */
static int search_end(struct search *search, const struct model_op *op)
{
	struct history *history = search->history;
	unsigned place = 0;
	uint64_t bit;
	size_t n = 0;

	while (search->places[place] != op)
		place++;
	bit = 1ull << place;
	for (size_t i = 0; i < history->n_worlds; i++) {
		if (!(history->worlds[i].done & bit))
			search_branch(search, history->worlds[i]);
		if (history->n_worlds > HISTORY_MAX_WORLDS)
			abort();
	}
	search->places[place] = NULL;
	for (size_t i = 0; i < history->n_worlds; i++) {
		struct history_world world = history->worlds[i];

		if (!(world.done & bit) && !op->lost)
			continue;
		world.done &= ~bit;
		history->worlds[n++] = world;
	}
	history->n_worlds = n;
	return n ? 0 : -1;
}

/* At the same microsecond, what begins comes before what ends: they may have met. */
static int moment_compare(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->us != y->us)
		return x->us < y->us ? -1 : 1;
	return (int)x->is_end - (int)y->is_end;
}

static void history_show(const struct history *history, const struct moment *moments, size_t at)
{
	size_t first = at > HISTORY_SHOWN ? at - HISTORY_SHOWN : 0;

	printf("# %s: nothing explains the last of these answers\n", history->name);
	for (size_t i = first; i <= at; i++) {
		const struct model_op *op = moments[i].op;

		printf("# %" PRIu64 " %s %s: %s%s node=%u content=%u mib=%u limit=%u answer=%u\n",
		       moments[i].us, moments[i].is_end ? "ends  " : "begins",
		       model_kind_name(op->kind), fl_error_name(op->code), op->lost ? " lost" : "",
		       op->node, op->content, op->mib, op->limit, op->answer);
	}
}

static int history_walk(struct history *history, struct moment *moments)
{
	struct search search = { .history = history };
	struct history_world before;

	for (size_t i = 0; i < 2 * history->n; i++) {
		before = history->worlds[0];
		if (!moments[i].is_end) {
			search_begin(&search, moments[i].op);
		} else if (search_end(&search, moments[i].op) < 0) {
			history_show(history, moments, i);
			printf("# before it: exists=%u node=%u content=%u mib=%u\n",
			       before.state.exists, before.state.node, before.state.content,
			       before.state.mib);
			return -1;
		}
	}
	return 0;
}

int history_check(struct history *history)
{
	struct moment *moments = calloc(2 * history->n + 1, sizeof(*moments));
	int result;

	if (!moments)
		abort();
	for (size_t i = 0; i < history->n; i++) {
		struct model_op *op = &history->ops[i];

		moments[2 * i] = (struct moment){ op->start_us, false, op };
		moments[2 * i + 1] = (struct moment){ op->end_us, true, op };
	}
	qsort(moments, 2 * history->n, sizeof(*moments), moment_compare);
	result = history_walk(history, moments);
	history->n = 0;
	free(moments);
	return result;
}
