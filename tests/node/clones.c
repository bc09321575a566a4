/* SPDX-License-Identifier: Apache-2.0 */
/* A clone has its origin's UUID, and is used on the same node. */
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;

static void clones_live_side_by_side(const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs };
	const char *a = rig_volume(&rig, fl_arena_printf(rig.arena, "origin-%s", fs), size);
	const char *b = rig_volume(&rig, fl_arena_printf(rig.arena, "copy-%s", fs), size);
	const char *first_staging = fl_arena_strdup(rig.arena, rig.staging);

	WORKS(rig_stage(&rig, a, &use, &test_error));
	OK(rig_write_file(rig.staging, "who", "origin"));
	WORKS(rig_unstage(&rig, a, &test_error));
	EQUAL(rig_run((const char *[]){ "cp", rig_image(&rig, a), rig_image(&rig, b), NULL }), 0);
	rig_set_record(&rig, b, FL_RECORD_FORMAT, fs);
	WORKS(rig_stage(&rig, a, &use, &test_error));
	OK(rig_write_file(rig.staging, "who", "changed"));
	snprintf(rig.staging, sizeof(rig.staging), "%s/staging2", rig.root);
	WORKS(rig_stage(&rig, b, &use, &test_error));
	OK(rig_file_says(rig.staging, "who", "origin"), "the clone shows its own data");
	OK(rig_file_says(first_staging, "who", "changed"), "the origin shows its own");
	WORKS(rig_unstage(&rig, b, &test_error));
	OK(rmdir(rig.staging) == 0);
	snprintf(rig.staging, sizeof(rig.staging), "%s", first_staging);
	WORKS(rig_unstage(&rig, a, &test_error));
	OK(rig_is_clean(&rig));
}

static void xfs_clones_live_side_by_side(void)
{
	clones_live_side_by_side("xfs", 320 * MIB);
}

/* Linux before 6.7 knows a btrfs by its UUID alone. */
static bool kernel_tells_btrfs_twins_apart(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 7));
}

/* One of them at a time, and the other is refused for now. */
static void btrfs_clones_take_turns(void)
{
	struct rig_use use = { .fs = "btrfs" };
	const char *a = rig_volume(&rig, "origin-btrfs", 128 * MIB);
	const char *b = rig_volume(&rig, "copy-btrfs", 128 * MIB);
	const char *origins = fl_arena_strdup(rig.arena, rig.staging);

	WORKS(rig_stage(&rig, a, &use, &test_error));
	OK(rig_write_file(rig.staging, "who", "origin"));
	WORKS(rig_unstage(&rig, a, &test_error));
	EQUAL(rig_run((const char *[]){ "cp", rig_image(&rig, a), rig_image(&rig, b), NULL }), 0);
	rig_set_record(&rig, b, FL_RECORD_FORMAT, "btrfs");
	WORKS(rig_stage(&rig, a, &use, &test_error));
	OK(rig_write_file(rig.staging, "who", "changed"));
	snprintf(rig.staging, sizeof(rig.staging), "%s/staging2", rig.root);
	FAILS(rig_stage(&rig, b, &use, &test_error), FL_IN_USE);
	OK(rig_file_says(origins, "who", "changed"), "the origin shows its own");
	snprintf(rig.staging, sizeof(rig.staging), "%s", origins);
	WORKS(rig_unstage(&rig, a, &test_error));
	snprintf(rig.staging, sizeof(rig.staging), "%s/staging2", rig.root);
	WORKS(rig_stage(&rig, b, &use, &test_error));
	OK(rig_file_says(rig.staging, "who", "origin"), "the clone shows its own data");
	WORKS(rig_unstage(&rig, b, &test_error));
	OK(rmdir(rig.staging) == 0);
	snprintf(rig.staging, sizeof(rig.staging), "%s", origins);
	OK(rig_is_clean(&rig));
}

static void btrfs_clones_live_as_the_kernel_can(void)
{
	if (kernel_tells_btrfs_twins_apart())
		clones_live_side_by_side("btrfs", 128 * MIB);
	else
		btrfs_clones_take_turns();
}

static const struct test tests[] = {
	{ "xfs clones live side by side", xfs_clones_live_side_by_side },
	{ "btrfs clones live side by side, or take turns on an older kernel",
	  btrfs_clones_live_as_the_kernel_can },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
