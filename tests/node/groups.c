/* SPDX-License-Identifier: Apache-2.0 */
/* volume_mount_group: whose the files of a mounted volume are. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/group.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)
#define GROUP 4242
#define OTHER 4343

static struct rig rig;

static const char *in(const char *directory, const char *name)
{
	return fl_arena_printf(rig.arena, "%s/%s", directory, name);
}

static struct stat look(const char *path)
{
	struct stat st = { 0 };

	OK(lstat(path, &st) == 0, "%s", path);
	return st;
}

static void take_away(const char *id)
{
	WORKS(rig_unpublish(&rig, id, rig.other_target, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void a_new_volume_is_the_groups(const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs, .group = "4242" };
	const char *id = rig_volume(&rig, fl_arena_printf(rig.arena, "new-%s", fs), size);

	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	EQUAL(look(rig.target).st_gid, GROUP);
	EQUAL(look(rig.target).st_mode & 02070, 02070);
	OK(rig_write_file(rig.target, "made", "later"));
	EQUAL(look(in(rig.target, "made")).st_gid, GROUP);
	OK(mkdir(in(rig.target, "folder"), 0755) == 0);
	EQUAL(look(in(rig.target, "folder")).st_gid, GROUP);
	OK(look(in(rig.target, "folder")).st_mode & S_ISGID);
	take_away(id);
}

static void new_volumes_are_the_groups(void)
{
	a_new_volume_is_the_groups("ext4", 32 * MIB);
	a_new_volume_is_the_groups("xfs", 320 * MIB);
	a_new_volume_is_the_groups("btrfs", 128 * MIB);
}

/* Makes files of all kinds in the staged volume. */
static void furnish(const char *root)
{
	OK(mkdir(in(root, "a"), 0700) == 0 && mkdir(in(root, "a/b"), 0700) == 0);
	OK(rig_write_file(root, "top", "1"));
	OK(rig_write_file(in(root, "a/b"), "deep", "2"));
	OK(chmod(in(root, "a/b/deep"), 04700) == 0);
	OK(symlink("/etc/passwd", in(root, "a/link")) == 0);
	OK(mknod(in(root, "a/pipe"), S_IFIFO | 0600, 0) == 0);
	OK(mknod(in(root, "a/null"), S_IFCHR | 0600, makedev(1, 3)) == 0);
}

static bool is_the_groups(const char *path, gid_t group, mode_t mode)
{
	struct stat st = look(path);

	if (st.st_gid == group && (S_ISLNK(st.st_mode) || (st.st_mode & 07777) == mode))
		return true;
	printf("# %s: group %u, mode %o\n", path, st.st_gid, st.st_mode);
	return false;
}

static void what_is_there_becomes_the_groups(void)
{
	struct rig_use plain = { .fs = "ext4" }, use = { .fs = "ext4", .group = "4242" };
	const char *id = rig_volume(&rig, "old", 32 * MIB);
	struct stat outside = look("/etc/passwd");

	WORKS(rig_stage(&rig, id, &plain, &test_error));
	furnish(rig.staging);
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(is_the_groups(in(rig.target, "top"), GROUP, 0660));
	OK(is_the_groups(in(rig.target, "a"), GROUP, 02770));
	OK(is_the_groups(in(rig.target, "a/b/deep"), GROUP, 04760));
	OK(is_the_groups(in(rig.target, "a/link"), GROUP, 0));
	OK(is_the_groups(in(rig.target, "a/pipe"), GROUP, 0660));
	OK(is_the_groups(in(rig.target, "a/null"), 0, 0600), "a device node is left alone");
	OK(look("/etc/passwd").st_gid == outside.st_gid &&
		   look("/etc/passwd").st_mode == outside.st_mode,
	   "no link is followed");

	/* Once the root has the group, what people did below it stays. */
	OK(chmod(in(rig.target, "top"), 0600) == 0);
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(is_the_groups(in(rig.target, "top"), GROUP, 0600));
	use.group = "4343";
	WORKS(rig_publish(&rig, id, rig.other_target, &use, &test_error));
	OK(is_the_groups(in(rig.target, "top"), OTHER, 0660));
	take_away(id);
}

static void a_pass_that_was_cut_off_is_made_again(void)
{
	struct rig_use plain = { .fs = "ext4" }, use = { .fs = "ext4", .group = "4242" };
	const char *id = rig_volume(&rig, "cut", 32 * MIB);
	struct fl_op late = { .id = "late", .arena = rig.arena };

	WORKS(rig_stage(&rig, id, &plain, &test_error));
	furnish(rig.staging);
	late.deadline = fl_clock_after_ms(0);
	FAILS(group_apply(&late, rig.staging, GROUP, &test_error), FL_TIMEOUT);
	OK(look(rig.staging).st_gid != GROUP, "the root is not the group's yet");
	OK(chown(in(rig.staging, "a"), 0, GROUP) == 0 && chmod(in(rig.staging, "a"), 02770) == 0);
	WORKS(rig_stage(&rig, id, &use, &test_error));
	OK(is_the_groups(in(rig.staging, "a/b/deep"), GROUP, 04760));
	OK(look(rig.staging).st_gid == GROUP);
	take_away(id);
}

static void a_mount_in_the_mount_is_not_entered(void)
{
	struct fl_op op = { .id = "t", .arena = rig.arena, .deadline = fl_clock_after_ms(9000) };
	const char *id = rig_volume(&rig, "inner", 32 * MIB);

	WORKS(rig_stage(&rig, id, &(struct rig_use){ .fs = "ext4" }, &test_error));
	OK(mkdir(in(rig.staging, "inner"), 0700) == 0);
	OK(rig_run((const char *[]){ "mount", "-t", "tmpfs", "none", in(rig.staging, "inner"),
				     NULL }) == 0);
	OK(rig_write_file(in(rig.staging, "inner"), "file", "x"));
	WORKS(group_apply(&op, rig.staging, GROUP, &test_error));
	OK(look(in(rig.staging, "inner")).st_gid == 0);
	OK(look(in(rig.staging, "inner/file")).st_gid == 0);
	OK(rig_run((const char *[]){ "umount", in(rig.staging, "inner"), NULL }) == 0);
	take_away(id);
}

/* Nobody can give it away, and that does not keep the volume from being used. */
static void an_immutable_file_stays(void)
{
	struct rig_use plain = { .fs = "ext4" }, use = { .fs = "ext4", .group = "4242" };
	const char *id = rig_volume(&rig, "immutable", 32 * MIB);
	int flags = FS_IMMUTABLE_FL;

	WORKS(rig_stage(&rig, id, &plain, &test_error));
	OK(rig_write_file(rig.staging, "stone", "x"));
	fl_cleanup(fl_close) int fd = open(in(rig.staging, "stone"), O_RDONLY | O_CLOEXEC);

	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
		fl_close(&fd);
		fd = -1;
		take_away(id);
		SKIP("making a file immutable needs CAP_LINUX_IMMUTABLE; ring nodevm has it");
	}
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(look(in(rig.target, "stone")).st_gid == 0);
	OK(look(rig.target).st_gid == GROUP);
	flags = 0;
	OK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	fl_close(&fd);
	fd = -1;
	take_away(id);
}

static void who_only_reads_changes_nothing(void)
{
	struct rig_use plain = { .fs = "ext4" };
	struct rig_use reader = { .fs = "ext4", .group = "4242", .read_only = true };
	const char *id = rig_volume(&rig, "reader", 32 * MIB);

	WORKS(rig_stage(&rig, id, &plain, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	EQUAL(look(rig.target).st_gid, 0);
	take_away(id);
	reader.mode = 2;
	WORKS(rig_stage(&rig, id, &reader, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	EQUAL(look(rig.target).st_gid, 0);
	take_away(id);
}

static void a_group_is_a_number(void)
{
	static const char *const wrong[] = { "staff",       "-1",  "4294967295",
					     "99999999999", "1 2", "0x1" };
	const char *id = rig_volume(&rig, "number", 32 * MIB);

	for (size_t i = 0; i < FL_COUNT(wrong); i++) {
		struct rig_use use = { .fs = "ext4", .group = wrong[i] };

		FAILS(rig_stage(&rig, id, &use, &test_error), FL_INVALID);
	}
	struct rig_use largest = { .fs = "ext4", .group = "4294967294" };

	WORKS(rig_stage(&rig, id, &largest, &test_error));
	EQUAL(look(rig.staging).st_gid, 4294967294u);
	take_away(id);
}

static const struct test tests[] = {
	{ "new volumes are the group's", new_volumes_are_the_groups },
	{ "what is there becomes the group's", what_is_there_becomes_the_groups },
	{ "a pass that was cut off is made again", a_pass_that_was_cut_off_is_made_again },
	{ "a mount in the mount is not entered", a_mount_in_the_mount_is_not_entered },
	{ "an immutable file stays", an_immutable_file_stays },
	{ "who only reads changes nothing", who_only_reads_changes_nothing },
	{ "a group is a number", a_group_is_a_number },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
