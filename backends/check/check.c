/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <sys/mman.h>

#include "contract.h"
#include "offers.h"
#include "suite.h"
#include "trace.h"
#include "traced.h"

#define CHECK_TIMEOUT_MS 120000

struct check_run {
	struct suite suite;
	size_t n_failed;
	bool has_offered;
};

static void check_report(struct check_run *run)
{
	const struct backend_check_plan *plan = run->suite.plan;
	const struct suite_board *board = run->suite.board;
	const struct statement *statement = run->suite.statements[board->at];
	struct backend_check_result result = {
		.statement = statement->text,
		.capability = offers_capability(statement->needs),
	};

	if (board->failure.place[0]) {
		result.outcome = BACKEND_CHECK_FAILED;
		result.failure = &board->failure;
		result.contract = contract_of(board->failure.member);
		run->n_failed++;
	} else if (board->skipped[0]) {
		result.outcome = BACKEND_CHECK_SKIPPED;
		result.skipped = board->skipped;
	}
	plan->report(plan->cookie, &result);
}

static void check_step(void *cookie, enum suite_event event)
{
	struct check_run *run = cookie;

	if (event == SUITE_RAN)
		check_report(run);
	if (event != SUITE_OPENED || run->has_offered)
		return;
	offers_tell(run->suite.plan, run->suite.board->offered);
	run->has_offered = true;
}

static int check_run_suite(struct check_run *run, struct fl_error *err)
{
	const struct backend_check_plan *plan = run->suite.plan;

	if (run->suite.n == 0)
		return fl_error_set(err, FL_INVALID, "no statement contains \"%s\"", plan->filter);
	if (trace_share(err) < 0)
		return -1;
	return plan->in_process ? suite_run(&run->suite, 0, check_step, run, err)
				: suite_supervise(&run->suite, check_step, run, err);
}

int backend_check_run(const struct backend_check_plan *plan, size_t *ret_failed,
		      struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct backend_check_plan traced = *plan;
	struct check_run run = { .suite = { .plan = &traced } };
	int result;

	traced.backend = traced_wrap(plan->backend);
	traced.timeout_ms = plan->timeout_ms ? plan->timeout_ms : CHECK_TIMEOUT_MS;
	run.suite.board = mmap(NULL, sizeof(*run.suite.board), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.suite.board == MAP_FAILED)
		return fl_error_sys(err, errno, "checking the backend");
	suite_collect(&run.suite, arena);
	result = check_run_suite(&run, err);
	munmap(run.suite.board, sizeof(*run.suite.board));
	if (result == 0)
		*ret_failed = run.n_failed;
	return result;
}
