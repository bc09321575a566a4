/* SPDX-License-Identifier: Apache-2.0 */
/* What a statement found, noted for the author of the backend. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "statement.h"
#include "trace.h"

/* The calls that led here, the last one's member apart. */
static void check_note_calls(struct backend_check_failure *failure, unsigned room)
{
	struct trace trace;
	size_t used = 0;

	trace_get(room, &trace);
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
	check_note_calls(failure, trace_room());
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

void check_note_lost(struct backend_check_failure *failure, unsigned room, const char *how)
{
	const char *call;

	if (failure->place[0])
		return;
	snprintf(failure->expected, sizeof(failure->expected),
		 "the call returns, by its deadline or as long as it tells progress (fl_op_step)");
	check_note_calls(failure, room);
	call = strrchr(failure->calls, '\n');
	snprintf(failure->got, sizeof(failure->got), "%s: %.400s", how,
		 call ? call + 1 : failure->calls);
	snprintf(failure->place, sizeof(failure->place), "a process of its own");
}

bool check_has_failed(const struct check *c)
{
	return c->failure->place[0] != '\0';
}
