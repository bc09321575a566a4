/* SPDX-License-Identifier: Apache-2.0 */
/* Mounted volumes: from blank to mounted, published, grown, taken away; for each file system. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "node/mountinfo.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;

static uint64_t total_bytes(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 ? st.f_blocks * st.f_frsize : 0;
}

/* The kernel lets nobody else grow a mounted ext4. */
static bool can_grow_ext4(void)
{
	return prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1;
}

/* Online, and while nobody had it. */
static void grow(const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs };
	const char *id = rig_volume(&rig, fl_arena_printf(rig.arena, "grow-%s", fs), size);
	uint64_t bytes, before;

	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(rig_write_file(rig.target, "greeting", "hello"));
	before = total_bytes(rig.target);
	FAILS(rig_expand(&rig, id, rig.target, size * 2, &bytes, &test_error), FL_OUT_OF_RANGE);
	rig_grow(&rig, id, size * 2);
	WORKS(rig_expand(&rig, id, rig.target, size * 2, &bytes, &test_error));
	EQUAL(bytes, size * 2);
	OK(total_bytes(rig.target) > before + size / 2, "the file system has grown");
	WORKS(rig_expand(&rig, id, rig.staging, 0, &bytes, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));

	rig_grow(&rig, id, size * 3);
	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(rig_file_says(rig.target, "greeting", "hello"), "the data is there");
	OK(total_bytes(rig.target) > size * 2, "the file system has grown");
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void ext4_grows(void)
{
	if (!can_grow_ext4())
		SKIP("growing a mounted ext4 needs CAP_SYS_RESOURCE; ring nodevm has it");
	grow("ext4", 64 * MIB);
}

static void xfs_grows(void)
{
	grow("xfs", 320 * MIB);
}

static void btrfs_grows(void)
{
	grow("btrfs", 256 * MIB);
}

/* Whoever cannot grow it says so, and leaves nothing half done. */
static void ext4_that_cannot_grow_says_why(void)
{
	struct rig_use use = { .fs = "ext4" };
	const char *id = rig_volume(&rig, "stuck", 32 * MIB);
	uint64_t bytes;

	if (can_grow_ext4())
		SKIP("this process may grow a mounted ext4");
	WORKS(rig_stage(&rig, id, &use, &test_error));
	rig_grow(&rig, id, 64 * MIB);
	FAILS(rig_expand(&rig, id, rig.staging, 64 * MIB, &bytes, &test_error), FL_DENIED);
	WORKS(rig_unstage(&rig, id, &test_error));
	FAILS(rig_stage(&rig, id, &use, &test_error), FL_DENIED);
	OK(rig_is_clean(&rig));
}

/* The whole life of one volume. */
static void live(const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs };
	const char *name = fl_arena_printf(rig.arena, "%s-%d", fs, rig.restarts);
	const char *id = rig_volume(&rig, name, size);
	uint64_t bytes, inodes;

	SAME(rig_format(&rig, id), "never");
	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_stage(&rig, id, &use, &test_error));
	SAME(rig_format(&rig, id), fs);
	OK(rig_loop(&rig, id) != NULL, "one loop device");
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.other_target, &use, &test_error));
	OK(rig_write_file(rig.target, "greeting", "hello"));
	OK(rig_file_says(rig.other_target, "greeting", "hello"),
	   "both targets show one file system");

	WORKS(rig_stats(&rig, id, rig.target, &bytes, &inodes, &test_error));
	OK(bytes > size / 2 && bytes <= size, "stats tell %ju bytes", (uintmax_t)bytes);
	OK(strcmp(fs, "btrfs") == 0 || inodes > 0, "stats tell inodes");

	WORKS(rig_expand(&rig, id, rig.target, size, &bytes, &test_error));
	EQUAL(bytes, size);

	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.other_target, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));

	WORKS(rig_stage(&rig, id, &use, &test_error));
	OK(rig_file_says(rig.staging, "greeting", "hello"), "the data is there");
	WORKS(rig_unstage(&rig, id, &test_error));
}

static void ext4_lives(void)
{
	live("ext4", 64 * MIB);
}

static void xfs_lives(void)
{
	live("xfs", 320 * MIB);
}

static void btrfs_lives(void)
{
	live("btrfs", 128 * MIB);
}

static void it_lives_through_restarts(void)
{
	rig.restarts = true;
	live("ext4", 32 * MIB);
	rig.restarts = false;
}

static void a_reader_cannot_write(void)
{
	struct rig_use writer = { .fs = "ext4" };
	struct rig_use reader = { .fs = "ext4", .read_only = true };
	const char *id = rig_volume(&rig, "reader", 32 * MIB);

	WORKS(rig_stage(&rig, id, &writer, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	OK(!rig_write_file(rig.target, "a", "b"), "a read-only target is read-only");
	WORKS(rig_publish(&rig, id, rig.other_target, &writer, &test_error));
	OK(rig_write_file(rig.other_target, "a", "b"), "another target is writable");
	OK(rig_file_says(rig.target, "a", "b"));
	WORKS(rig_unpublish(&rig, id, rig.other_target, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));

	/* The whole volume read-only: device and file system. */
	struct rig_use readers = { .fs = "ext4", .mode = 2 };

	WORKS(rig_stage(&rig, id, &readers, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &readers, &test_error));
	OK(!rig_write_file(rig.target, "a", "c"));
	FAILS(rig_publish(&rig, id, rig.other_target, &writer, &test_error), FL_IN_USE);
	FAILS(rig_stage(&rig, id, &writer, &test_error), FL_EXISTS);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void mount_flags_take_effect(void)
{
	struct rig_use use = { .fs = "ext4", .mount_flag = "noexec,discard,nodev" };
	struct rig_use bad = { .fs = "ext4", .mount_flag = "loop" };
	const char *id = rig_volume(&rig, "flags", 32 * MIB);
	struct statvfs st;

	FAILS(rig_stage(&rig, id, &bad, &test_error), FL_INVALID);
	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(statvfs(rig.target, &st) == 0 && (st.f_flag & ST_NOEXEC) && (st.f_flag & ST_NODEV));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void foreign_mounts_are_left_alone(void)
{
	struct rig_use use = { .fs = "ext4" };
	const char *id = rig_volume(&rig, "foreign", 32 * MIB);

	OK(mkdir(rig.staging, 0700) == 0 || access(rig.staging, F_OK) == 0);
	OK(mount("none", rig.staging, "tmpfs", 0, "size=1m") == 0, "a foreign mount");
	FAILS(rig_stage(&rig, id, &use, &test_error), FL_IN_USE);
	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	OK(rig_write_file(rig.staging, "a", "b"), "it is still there");
	OK(umount(rig.staging) == 0);

	WORKS(rig_stage(&rig, id, &use, &test_error));
	OK(mkdir(rig.target, 0700) == 0);
	OK(mount("none", rig.target, "tmpfs", 0, "size=1m") == 0, "a foreign mount");
	FAILS(rig_publish(&rig, id, rig.target, &use, &test_error), FL_IN_USE);
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	OK(umount(rig.target) == 0);
	OK(rig_write_file(rig.target, "precious", "data"), "a file in the target directory");
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	OK(rig_file_says(rig.target, "precious", "data"), "it was not removed");
	OK(unlinkat(AT_FDCWD, rig.target, AT_REMOVEDIR) < 0);
	rig_run((const char *[]){ "rm", "-r", rig.target, NULL });
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void a_busy_mount_stays(void)
{
	struct rig_use use = { .fs = "ext4" };
	const char *id = rig_volume(&rig, "busy", 32 * MIB);
	char path[256];

	WORKS(rig_stage(&rig, id, &use, &test_error));
	snprintf(path, sizeof(path), "%s/open", rig.staging);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	OK(rig_loop(&rig, id) != NULL, "the device stays");
	fl_close(&fd);
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void a_link_leads_to_the_target(void)
{
	struct rig_use use = { .fs = "ext4" };
	const char *id = rig_volume(&rig, "link", 32 * MIB);
	char real[128], link[128], target[160];

	snprintf(real, sizeof(real), "%s/real", rig.root);
	snprintf(link, sizeof(link), "%s/link", rig.root);
	snprintf(target, sizeof(target), "%s/link/t", rig.root);
	OK(mkdir(real, 0700) == 0 && symlink(real, link) == 0);
	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, target, &use, &test_error));
	WORKS(rig_publish(&rig, id, target, &use, &test_error));
	WORKS(rig_unpublish(&rig, id, target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void two_volumes_do_not_meet(void)
{
	struct rig_use use = { .fs = "ext4" };
	const char *a = rig_volume(&rig, "a", 32 * MIB);
	const char *b = rig_volume(&rig, "b", 32 * MIB);

	WORKS(rig_stage(&rig, a, &use, &test_error));
	FAILS(rig_stage(&rig, b, &use, &test_error), FL_IN_USE);
	FAILS(rig_unstage(&rig, b, &test_error), FL_IN_USE);
	WORKS(rig_publish(&rig, a, rig.target, &use, &test_error));
	FAILS(rig_unpublish(&rig, b, rig.target, &test_error), FL_IN_USE);
	FAILS(rig_publish(&rig, b, rig.target, &use, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, a, rig.target, &test_error));
	WORKS(rig_unstage(&rig, a, &test_error));
	OK(rig_is_clean(&rig));
}

static void what_is_not_there_is_gone(void)
{
	uint64_t n;

	WORKS(rig_unpublish(&rig, "default/n1/never", rig.target, &test_error));
	WORKS(rig_unpublish(&rig, "nobody's", rig.target, &test_error));
	WORKS(rig_unstage(&rig, "default/n1/never", &test_error));
	FAILS(rig_stats(&rig, "default/n1/never", "some/path", &n, &n, &test_error), FL_NOT_FOUND);
	FAILS(rig_expand(&rig, "nobody's", "some/path", 0, &n, &test_error), FL_NOT_FOUND);
	FAILS(rig_stage(&rig, "default/n1/never", &(struct rig_use){ 0 }, &test_error),
	      FL_NOT_FOUND);
	FAILS(rig_stage(&rig, "default/n2/elsewhere", &(struct rig_use){ 0 }, &test_error),
	      FL_NOT_FOUND);
	OK(rig_is_clean(&rig));
}

static const struct test tests[] = {
	{ "ext4 lives", ext4_lives },
	{ "xfs lives", xfs_lives },
	{ "btrfs lives", btrfs_lives },
	{ "ext4 grows while mounted", ext4_grows },
	{ "xfs grows while mounted", xfs_grows },
	{ "btrfs grows while mounted", btrfs_grows },
	{ "ext4 that cannot grow says why", ext4_that_cannot_grow_says_why },
	{ "it lives through restarts", it_lives_through_restarts },
	{ "a reader cannot write", a_reader_cannot_write },
	{ "mount flags take effect", mount_flags_take_effect },
	{ "foreign mounts are left alone", foreign_mounts_are_left_alone },
	{ "a busy mount stays", a_busy_mount_stays },
	{ "a link leads to the target", a_link_leads_to_the_target },
	{ "two volumes do not meet", two_volumes_do_not_meet },
	{ "what is not there is gone", what_is_not_there_is_gone },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
