/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/proc.h"
#include "picture.h"

#define FILL_MS 10000
#define FILL_WORDS_MAX 8

static const struct trap_plan quiet = { TRAP_NONE, 0, false, 0, 0 };

static struct {
	const struct scene_plan *plan;
	unsigned stride;
	unsigned n_tried;
	unsigned failures; /* in this story */
	const char *lack;  /* of this machine, for this story */
	size_t n_told;
	bool failed; /* any story */
} run;

bool scene_check(bool holds, const char *format, ...)
{
	va_list args;

	if (holds)
		return true;
	run.failures++;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return false;
}

bool scene_failed(void)
{
	return run.failures > 0;
}

bool scene_start(void)
{
	return scene_check(bed_start(&quiet), "the service does not start again") &&
	       !scene_failed();
}

bool scene_insist(const char *call)
{
	struct fl_error err;
	int result = bed_insist(call, &err);

	return scene_check(result == 0, "%s: %s: %s", call, fl_error_name(err.code), err.text);
}

bool scene_shows(const struct scene *scene, const char *wanted, const char *when)
{
	const char *got = picture_take(bed_arena(), bed_root(), scene->story->contents);

	return scene_check(picture_compare(wanted, got), "it looks different %s", when);
}

bool scene_go_back(const struct scene *scene)
{
	for (const char *const *call = scene->step->back; *call; call++)
		if (!scene_insist(*call))
			return false;
	return scene_shows(scene, scene->before, "after the way back");
}

/* The step with nothing planned; false when this machine lacks what it takes. */
static bool scene_play(struct scene *scene)
{
	const char *lack = scene->step->unless_refused;
	struct fl_error err;

	scene->before = picture_take(scene->arena, bed_root(), scene->story->contents);
	if (bed_insist(scene->step->call, &err) < 0) {
		if (lack && strstr(err.text, lack))
			run.lack = lack;
		else
			scene_check(false, "%s: %s: %s", scene->step->call, fl_error_name(err.code),
				    err.text);
		return false;
	}
	scene->after = picture_take(scene->arena, bed_root(), scene->story->contents);
	return true;
}

static void scene_fill(const char *const words[])
{
	struct fl_op op = { "fill", fl_clock_after_ms(FILL_MS), bed_arena(), NULL };
	const char *argv[FILL_WORDS_MAX + 2] = { NULL };
	struct fl_proc_result result;
	struct fl_error err;
	size_t n = 0;

	for (; words[n] && n < FILL_WORDS_MAX; n++)
		argv[n] = words[n];
	argv[n] = fl_arena_printf(bed_arena(), "%s/pool/volumes/a/image", bed_root());
	if (scene_check(fl_proc_run(&op, argv, &result, &err) == 0, "%s", err.text))
		scene_check(result.exit_status == 0, "%s: %s", argv[0], result.errors);
}

static void scene_tell_step(struct scene *scene)
{
	unsigned n_before = run.n_tried;
	uint64_t begin = fl_clock_us();

	if (!scene_play(scene) || !scene->step->back || !scene_go_back(scene))
		return;
	for (unsigned n = 1; run.plan->try(scene, n, &run.n_tried) && !scene_failed();
	     n += run.stride)
		bed_forget();
	printf("# %-28s %4u points, %6.1f s\n", scene->step->name, run.n_tried - n_before,
	       (double)(fl_clock_us() - begin) / 1e6);
	if (!scene_failed())
		scene_insist(scene->step->call);
}

static void scene_tell(const struct story *story)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct scene scene = { .story = story };
	const char *before;

	if (!scene_start())
		return;
	before = picture_take(arena, bed_root(), story->contents);
	for (size_t i = 0; i < story->n && !scene_failed(); i++) {
		fl_cleanup(fl_arena_release) struct fl_arena *brief = fl_arena_new(0);

		scene.step = &story->steps[i];
		scene.arena = brief;
		if (scene.step->fills)
			scene_fill(scene.step->fills);
		else
			scene_tell_step(&scene);
	}
	if (!scene_failed())
		scene_shows(&scene, before, "at the end");
}

static bool scene_is_wanted(const char *name, char **filters)
{
	bool wanted = !*filters;

	for (; *filters; filters++)
		wanted |= strstr(name, *filters) != NULL;
	return wanted;
}

/* After a failure nothing can be said about the next story on the same bed. */
static void scene_tell_if(const char *name, const struct story *story, char **filters)
{
	if (run.failed || !scene_is_wanted(name, filters))
		return;
	run.failures = 0;
	run.lack = NULL;
	if (story)
		scene_tell(story);
	else
		run.n_tried += run.plan->also(run.stride);
	run.failed = scene_failed();
	if (run.failed)
		run.lack = NULL;
	printf("%sok %zu - %s %s%s%s\n", run.failed ? "not " : "", ++run.n_told, name,
	       run.plan->sentence, run.lack ? " # SKIP no " : "", run.lack ? run.lack : "");
}

int scene_run(const struct scene_plan *plan, char **filters)
{
	const char *stride = getenv("FAIRLEAD_STRIDE");

	run.plan = plan;
	run.stride = stride ? (unsigned)strtoul(stride, NULL, 10) : 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (plan->also)
		scene_tell_if(plan->also_name, NULL, filters);
	for (size_t i = 0; i < n_stories; i++)
		scene_tell_if(stories[i].name, &stories[i], filters);
	printf("# %u points tried%s\n1..%zu\n", run.n_tried,
	       run.stride > 1 ? ", not all there are" : "", run.n_told);
	return bed_close() || run.failed || run.n_told == 0 ? 1 : 0;
}
