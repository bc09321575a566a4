/* SPDX-License-Identifier: Apache-2.0 */
/* crash DIRECTORY [STORY…]: `fairlead serve` is killed before each system call that changes
 * something, in each call of each story, also those of the programs that it runs.  After each kill
 * a new service either completes the call or takes it back, and both end as they do without a
 * kill. */
#include <stdio.h>

#include "base/text.h"
#include "picture.h"
#include "scene.h"
#include "syscalls.h"

/* Kills before call `n`, or after the last one, with the answer on its way. */
static void kill_at(const struct scene *scene, unsigned n, struct trap_count *ret)
{
	const struct trap_plan plan = { TRAP_KILL, SYSCALL_CHANGES, false, n, 0 };
	struct fl_error err;
	int result;

	trap_arm(&plan);
	result = bed_call(scene->step->call, &err);
	*ret = trap_disarm();
	scene_check(result == 0 || (ret->hit && err.code == FL_UNAVAILABLE), "%s: %s",
		    fl_error_name(err.code), err.text);
	bed_kill();
}

/* The two ways to go on: the orchestrator asks again, or it gives up. */
static void ask_again(const struct scene *scene)
{
	if (scene_start() && scene_insist(scene->step->call) &&
	    scene_shows(scene, scene->after, "after the repeated call"))
		scene_go_back(scene);
}

static void give_up(const struct scene *scene)
{
	bed_let_holds_expire();
	if (scene_start())
		scene_go_back(scene);
}

static bool try_point(const struct scene *scene, unsigned n, unsigned *n_tried)
{
	static void (*const ways_on[])(const struct scene *scene) = { ask_again, give_up };
	struct trap_count count = { 0 };
	bool hit = false;

	for (size_t i = 0; i < FL_COUNT(ways_on) && !scene_failed(); i++, ++*n_tried) {
		kill_at(scene, n, &count);
		hit |= count.hit;
		if (!scene_failed())
			ways_on[i](scene);
	}
	if (scene_failed())
		printf("# %s, %s: killed before call %u: %s%s\n", scene->story->name,
		       scene->step->name, n, count.hit ? count.what : "the answer",
		       count.of_child ? " (of a child)" : "");
	return hit;
}

/* The service dies while it starts, with a volume in its pool that a killed delete has left half
 * there. */
static unsigned starting(unsigned stride)
{
	const struct step *step = &stories[0].steps[0];
	const struct trap_plan delete = { TRAP_KILL, SYSCALL_CHANGES, false, 12, 0 };
	struct trap_plan plan = { TRAP_KILL, SYSCALL_CHANGES, false, 1, 0 };
	struct scene scene = { .story = &stories[0], .step = step };
	unsigned n_tried = 0;
	struct fl_error err;
	bool lived = false;

	if (!scene_start())
		return 0;
	scene.before = picture_take(scene.arena = fl_arena_new(0), bed_root(), false);
	for (; !lived && !scene_failed(); plan.call += stride, n_tried++) {
		if (!scene_start() || !scene_insist(step->call))
			break;
		trap_arm(&delete);
		(void)!bed_call(step->back[0], &err);
		scene_check(trap_disarm().hit, "deleting makes fewer calls than that");
		lived = bed_start(&plan);
		trap_disarm();
		if (scene_start())
			scene_go_back(&scene);
		if (scene_failed())
			printf("# killed before call %u of the start\n", plan.call);
		bed_forget();
	}
	fl_arena_free(scene.arena);
	return n_tried;
}

int main(int argc, char **argv)
{
	static const struct scene_plan plan = {
		.try = try_point,
		.sentence = "survives a kill at each system call",
		.also_name = "the service's start",
		.also = starting,
	};

	if (argc < 2 || !bed_open(argv[1])) {
		printf("1..0 # SKIP see above\n");
		return 77;
	}
	return scene_run(&plan, argv + 2);
}
