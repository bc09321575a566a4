/* SPDX-License-Identifier: Apache-2.0 */
/* Backend check: the conformance suite, for authors of backends. */

#include "backends/check/check.h"
#include "backends/pools.h"
#include "exit.h"
#include "verbs.h"

struct backend_check_options {
	struct cli_pairs options;
	const char *filter;
};

/* What has been printed so far, as TAP. */
struct backend_tally {
	size_t n, skipped;
};

static void backend_tell(void *cookie, const struct backend_check_result *result)
{
	struct backend_tally *tally = cookie;

	tally->n++;
	if (result->outcome == BACKEND_CHECK_FAILED)
		printf("# %s\nnot ok %zu - %s\n", result->text, tally->n, result->statement);
	else if (result->outcome == BACKEND_CHECK_SKIPPED)
		printf("ok %zu - %s # SKIP %s\n", tally->n, result->statement, result->text);
	else
		printf("ok %zu - %s\n", tally->n, result->statement);
	tally->skipped += result->outcome == BACKEND_CHECK_SKIPPED;
	fflush(stdout);
}

static int backend_check_verb(const struct invocation *invocation, struct fl_error *err)
{
	const struct backend_check_options *options = invocation->options;
	const struct fl_backend *backend;
	struct backend_check_plan plan = { .filter = options->filter, .report = backend_tell };
	struct backend_tally tally = { 0 };
	size_t failed;
	void *filled;

	if (fl_backend_load(invocation->operands.items[0], &backend, err) < 0)
		return -1;
	filled = fl_arena_alloc(invocation->arena, backend->options_size + 1);
	if (fl_config_fill_pairs(invocation->arena, options->options.items, options->options.n,
				 "option", backend->options, backend->n_options, filled,
				 backend->options_size, err) < 0)
		return -1;
	plan.backend = backend;
	plan.options = filled;
	plan.cookie = &tally;
	if (backend_check_run(&plan, &failed, err) < 0)
		return -1;
	printf("1..%zu\n# %zu passed, %zu failed, %zu skipped\n", tally.n,
	       tally.n - failed - tally.skipped, failed, tally.skipped);
	return failed ? CLI_FAILED : CLI_DONE;
}

static const struct cli_option backend_check_rows[] = {
	{ .name = "option",
	  .kind = CLI_PAIRS,
	  .offset = offsetof(struct backend_check_options, options),
	  .value = "KEY=VALUE",
	  .help = "an option of the pool, as in the configuration; may be repeated" },
	{ .name = "filter",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct backend_check_options, filter),
	  .value = "TEXT",
	  .help = "only the statements that contain this" },
};

const struct command backend_check_command = {
	.name = "backend check",
	.operands = "BACKEND",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "run the conformance suite against a backend",
	.details = "BACKEND is a name or the path of a shared object. Makes volumes and snapshots "
		   "whose names begin with fairlead-check- in the pool that the options describe, "
		   "and removes them; other ones are left alone. The output is TAP; the exit code "
		   "is 1 when a statement does not hold.",
	.sets = { { backend_check_rows, FL_COUNT(backend_check_rows) } },
	.options_size = sizeof(struct backend_check_options),
	.run = backend_check_verb,
};
