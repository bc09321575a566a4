/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "offers.h"
#include "trace.h"

static const struct statement_group *const groups[] = {
	&statements_of_volumes, &statements_of_names,        &statements_of_content,
	&statements_of_sizes,   &statements_of_clones,       &statements_of_snapshots,
	&statements_of_records, &statements_of_pool_records, &statements_of_copies,
	&statements_of_changes, &statements_of_health,       &statements_of_races,
};

void suite_collect(struct suite *suite, struct fl_arena *arena)
{
	const char *filter = suite->plan->filter;
	size_t capacity = 0;

	for (size_t g = 0; g < FL_COUNT(groups); g++)
		for (size_t i = 0; i < groups[g]->n; i++) {
			const struct statement *statement = &groups[g]->statements[i];

			if (filter && !strstr(statement->text, filter))
				continue;
			suite->statements = fl_arena_grow(arena, suite->statements, suite->n,
							  &capacity, sizeof(*suite->statements));
			suite->statements[suite->n++] = statement;
		}
}

/* Which kind of source the pool has is seen on a volume. */
static int check_probe(struct check *c)
{
	struct fl_publish_spec publish = { .node = "check" };
	struct fl_source source;
	struct fl_volume volume;

	if (check_clean(c) < 0 || check_create(c, "probe", MIB, &volume) < 0)
		return -1;
	publish.handle = volume.handle;
	if (fl_volume_publish(c->pool, &c->op, &publish, &source, &c->err) < 0)
		return -1;
	c->is_file = source.kind == FL_SOURCE_FILE;
	c->has_bytes = c->is_file || source.kind == FL_SOURCE_BLOCK;
	return check_clean(c);
}

static void suite_give_time(const struct suite *suite, struct check *c)
{
	c->op.deadline = fl_clock_after_ms(suite->plan->timeout_ms);
}

static void suite_run_statement(struct suite *suite, struct check *c,
				const struct statement *statement)
{
	struct suite_board *board = suite->board;

	/* Its own statement has told of what cannot be removed. */
	board->is_cleaning = true;
	if (check_clean(c) < 0) {
		snprintf(board->skipped, sizeof(board->skipped), SUITE_NOT_CLEAN "%s", c->err.text);
		return;
	}
	board->is_cleaning = false;
	statement->run(c);
	suite_give_time(suite, c);
	WORKS(check_clean(c));
}

static void suite_run_one(struct suite *suite, struct check *c, size_t at)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct statement *statement = suite->statements[at];
	struct suite_board *board = suite->board;
	const char *lack = offers_lack(board->offered, statement->needs);

	suite_clear(board, at);
	if (lack) {
		snprintf(board->skipped, sizeof(board->skipped), "%s", lack);
		return;
	}
	c->op.arena = arena;
	suite_give_time(suite, c);
	trace_begin();
	suite_run_statement(suite, c, statement);
}

static int suite_open(struct suite *suite, struct check *c)
{
	struct suite_board *board = suite->board;

	if (fl_pool_open(suite->plan->backend, &c->op, "check", suite->plan->options, &c->pool,
			 &c->err) < 0)
		return -1;
	if (!board->is_open && check_probe(c) < 0) {
		fl_pool_close(c->pool);
		return fl_error_prefix(&c->err, "a first volume");
	}
	if (!board->is_open)
		board->offered = offers_of(c);
	board->is_open = true;
	c->is_file = board->offered & NEEDS_FILES;
	c->has_bytes = board->offered & NEEDS_BYTES;
	return 0;
}

void suite_clear(struct suite_board *board, size_t at)
{
	memset(&board->failure, 0, sizeof(board->failure));
	board->skipped[0] = '\0';
	board->is_cleaning = false;
	board->at = at;
}

int suite_run(struct suite *suite, size_t first, suite_step *step, void *cookie,
	      struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct check c = {
		.plan = suite->plan,
		.op = { .id = "check", .arena = arena, .progress = &suite->board->progress },
		.failure = &suite->board->failure,
		.skipped = suite->board->skipped,
	};

	suite_give_time(suite, &c);
	suite_clear(suite->board, first);
	if (suite_open(suite, &c) < 0) {
		*err = c.err;
		return -1;
	}
	step(cookie, SUITE_OPENED);
	for (size_t at = first; at < suite->n; at++) {
		suite_run_one(suite, &c, at);
		step(cookie, SUITE_RAN);
	}
	/* Of a statement that was lost, too.  What does not go now is removed by the next run. */
	c.op.arena = arena;
	suite_give_time(suite, &c);
	(void)!check_clean(&c);
	fl_pool_close(c.pool);
	step(cookie, SUITE_ENDED);
	return 0;
}
