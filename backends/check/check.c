/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "contract.h"
#include "statement.h"
#include "trace.h"
#include "traced.h"

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

/* What the pool may offer, in the order of a summary.  A statement is about the first of its needs
 * that is here. */
struct check_offer {
	unsigned need;
	const char *capability; /* NULL: of the source, and no capability */
	const char *lack;       /* a phrase */
};
static const struct check_offer offers[] = {
	{ NEEDS_COPIES, "copies", "the backend has no copies" },
	{ NEEDS_CHANGES, "changes", "the backend has no changes" },
	{ NEEDS_HEALTH, "health", "the backend has no health" },
	{ NEEDS_POOL_RECORDS, "pool_records", "the backend has no records of the pool" },
	{ NEEDS_RESIZE, "resize", "the backend has no resize" },
	{ NEEDS_CAPACITY, "capacity", "the backend has no capacity" },
	{ NEEDS_CLONES, "clones", "the pool does not clone volumes" },
	{ NEEDS_SNAPSHOTS, "snapshots", "the backend has no snapshots" },
	{ NEEDS_RECORDS, "records", "the backend has no records" },
	{ NEEDS_BYTES, NULL, "the source cannot be opened as a path" },
	{ NEEDS_FILES, NULL, "the source is no file" },
};
#define CHECK_VOLUMES "volumes" /* what is required of all */

static bool check_offers(const struct check *c, unsigned need)
{
	const struct fl_backend *backend = c->plan->backend;
	const struct {
		unsigned need;
		bool there;
	} has[] = {
		{ NEEDS_RESIZE, backend->resize },
		{ NEEDS_CAPACITY, backend->capacity },
		{ NEEDS_SNAPSHOTS, backend->snapshots },
		{ NEEDS_RECORDS, backend->records },
		{ NEEDS_COPIES, backend->copies },
		{ NEEDS_POOL_RECORDS, backend->pool_records },
		{ NEEDS_CHANGES, backend->changes },
		{ NEEDS_HEALTH, backend->health },
		{ NEEDS_CLONES, c->pool->flags & FL_BACKEND_CLONES },
		{ NEEDS_BYTES, c->has_bytes },
		{ NEEDS_FILES, c->is_file },
	};

	for (size_t i = 0; i < FL_COUNT(has); i++)
		if (has[i].need == need)
			return has[i].there;
	return false;
}

/* What the pool lacks of `needs`, as a phrase; NULL: nothing. */
static const char *check_lacks(const struct check *c, unsigned needs)
{
	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if ((needs & offers[i].need) && !check_offers(c, offers[i].need))
			return offers[i].lack;
	return NULL;
}

static const char *check_capability(unsigned needs)
{
	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if ((needs & offers[i].need) && offers[i].capability)
			return offers[i].capability;
	return CHECK_VOLUMES;
}

static void check_tell_offers(const struct check *c)
{
	const struct backend_check_plan *plan = c->plan;

	plan->offer(plan->cookie, CHECK_VOLUMES, true);
	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if (offers[i].capability)
			plan->offer(plan->cookie, offers[i].capability,
				    check_offers(c, offers[i].need));
}

static void check_run_statement(struct check *c, const struct statement *statement)
{
	trace_begin();
	if (WORKS(check_clean(c)))
		statement->run(c);
	c->op.deadline = fl_clock_after_ms(STATEMENT_MS);
	WORKS(check_clean(c));
}

static enum backend_check_outcome check_run_one(struct check *c, const struct statement *statement)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct backend_check_result result = {
		.statement = statement->text,
		.capability = check_capability(statement->needs),
		.skipped = check_lacks(c, statement->needs),
	};

	c->op = (struct fl_op){ .id = "check",
				.deadline = fl_clock_after_ms(STATEMENT_MS),
				.arena = arena };
	memset(c->failure, 0, sizeof(*c->failure));
	c->skipped[0] = '\0';
	if (!result.skipped)
		check_run_statement(c, statement);
	if (check_has_failed(c)) {
		result.outcome = BACKEND_CHECK_FAILED;
		result.failure = c->failure;
		result.contract = contract_of(c->failure->member);
	} else if (result.skipped || c->skipped[0]) {
		result.outcome = BACKEND_CHECK_SKIPPED;
		result.skipped = result.skipped ? result.skipped : c->skipped;
	}
	c->plan->report(c->plan->cookie, &result);
	return result.outcome;
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

/* With the pool open. */
static int check_run(struct check *c, size_t *ret_failed, struct fl_error *err)
{
	size_t n_run = 0;

	*ret_failed = 0;
	if (check_probe(c) < 0) {
		*err = c->err;
		return fl_error_prefix(err, "a first volume");
	}
	check_tell_offers(c);
	check_run_all(c, &n_run, ret_failed);
	return n_run ? 0
		     : fl_error_set(err, FL_INVALID, "no statement contains \"%s\"",
				    c->plan->filter);
}

int backend_check_run(const struct backend_check_plan *plan, size_t *ret_failed,
		      struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct backend_check_plan traced = *plan;
	struct check c = {
		.plan = &traced,
		.op = { .id = "check",
			.deadline = fl_clock_after_ms(STATEMENT_MS),
			.arena = arena },
	};
	int result;

	traced.backend = traced_wrap(plan->backend);
	c.failure = mmap(NULL, sizeof(*c.failure), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.failure == MAP_FAILED)
		return fl_error_sys(err, errno, "checking the backend");
	result = fl_pool_open(traced.backend, &c.op, "check", plan->options, &c.pool, err);
	if (result == 0) {
		result = check_run(&c, ret_failed, err);
		fl_pool_close(c.pool);
	}
	munmap(c.failure, sizeof(*c.failure));
	return result;
}
