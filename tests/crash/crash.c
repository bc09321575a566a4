/* SPDX-License-Identifier: Apache-2.0 */
/* crash DIRECTORY [STORY…]: `fairlead serve` is killed before each system call that changes something,
 * in each call of each story, also those of the programs that it runs.  After each kill a new service
 * either completes the call or takes it back, and both end as they do without a kill.
 *
 * FAIRLEAD_STRIDE=N tries each Nth system call only. */
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bed.h"
#include "picture.h"
#include "stories.h"
#include "syscalls.h"
#include "tests/test.h"

static const struct trap_plan quiet = { TRAP_NONE, 0, false, 0, 0 };

static const struct story *story;
static unsigned stride = 1;
static unsigned n_points; /* of all stories */

/* What a step begins with and what it ends with. */
struct scene {
	const struct step *step;
	struct fl_arena *arena;
	const char *before;
	const char *after;
};

static const char *take(struct fl_arena *arena)
{
	return picture_take(arena, bed_root(), story->contents);
}

static bool insist(const char *call)
{
	bool worked = bed_insist(call, &test_error) == 0;

	OK(worked, "%s: %s: %s", call, fl_error_name(test_error.code), test_error.text);
	return worked;
}

static bool shows(const char *wanted, const char *when)
{
	bool same = picture_compare(wanted, take(bed_arena()));

	OK(same, "%s", when);
	return same;
}

static bool go_back(const struct scene *scene)
{
	for (const char *const *call = scene->step->back; *call; call++)
		if (!insist(*call))
			return false;
	return shows(scene->before, "after the way back");
}

static bool start(void)
{
	OK(bed_start(&quiet), "the service does not start again");
	return test_failures == 0;
}

/* Kills before call `n`, or after the last one, with the answer on its way; true: it was before. */
static bool kill_at(const struct scene *scene, unsigned n, struct trap_count *ret)
{
	const struct trap_plan plan = { TRAP_KILL, SYSCALL_CHANGES, false, n, 0 };
	struct fl_error err;
	int result;

	trap_arm(&plan);
	result = bed_call(scene->step->call, &err);
	*ret = trap_disarm();
	OK(ret->hit || result == 0, "%s: %s", fl_error_name(err.code), err.text);
	OK(!ret->hit || err.code == FL_UNAVAILABLE || ret->of_child, "%s: %s",
	   fl_error_name(err.code), err.text);
	bed_kill();
	return ret->hit;
}

/* The two ways to go on: the orchestrator asks again, or it gives up. */
static void ask_again(const struct scene *scene)
{
	if (start() && insist(scene->step->call) && shows(scene->after, "after the repeated call"))
		go_back(scene);
}

static void give_up(const struct scene *scene)
{
	bed_let_holds_expire();
	if (start())
		go_back(scene);
}

/* Tries both, of the many calls of a child one in turn; false when there was no call `n` any more. */
static bool try_point(const struct scene *scene, unsigned n)
{
	struct trap_count count;
	bool hit = kill_at(scene, n, &count), both = !count.of_child;

	if (both || n % 2)
		ask_again(scene);
	if (both && test_failures == 0)
		kill_at(scene, n, &count);
	if ((both || n % 2 == 0) && test_failures == 0)
		give_up(scene);
	n_points += both ? 2 : 1;
	if (test_failures)
		printf("# %s, %s: killed before call %u: %s%s\n", story->name, scene->step->name, n,
		       count.hit ? count.what : "the answer",
		       count.of_child ? " (of a child)" : "");
	bed_forget();
	return hit;
}

/* The step without a kill; false when this machine lacks what it takes. */
static bool play(struct scene *scene)
{
	scene->before = take(scene->arena);
	if (bed_insist(scene->step->call, &test_error) < 0) {
		const char *lack = scene->step->unless_refused;

		if (lack && strstr(test_error.text, lack)) {
			printf("# %s, %s: not tried: %s\n", story->name, scene->step->name,
			       test_error.text);
			return false;
		}
		OK(false, "%s: %s", scene->step->name, test_error.text);
		return false;
	}
	scene->after = take(scene->arena);
	return true;
}

static void fill(void)
{
	const char *path = fl_arena_printf(bed_arena(), "%s/pool/volumes/a/image", bed_root());
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
	char block[65536];

	for (off_t at = 0; at < 3 << 20; at += 2 * (off_t)sizeof(block)) {
		memset(block, 'a' + (int)(at >> 17) % 26, sizeof(block));
		OK(pwrite(fd, block, sizeof(block), at) == sizeof(block));
	}
	OK(fd >= 0 && fsync(fd) == 0);
}

static void tell_step(const struct step *step)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct scene scene = { .step = step, .arena = arena };
	unsigned n_before = n_points;
	uint64_t begin = fl_clock_us();

	if (step->fills) {
		fill();
		return;
	}
	if (!play(&scene) || !step->back || !go_back(&scene))
		return;
	for (unsigned n = 1; try_point(&scene, n) && test_failures == 0; n += stride)
		continue;
	printf("# %-24s %4u points, %llu ms\n", step->name, n_points - n_before,
	       (unsigned long long)(fl_clock_us() - begin) / 1000);
	if (test_failures == 0)
		insist(step->call);
}

/* The service dies while it starts, with a volume in its pool and what a killed delete has left. */
static void starting(void)
{
	const struct trap_plan delete = { TRAP_KILL, SYSCALL_CHANGES, false, 12, 0 };
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *volume = stories[0].steps[0].call, *remove = stories[0].steps[0].back[0];
	struct trap_plan plan = { TRAP_KILL, SYSCALL_CHANGES, false, 1, 0 };
	const char *before;

	story = &stories[0];
	if (!start())
		return;
	before = take(arena);
	for (;; plan.call += stride) {
		bool lived;

		if (!start() || !insist(volume))
			return;
		trap_arm(&delete);
		(void)!bed_call(remove, &test_error);
		OK(trap_disarm().hit, "deleting makes fewer calls than that");
		lived = bed_start(&plan);
		trap_disarm();
		n_points++;
		if (!start() || !insist(remove) || !shows(before, "after the delete") || lived)
			break;
	}
	if (test_failures)
		printf("# killed before call %u of the start\n", plan.call);
}

static void tell(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *before;

	if (!start())
		return;
	before = take(arena);
	for (size_t i = 0; i < story->n && test_failures == 0; i++)
		tell_step(&story->steps[i]);
	if (test_failures == 0)
		shows(before, "at the end");
}

static bool is_wanted(const char *name, char **filters)
{
	bool wanted = !*filters;

	for (; *filters; filters++)
		wanted |= strstr(name, *filters) != NULL;
	return wanted;
}

static void tell_one(size_t i)
{
	story = &stories[i];
	tell();
}

int main(int argc, char **argv)
{
	const char *words = getenv("FAIRLEAD_STRIDE");
	int failed = 0;
	size_t number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || !bed_open(argv[1])) {
		printf("1..0 # SKIP see above\n");
		return 77;
	}
	stride = words ? (unsigned)strtoul(words, NULL, 10) : 1;
	for (size_t i = 0; i <= n_stories && !failed; i++) {
		const char *name = i < n_stories ? stories[i].name : "the service's start";

		if (!is_wanted(name, argv + 2))
			continue;
		if (i < n_stories)
			tell_one(i);
		else
			starting();
		failed = test_failures;
		printf("%sok %zu - %s survives a kill at each system call\n", failed ? "not " : "",
		       ++number, name);
	}
	printf("# %u points tried%s\n1..%zu\n", n_points, stride > 1 ? ", not all there are" : "",
	       number);
	return bed_close() || failed ? 1 : 0;
}
