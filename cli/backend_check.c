/* SPDX-License-Identifier: Apache-2.0 */
/* Backend check: the conformance suite, for authors of backends.  The report names the call that
 * did not do what it should, with its arguments, and the words of the header that it goes
 * against. */
#include <string.h>

#include "backends/check/check.h"
#include "backends/pools.h"
#include "base/json.h"
#include "exit.h"
#include "verbs.h"

#define BACKEND_CHECK_CAPABILITIES 24

struct backend_check_options {
	struct cli_pairs options;
	const char *filter;
	uint64_t timeout_ms;
	bool in_process;
	const char *output;
};

static const char *const backend_check_words[] = { "tap", "json", NULL };

enum backend_check_state { STATE_NOT_OFFERED, STATE_NOT_CHECKED, STATE_KEPT, STATE_BROKEN };
static const char *const backend_check_states[] = { "not offered", "not checked", "kept",
						    "broken" };

struct backend_capability {
	const char *name;
	bool offered;
	size_t passed, failed, skipped;
};

/* What has been told so far. */
struct backend_tally {
	bool as_json;
	json_t *statements;
	struct backend_capability capabilities[BACKEND_CHECK_CAPABILITIES];
	size_t n_capabilities;
	size_t n, skipped;
};

static void backend_check_offer(void *cookie, const char *capability, bool offered)
{
	struct backend_tally *tally = cookie;

	if (tally->n_capabilities < BACKEND_CHECK_CAPABILITIES)
		tally->capabilities[tally->n_capabilities++] =
			(struct backend_capability){ .name = capability, .offered = offered };
}

static enum backend_check_state backend_check_state(const struct backend_capability *capability)
{
	if (!capability->offered)
		return STATE_NOT_OFFERED;
	if (capability->failed)
		return STATE_BROKEN;
	return capability->passed ? STATE_KEPT : STATE_NOT_CHECKED;
}

static void backend_check_count(struct backend_tally *tally,
				const struct backend_check_result *result)
{
	tally->n++;
	tally->skipped += result->outcome == BACKEND_CHECK_SKIPPED;
	for (size_t i = 0; i < tally->n_capabilities; i++) {
		struct backend_capability *capability = &tally->capabilities[i];

		if (strcmp(capability->name, result->capability) != 0)
			continue;
		capability->passed += result->outcome == BACKEND_CHECK_PASSED;
		capability->failed += result->outcome == BACKEND_CHECK_FAILED;
		capability->skipped += result->outcome == BACKEND_CHECK_SKIPPED;
	}
}

/* "#   key  text", with further lines of the text below its first. */
static void backend_check_detail(const char *key, const char *text)
{
	if (!*text)
		return;
	printf("#   %-9s ", key);
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("#   %-9s ", "");
	}
	putchar('\n');
}

static void backend_check_print_failure(const struct backend_check_result *result)
{
	const struct backend_check_failure *failure = result->failure;
	const char *last = strrchr(failure->calls, '\n');

	backend_check_detail("expected", failure->expected);
	backend_check_detail("got", failure->got);
	backend_check_detail("call", last ? last + 1 : failure->calls);
	backend_check_detail("contract", result->contract);
	if (last)
		backend_check_detail("calls", failure->calls);
	backend_check_detail("at", failure->place);
	backend_check_detail("", failure->expression);
}

static void backend_check_print(const struct backend_tally *tally,
				const struct backend_check_result *result)
{
	bool failed = result->outcome == BACKEND_CHECK_FAILED;

	printf("%sok %zu - %s", failed ? "not " : "", tally->n, result->statement);
	if (result->outcome == BACKEND_CHECK_SKIPPED)
		printf(" # SKIP %s", result->skipped);
	putchar('\n');
	if (failed)
		backend_check_print_failure(result);
	fflush(stdout);
}

static json_t *backend_check_json(const struct backend_check_result *result)
{
	static const char *const outcomes[] = { "passed", "failed", "skipped" };
	const struct backend_check_failure *failure = result->failure;
	json_t *json = json_pack("{s:s, s:s, s:s}", "statement", result->statement, "capability",
				 result->capability, "outcome", outcomes[result->outcome]);

	if (result->outcome == BACKEND_CHECK_SKIPPED)
		json_object_set_new(json, "reason", json_string(result->skipped));
	if (failure)
		json_object_set_new(json, "failure",
				    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "expected",
					      failure->expected, "got", failure->got, "member",
					      failure->member, "contract", result->contract,
					      "calls", failure->calls, "place", failure->place,
					      "expression", failure->expression));
	return json;
}

static void backend_check_tell(void *cookie, const struct backend_check_result *result)
{
	struct backend_tally *tally = cookie;

	backend_check_count(tally, result);
	if (tally->as_json)
		json_array_append_new(tally->statements, backend_check_json(result));
	else
		backend_check_print(tally, result);
}

static void backend_check_summary(const struct backend_tally *tally, size_t failed)
{
	printf("1..%zu\n# %-14s %-12s %6s %6s %7s\n", tally->n, "capability", "is", "passed",
	       "failed", "skipped");
	for (size_t i = 0; i < tally->n_capabilities; i++) {
		const struct backend_capability *c = &tally->capabilities[i];

		printf("# %-14s %-12s %6zu %6zu %7zu\n", c->name,
		       backend_check_states[backend_check_state(c)], c->passed, c->failed,
		       c->skipped);
	}
	printf("# %zu passed, %zu failed, %zu skipped\n", tally->n - failed - tally->skipped,
	       failed, tally->skipped);
}

static void backend_check_dump(struct fl_arena *arena, const struct fl_backend *backend,
			       const struct backend_tally *tally, size_t failed)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	json_t *capabilities = json_array();

	for (size_t i = 0; i < tally->n_capabilities; i++) {
		const struct backend_capability *c = &tally->capabilities[i];

		json_array_append_new(capabilities,
				      json_pack("{s:s, s:s, s:I, s:I, s:I}", "name", c->name, "is",
						backend_check_states[backend_check_state(c)],
						"passed", (json_int_t)c->passed, "failed",
						(json_int_t)c->failed, "skipped",
						(json_int_t)c->skipped));
	}
	json = json_pack("{s:s, s:o, s:O, s:I, s:I, s:I}", "backend", backend->name, "capabilities",
			 capabilities, "statements", tally->statements, "passed",
			 (json_int_t)(tally->n - failed - tally->skipped), "failed",
			 (json_int_t)failed, "skipped", (json_int_t)tally->skipped);
	puts(fl_json_dump(arena, json));
}

static int backend_check_verb(const struct invocation *invocation, struct fl_error *err)
{
	const struct backend_check_options *options = invocation->options;
	fl_cleanup(fl_json_release) json_t *statements = json_array();
	struct backend_tally tally = { .as_json = strcmp(options->output, "json") == 0,
				       .statements = statements };
	struct backend_check_plan plan = { .filter = options->filter,
					   .timeout_ms = options->timeout_ms,
					   .in_process = options->in_process,
					   .offer = backend_check_offer,
					   .report = backend_check_tell,
					   .cookie = &tally };
	const struct fl_backend *backend;
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
	if (backend_check_run(&plan, &failed, err) < 0) {
		/* Whose exit code means that a statement does not hold. */
		if (err->code == FL_INTERNAL)
			err->code = FL_UNAVAILABLE;
		return -1;
	}
	if (tally.as_json)
		backend_check_dump(invocation->arena, backend, &tally, failed);
	else
		backend_check_summary(&tally, failed);
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
	{ .name = "timeout",
	  .kind = CLI_DURATION,
	  .offset = offsetof(struct backend_check_options, timeout_ms),
	  .value = "DURATION",
	  .otherwise = "2m",
	  .help = "for the calls of a statement; one that does not return hangs" },
	{ .name = "in-process",
	  .kind = CLI_FLAG,
	  .offset = offsetof(struct backend_check_options, in_process),
	  .help = "run everything in this process, for a debugger or valgrind: a crash ends it" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct backend_check_options, output),
	  .value = "FORMAT",
	  .otherwise = "tap",
	  .words = backend_check_words,
	  .help = "form of the report" },
};

const struct command backend_check_command = {
	.name = "backend check",
	.operands = "BACKEND",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "run the conformance suite against a backend",
	.details =
		"BACKEND is a name or the path of a shared object. Makes volumes and snapshots "
		"whose names begin with fairlead-check- in the pool that the options describe, "
		"and removes them; other ones are left alone. For each statement that does not "
		"hold the report says what was expected, what came, which call with which "
		"arguments it came from, and what the header asks of that call; at the end, "
		"which capabilities are kept, broken or not offered. The exit code is 0 when all "
		"hold, 1 when one does not; 2 and above when nothing was checked: the options, "
		"the filter or the backend are wrong, or the pool cannot be opened.",
	.sets = { { backend_check_rows, FL_COUNT(backend_check_rows) } },
	.options_size = sizeof(struct backend_check_options),
	.run = backend_check_verb,
};
