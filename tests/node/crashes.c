/* SPDX-License-Identifier: Apache-2.0 */
/* The service is killed at random moments of staging and publishing; then the orchestrator either
 * goes on or gives up.  Going on ends with a usable volume, giving up with nothing left. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)
#define CRASHES 24

static struct rig rig;

struct crash_kind {
	struct rig_use use;
	uint64_t size;
	unsigned longest_ms; /* after which it is killed */
};

/* Makes calls until the service dies under them. */
struct crash_run {
	const struct crash_kind *kind;
	const char *id;
	bool failed;
};

static void *crash_calls(void *cookie)
{
	struct crash_run *run = cookie;
	const struct rig_use *use = &run->kind->use;
	struct fl_error err = { 0 };

	while (rig_stage(&rig, run->id, use, &err) == 0 &&
	       rig_publish(&rig, run->id, rig.target, use, &err) == 0 &&
	       rig_unpublish(&rig, run->id, rig.target, &err) == 0 &&
	       rig_unstage(&rig, run->id, &err) == 0)
		;
	/* UNAVAILABLE is the killed service; all else is a fault. */
	run->failed = err.code != FL_UNAVAILABLE;
	if (run->failed)
		printf("# %s: %s\n", fl_error_name(err.code), err.text);
	return NULL;
}

/* Asks again as an orchestrator does, for as long as the answer allows it. */
#define AGAIN(call)                                                                                \
	do {                                                                                       \
		int again_rc = -1;                                                                 \
		for (int again_i = 0; again_i < 300 && again_rc < 0; again_i++) {                  \
			again_rc = (call);                                                         \
			if (again_rc < 0 && test_error.code != FL_BUSY &&                          \
			    test_error.code != FL_IN_USE)                                          \
				break;                                                             \
			if (again_rc < 0)                                                          \
				fl_clock_sleep_ms(50);                                             \
		}                                                                                  \
		OK(again_rc == 0, "%s", test_error.text);                                          \
	} while (0)

static bool is_usable(const struct crash_kind *kind)
{
	const char *path =
		kind->use.fs ? fl_arena_printf(rig.arena, "%s/file", rig.target) : rig.target;
	fl_cleanup(fl_close) int fd =
		open(path, O_RDWR | O_CLOEXEC | (kind->use.fs ? O_CREAT : 0), 0600);
	struct stat st;

	if (kind->use.vm)
		return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0;
	return fd >= 0 && write(fd, "data", 4) == 4 && fsync(fd) == 0;
}

static void crash_once(const struct crash_kind *kind, const char *name, unsigned number)
{
	struct crash_run run = { .kind = kind, .id = rig_volume(&rig, name, kind->size) };
	pthread_t thread;

	pthread_create(&thread, NULL, crash_calls, &run);
	fl_clock_sleep_ms((uint64_t)rand() % kind->longest_ms);
	rig_kill_server(&rig);
	pthread_join(thread, NULL);
	OK(!run.failed);
	rig_start_server(&rig);
	if (number % 2 == 0) {
		AGAIN(rig_stage(&rig, run.id, &kind->use, &test_error));
		AGAIN(rig_publish(&rig, run.id, rig.target, &kind->use, &test_error));
		OK(is_usable(kind), "the volume is usable");
	}
	AGAIN(rig_unpublish(&rig, run.id, rig.target, &test_error));
	AGAIN(rig_unstage(&rig, run.id, &test_error));
	OK(rig_is_clean(&rig), "after crash %u", number);
}

static void crash_often(const char *name, const struct crash_kind *kind)
{
	for (unsigned i = 0; i < CRASHES && test_failures == 0; i++)
		crash_once(kind, fl_arena_printf(rig.arena, "%s-%u", name, i), i);
}

static void ext4_survives_crashes(void)
{
	crash_often("ext4", &(struct crash_kind){ { .fs = "ext4" }, 32 * MIB, 120 });
}

static void xfs_survives_crashes(void)
{
	crash_often("xfs", &(struct crash_kind){ { .fs = "xfs" }, 320 * MIB, 200 });
}

static void btrfs_survives_crashes(void)
{
	crash_often("btrfs", &(struct crash_kind){ { .fs = "btrfs" }, 256 * MIB, 200 });
}

static void block_survives_crashes(void)
{
	crash_often("block", &(struct crash_kind){ .size = 8 * MIB, .longest_ms = 30 });
}

static void passes_survive_crashes(void)
{
	crash_often("vm", &(struct crash_kind){ { .vm = "web1" }, 8 * MIB, 30 });
}

static const struct test tests[] = {
	{ "ext4 survives crashes", ext4_survives_crashes },
	{ "xfs survives crashes", xfs_survives_crashes },
	{ "btrfs survives crashes", btrfs_survives_crashes },
	{ "block volumes survive crashes", block_survives_crashes },
	{ "disk passes survive crashes", passes_survive_crashes },
};

int main(int argc, char **argv)
{
	const char *seed = getenv("FAIRLEAD_SEED");
	unsigned number = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)fl_clock_us();
	int rc;

	printf("# FAIRLEAD_SEED=%u\n", number);
	srand(number);
	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
