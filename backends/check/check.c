/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "statement.h"

#define STATEMENT_MS 120000

static const struct statement_group *const groups[] = {
	&statements_of_volumes, &statements_of_names,        &statements_of_content,
	&statements_of_sizes,   &statements_of_clones,       &statements_of_snapshots,
	&statements_of_records, &statements_of_pool_records, &statements_of_copies,
	&statements_of_changes, &statements_of_health,       &statements_of_races,
};

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

/* What the pool lacks of `needs`, as a phrase; NULL: nothing. */
static const char *check_lacks(const struct check *c, unsigned needs)
{
	const struct fl_backend *backend = c->plan->backend;
	const struct {
		unsigned need;
		bool there;
		const char *reason;
	} offers[] = {
		{ NEEDS_RESIZE, backend->resize, "the backend has no resize" },
		{ NEEDS_CAPACITY, backend->capacity, "the backend has no capacity" },
		{ NEEDS_SNAPSHOTS, backend->snapshots, "the backend has no snapshots" },
		{ NEEDS_RECORDS, backend->records, "the backend has no records" },
		{ NEEDS_COPIES, backend->copies, "the backend has no copies" },
		{ NEEDS_POOL_RECORDS, backend->pool_records,
		  "the backend has no records of the pool" },
		{ NEEDS_CHANGES, backend->changes, "the backend has no changes" },
		{ NEEDS_HEALTH, backend->health, "the backend has no health" },
		{ NEEDS_CLONES, c->pool->flags & FL_BACKEND_CLONES,
		  "the pool does not clone volumes" },
		{ NEEDS_BYTES, c->has_bytes, "the source cannot be opened as a path" },
		{ NEEDS_FILES, c->is_file, "the source is no file" },
	};

	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if ((needs & offers[i].need) && !offers[i].there)
			return offers[i].reason;
	return NULL;
}

static void check_report(struct check *c, const char *statement, enum backend_check_outcome outcome,
			 const char *text)
{
	struct backend_check_result result = { statement, outcome, text };

	c->plan->report(c->plan->cookie, &result);
}

static enum backend_check_outcome check_run_one(struct check *c, const struct statement *statement)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	enum backend_check_outcome outcome = BACKEND_CHECK_PASSED;
	const char *lacks, *text = "";

	c->op = (struct fl_op){ .id = "check",
				.deadline = fl_clock_after_ms(STATEMENT_MS),
				.arena = arena };
	c->failure[0] = c->skipped[0] = '\0';
	lacks = check_lacks(c, statement->needs);
	if (lacks) {
		check_report(c, statement->text, BACKEND_CHECK_SKIPPED, lacks);
		return BACKEND_CHECK_SKIPPED;
	}
	if (WORKS(check_clean(c)))
		statement->run(c);
	c->op.deadline = fl_clock_after_ms(STATEMENT_MS);
	WORKS(check_clean(c));
	if (check_has_failed(c)) {
		outcome = BACKEND_CHECK_FAILED;
		text = c->failure;
	} else if (c->skipped[0]) {
		outcome = BACKEND_CHECK_SKIPPED;
		text = c->skipped;
	}
	check_report(c, statement->text, outcome, text);
	return outcome;
}

static void check_run_all(struct check *c, size_t *n_run, size_t *n_failed)
{
	const char *filter = c->plan->filter;

	for (size_t g = 0; g < FL_COUNT(groups); g++)
		for (size_t i = 0; i < groups[g]->n; i++) {
			const struct statement *statement = &groups[g]->statements[i];

			if (filter && !strstr(statement->text, filter))
				continue;
			(*n_run)++;
			if (check_run_one(c, statement) == BACKEND_CHECK_FAILED)
				(*n_failed)++;
		}
}

int backend_check_run(const struct backend_check_plan *plan, size_t *ret_failed,
		      struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct check c = {
		.plan = plan,
		.op = { .id = "check",
			.deadline = fl_clock_after_ms(STATEMENT_MS),
			.arena = arena },
	};
	size_t n_run = 0, n_failed = 0;
	int probed;

	c.failure = mmap(NULL, CHECK_FAILURE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.failure == MAP_FAILED)
		return fl_error_sys(err, errno, "checking the backend");
	if (fl_pool_open(plan->backend, &c.op, "check", plan->options, &c.pool, err) < 0) {
		munmap(c.failure, CHECK_FAILURE_BYTES);
		return -1;
	}
	probed = check_probe(&c);
	if (probed == 0)
		check_run_all(&c, &n_run, &n_failed);
	fl_pool_close(c.pool);
	munmap(c.failure, CHECK_FAILURE_BYTES);
	if (probed < 0) {
		*err = c.err;
		return fl_error_prefix(err, "a first volume");
	}
	if (n_run == 0)
		return fl_error_set(err, FL_INVALID, "no statement contains \"%s\"", plan->filter);
	*ret_failed = n_failed;
	return 0;
}
