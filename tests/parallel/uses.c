/* SPDX-License-Identifier: Apache-2.0 */
#include "uses.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

#define USES_PATIENCE_MS 120000
#define USES_RETRY_MS 10

struct use {
	struct turn *turn;
	struct timespec until;
	const char *name, *id, *staging, *target;
	const Csi__V1__ControllerPublishVolumeResponse *granted;
};

bool uses_is_one(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash && slash[1] == 'u';
}

static int use_create(struct use *use)
{
	const struct calls_create wish = { .name = use->name, .bytes = TURN_MIB };

	return calls_create(&use->turn->calls, &wish, NULL);
}

static int use_grant(struct use *use)
{
	return calls_publish(&use->turn->calls, use->id, "n1", &use->granted);
}

static int use_stage(struct use *use)
{
	return calls_stage(&use->turn->calls, use->id, use->staging, use->granted);
}

static int use_publish(struct use *use)
{
	return calls_node_publish(&use->turn->calls, use->id, use->staging, use->target,
				  use->granted);
}

static int use_look(struct use *use)
{
	struct stat st;

	/* What was published is a block device, also when a killed service was at it. */
	if (stat(use->target, &st) == 0 && S_ISBLK(st.st_mode))
		return 0;
	return fl_error_set(&use->turn->calls.error, FL_INTERNAL, "%s is no block device",
			    use->target);
}

static int use_unpublish(struct use *use)
{
	return calls_node_unpublish(&use->turn->calls, use->id, use->target);
}

static int use_unstage(struct use *use)
{
	return calls_unstage(&use->turn->calls, use->id, use->staging);
}

static int use_revoke(struct use *use)
{
	return calls_unpublish(&use->turn->calls, use->id, "n1");
}

static int use_delete(struct use *use)
{
	return calls_delete(&use->turn->calls, use->id);
}

static const struct {
	const char *name;
	int (*make)(struct use *use);
} use_steps[] = {
	{ "CreateVolume", use_create },
	{ "ControllerPublishVolume", use_grant },
	{ "NodeStageVolume", use_stage },
	{ "NodePublishVolume", use_publish },
	{ "looking", use_look },
	{ "NodeUnpublishVolume", use_unpublish },
	{ "NodeUnstageVolume", use_unstage },
	{ "ControllerUnpublishVolume", use_revoke },
	{ "DeleteVolume", use_delete },
};

/* false: the use ends here. */
static bool use_insist(struct use *use, size_t step)
{
	const struct fl_error *error = &use->turn->calls.error;
	struct world *world = use->turn->world;

	while (use_steps[step].make(use) < 0) {
		bool again = error->code == FL_BUSY || error->code == FL_UNAVAILABLE ||
			     error->code == FL_TIMEOUT;

		atomic_fetch_add(&world->lost, error->code != FL_BUSY);
		if (!again || fl_clock_passed(use->until)) {
			world_problem(world, "%s of %s: %s: %s", use_steps[step].name, use->id,
				      fl_error_name(error->code), error->text);
			return false;
		}
		fl_clock_sleep_ms(USES_RETRY_MS);
	}
	return true;
}

void uses_disk(struct turn *turn, unsigned client)
{
	const struct service *service = turn->world->service;
	struct fl_arena *arena = turn->calls.arena;
	struct use use = {
		.turn = turn,
		.until = fl_clock_after_ms(USES_PATIENCE_MS),
		.name = fl_arena_printf(arena, "u%u", client),
		.id = fl_arena_printf(arena, "%s/u%u", service->shared ? "p" : "p/n1", client),
		.staging = fl_arena_printf(arena, "%s/staging-%u", service->directory, client),
		.target = fl_arena_printf(arena, "%s/target-%u", service->directory, client),
	};

	if (mkdir(use.staging, 0700) < 0 && errno != EEXIST) {
		world_problem(turn->world, "%s: %s", use.staging, strerror(errno));
		return;
	}
	for (size_t i = 0; i < FL_COUNT(use_steps) && use_insist(&use, i); i++)
		;
}

/* Lines of the file in which the directory stands. */
static unsigned uses_in(const char *path, const char *directory)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	unsigned n = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, directory))
			continue;
		printf("# left over: %s: %s", path, line);
		n++;
	}
	if (file)
		fclose(file);
	return n;
}

unsigned uses_left(const char *directory)
{
	/* With the slash: the file system that everything is on may be mounted at the directory
	 * itself. */
	char inside[512];
	glob_t loops;
	unsigned n;

	snprintf(inside, sizeof(inside), "%s/", directory);
	n = uses_in("/proc/self/mountinfo", inside);
	if (glob("/sys/block/loop*/loop/backing_file", 0, NULL, &loops) != 0)
		return n;
	for (size_t i = 0; i < loops.gl_pathc; i++)
		n += uses_in(loops.gl_pathv[i], inside);
	globfree(&loops);
	return n;
}
