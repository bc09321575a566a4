/* SPDX-License-Identifier: Apache-2.0 */
/* faults DIRECTORY FAULT [STORY…]: each system call that could fail with FAULT fails with it once,
 * in each call of each story.  The answer has a code that says so (docs/errors.md), a final code
 * ends all work, and the service lives on; without the fault the call works, and ends as ever. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "scene.h"
#include "syscalls.h"

struct fault {
	const char *name;
	int number;
	unsigned class;
	bool program_only; /* a program that fails says so in its own words */
	enum fl_error_code code;
};

static const struct fault faults[] = {
	{ "ENOSPC", ENOSPC, SYSCALL_SPACE, false, FL_NO_SPACE },
	{ "EIO", EIO, SYSCALL_DISK, false, FL_INTERNAL },
	{ "EROFS", EROFS, SYSCALL_WRITABLE, false, FL_DENIED },
	{ "EMFILE", EMFILE, SYSCALL_OPENS, true, FL_UNAVAILABLE },
	{ "ENOMEM", ENOMEM, SYSCALL_MEMORY, true, FL_UNAVAILABLE },
};

static const struct fault *fault;

static bool code_may_go_on(enum fl_error_code code)
{
	return code == FL_BUSY || code == FL_UNAVAILABLE || code == FL_TIMEOUT;
}

static void check_answer(const struct fl_error *err, const struct trap_count *count)
{
	bool right = code_may_go_on(err->code) || err->code == fault->code ||
		     (count->of_child && err->code == FL_INTERNAL);

	scene_check(right, "wanted %s, got %s: %s", fl_error_name(fault->code),
		    fl_error_name(err->code), err->text);
	scene_check(err->text[0] != '\0' && !strchr(err->text, '\n'), "no phrase");
	if (code_may_go_on(err->code))
		return;
	fl_clock_sleep_ms(1);
	scene_check(trap_look().n == count->n, "after the final code %s work goes on",
		    fl_error_name(err->code));
}

static bool try_point(const struct scene *scene, unsigned n, unsigned *n_tried)
{
	const struct trap_plan plan = { TRAP_FAIL, fault->class, fault->program_only, n,
					fault->number };
	struct trap_count count;
	struct fl_error err;
	int result;

	trap_arm(&plan);
	result = bed_call(scene->step->call, &err);
	count = trap_look();
	scene_check(count.hit || result == 0, "%s: %s", fl_error_name(err.code), err.text);
	if (result < 0)
		check_answer(&err, &count);
	trap_disarm();
	scene_check(!bed_is_dead(), "the service has ended");
	/* A hold that could not be let go ends by itself. */
	if (count.hit)
		bed_let_holds_expire();
	if (!scene_failed() && scene_insist(scene->step->call) &&
	    scene_shows(scene, scene->after, "after the repeated call"))
		scene_go_back(scene);
	++*n_tried;
	if (scene_failed())
		printf("# %s, %s: %s from call %u: %s%s; the answer: %s %s\n", scene->story->name,
		       scene->step->name, fault->name, n, count.what,
		       count.of_child ? " (of a child)" : "",
		       fl_error_name(result < 0 ? err.code : FL_OK), result < 0 ? err.text : "");
	return count.hit;
}

int main(int argc, char **argv)
{
	struct scene_plan plan = { .try = try_point };
	char sentence[80];

	for (size_t i = 0; argc > 2 && i < FL_COUNT(faults); i++)
		if (strcmp(argv[2], faults[i].name) == 0)
			fault = &faults[i];
	if (!fault || !bed_open(argv[1])) {
		printf("1..0 # SKIP see above\n");
		return 77;
	}
	snprintf(sentence, sizeof(sentence), "survives %s from each system call", fault->name);
	plan.sentence = sentence;
	return scene_run(&plan, argv + 3);
}
