/* SPDX-License-Identifier: Apache-2.0 */
/* What a node sees to be wrong with a volume, on real devices and file systems that really
 * break. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;
static const struct rig_use block;
static const struct rig_use ext4 = { .fs = "ext4" };
static const struct rig_use xfs = { .fs = "xfs" };
static const struct rig_use btrfs = { .fs = "btrfs" };
static const struct rig_use careful = { .fs = "ext4", .mount_flag = "errors=remount-ro" };

static const char *health(const char *id)
{
	const char *text = "";

	WORKS(rig_health(&rig, id, NULL, &text, &test_error));
	return text;
}

static const char *condition(const char *id, const char *path)
{
	const char *text = "";

	WORKS(rig_condition(&rig, id, path, &text, &test_error));
	return text;
}

/* The kernel counts an error a moment after it has met it. */
static const char *health_after(const char *id, const char *wanted)
{
	const char *text = health(id);

	for (int i = 0; i < 100 && strcmp(text, wanted) != 0; i++) {
		fl_clock_sleep_ms(20);
		text = health(id);
	}
	return text;
}

static void take_down(const char *id)
{
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void put_up(const char *id, const struct rig_use *use)
{
	WORKS(rig_stage(&rig, id, use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, use, &test_error));
}

static bool write_text(const char *path, const char *text)
{
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void a_healthy_volume_has_nothing_to_say(void)
{
	const char *id = rig_volume(&rig, "well", 64 * MIB), *text = "";

	SAME(health(id), "");
	put_up(id, &ext4);
	SAME(health(id), "");
	SAME(condition(id, rig.target), "");
	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	SAME(text, "");
	take_down(id);
	SAME(health(id), "");
	WORKS(rig_storage_health(&rig, &text, &test_error));
	OK(strstr(text, "DirectoryGone") == NULL && strstr(text, "ReadOnly") == NULL, "%s", text);
}

static void a_raw_volume_has_nothing_to_say(void)
{
	const char *id = rig_volume(&rig, "raw", 8 * MIB);

	put_up(id, &block);
	SAME(health(id), "");
	SAME(condition(id, rig.target), "");
	take_down(id);
}

static void what_is_not_there_is_not_found(void)
{
	const char *text;

	FAILS(rig_health(&rig, "default/n1/none", NULL, &text, &test_error), FL_NOT_FOUND);
	FAILS(rig_health(&rig, "fake-vol-id", NULL, &text, &test_error), FL_NOT_FOUND);
	FAILS(rig_health(&rig, "", NULL, &text, &test_error), FL_INVALID);
}

static void an_image_cut_off_below_its_device_is_told(void)
{
	const char *id = rig_volume(&rig, "cut", 64 * MIB);
	const char *image = rig_image(&rig, id);

	put_up(id, &ext4);
	OK(truncate(image, 40 * MIB) == 0);
	SAME(health(id), "3 ImageTruncated");
	OK(strstr(condition(id, rig.target), "ImageTruncated: ") != NULL);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_INTERNAL);
	SAME(health(id), "3 ImageTruncated, 2 StageFailed");
	OK(truncate(image, 64 * MIB) == 0);
	WORKS(rig_stage(&rig, id, &ext4, &test_error));
	SAME(health(id), "");
	take_down(id);
}

static void an_image_deleted_below_its_device_is_told(void)
{
	const char *id = rig_volume(&rig, "deleted", 64 * MIB);

	put_up(id, &ext4);
	OK(unlink(rig_image(&rig, id)) == 0);
	SAME(health(id), "3 ImageMissing, 1 ImageDeleted");
	OK(strstr(condition(id, rig.target), "ImageDeleted: ") != NULL);
	/* The data is still there, and can still be saved. */
	OK(rig_write_file(rig.target, "a", "saved"));
	take_down(id);
	SAME(health(id), "3 ImageMissing");
}

static void a_volume_deleted_below_its_device_is_told(void)
{
	const char *id = rig_volume(&rig, "gone", 64 * MIB), *text;
	const char *folder = fl_arena_printf(rig.arena, "%s/pool/volumes/gone", rig.root);

	put_up(id, &ext4);
	EQUAL(rig_run((const char *[]){ "rm", "-rf", folder, NULL }), 0);
	SAME(health(id), "1 ImageDeleted, 1 VolumeDeleted");
	take_down(id);
	FAILS(rig_health(&rig, id, NULL, &text, &test_error), FL_NOT_FOUND);
}

static void an_ext4_that_met_an_error_is_told_until_it_is_repaired(void)
{
	const char *id = rig_volume(&rig, "hurt", 64 * MIB);
	const char *trigger, *loop;

	put_up(id, &careful);
	loop = rig_loop(&rig, id);
	trigger = fl_arena_printf(rig.arena, "/sys/fs/ext4/%s/trigger_fs_error",
				  loop ? loop + strlen("/dev/") : "none");
	OK(write_text(trigger, "a test"), "%s", trigger);
	SAME(health_after(id, "2 FileSystemReadOnly, 1 FileSystemErrors"),
	     "2 FileSystemReadOnly, 1 FileSystemErrors");
	OK(strstr(condition(id, rig.target), "FileSystemReadOnly: ") != NULL);
	FAILS(rig_stage(&rig, id, &careful, &test_error), FL_IN_USE);
	OK(strstr(test_error.text, "read-only after an error"), "%s", test_error.text);
	SAME(health(id), "2 FileSystemReadOnly, 1 FileSystemErrors, 2 StageFailed");
	take_down(id);
	put_up(id, &careful);
	SAME(health(id), "1 FileSystemErrors");
	take_down(id);
	/* 1: errors were corrected. */
	OK(rig_run((const char *[]){ "e2fsck", "-fy", rig_image(&rig, id), NULL }) <= 1);
	put_up(id, &careful);
	SAME(health(id), "");
	take_down(id);
}

static void an_xfs_that_shut_itself_down_is_told(void)
{
	const char *id = rig_volume(&rig, "shut", 320 * MIB);

	put_up(id, &xfs);
	EQUAL(rig_run((const char *[]){ "xfs_io", "-x", "-c", "shutdown", rig.target, NULL }), 0);
	SAME(health(id), "2 FileSystemError");
	OK(strstr(condition(id, rig.target), "FileSystemError: ") != NULL);
	take_down(id);
	put_up(id, &xfs);
	SAME(health(id), "");
	take_down(id);
}

/* Flips a bit of the file's data where it lies in the image. */
static bool spoil(const char *image, const char *words)
{
	fl_cleanup(fl_close) int fd = open(image, O_RDWR | O_CLOEXEC);
	char *text = malloc(256 * MIB), *at;
	ssize_t size = fd < 0 || !text ? -1 : pread(fd, text, 256 * MIB, 0);
	bool spoilt = false;

	for (at = text;
	     size > 0 && (at = memmem(at, (size_t)(size - (at - text)), words, strlen(words)));
	     at++)
		spoilt = pwrite(fd, "X", 1, at - text) == 1;
	free(text);
	return spoilt && fsync(fd) == 0;
}

static void a_btrfs_that_read_rubbish_is_told(void)
{
	const char *id = rig_volume(&rig, "rubbish", 256 * MIB);
	char *words = fl_arena_alloc(rig.arena, 8193);

	memset(words, 'w', 8192);
	memcpy(words, "nobody else writes this", 23);
	put_up(id, &btrfs);
	OK(rig_write_file(rig.target, "a", words));
	take_down(id);
	OK(spoil(rig_image(&rig, id), "nobody else writes this"));
	put_up(id, &btrfs);
	SAME(health(id), "");
	OK(!rig_file_says(rig.target, "a", words));
	SAME(health(id), "3 FileSystemCorrupted");
	OK(rig_run((const char *[]){ "btrfs", "device", "stats", "--reset", rig.target, NULL }) ==
	   0);
	SAME(health(id), "");
	take_down(id);
}

static void a_failure_is_remembered_until_it_is_over(void)
{
	const char *id = rig_volume(&rig, "refused", 64 * MIB);

	rig_own(&rig, id, "n2", false);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_IN_USE);
	FAILS(rig_publish(&rig, id, rig.target, &ext4, &test_error), FL_IN_USE);
	SAME(health(id), "2 StageFailed, 2 PublishFailed");
	rig_kill_server(&rig);
	rig_start_server(&rig);
	SAME(health(id), "2 StageFailed, 2 PublishFailed");
	rig_own(&rig, id, "n1", false);
	WORKS(rig_stage(&rig, id, &ext4, &test_error));
	SAME(health(id), "2 PublishFailed");
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	SAME(health(id), "");
	take_down(id);
	rig_own(&rig, id, "n2", false);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_IN_USE);
	WORKS(rig_unstage(&rig, id, &test_error));
	SAME(health(id), "");
}

static size_t count_failures(void)
{
	const char *folder = fl_arena_printf(rig.arena, "%s/state/failures", rig.root);
	fl_cleanup(fl_closedir) DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	return n;
}

static void failures_are_bounded_and_the_oldest_goes(void)
{
	const char *id = rig_volume(&rig, "crowded", 64 * MIB);
	const char *folder = fl_arena_printf(rig.arena, "%s/state/failures", rig.root);

	for (unsigned i = 0; i < 1000; i++)
		OK(rig_write_file(folder, fl_arena_printf(rig.arena, "%u.stage", i), "old"));
	rig_own(&rig, id, "n2", false);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_IN_USE);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_IN_USE);
	EQUAL(count_failures(), 1000);
	SAME(health(id), "2 StageFailed");
	WORKS(rig_unstage(&rig, id, &test_error));
	EQUAL(count_failures(), 999);
	EQUAL(rig_run((const char *[]){ "find", folder, "-type", "f", "-delete", NULL }), 0);
}

static void what_is_not_published_is_told(void)
{
	const char *id = rig_volume(&rig, "unmounted", 64 * MIB), *text = "";

	put_up(id, &ext4);
	EQUAL(rig_run((const char *[]){ "umount", rig.target, NULL }), 0);
	SAME(health(id), "");
	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	SAME(text, "2 NotPublished");
	WORKS(rig_publish(&rig, id, rig.target, &ext4, &test_error));
	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	SAME(text, "");
	FAILS(rig_health(&rig, id, "../a", &text, &test_error), FL_INVALID);
	take_down(id);
}

static void a_storage_that_is_gone_is_told(void)
{
	const char *pool = fl_arena_printf(rig.arena, "%s/pool", rig.root);
	const char *aside = fl_arena_printf(rig.arena, "%s/aside", rig.root), *text = "";
	const char *id = rig_volume(&rig, "far", 64 * MIB);

	OK(rename(pool, aside) == 0);
	SAME(health(id), "2 StorageUnreachable");
	WORKS(rig_storage_health(&rig, &text, &test_error));
	SAME(text, "2 DirectoryGone");
	OK(rename(aside, pool) == 0);
	SAME(health(id), "");
}

static const struct test tests[] = {
	{ "a healthy volume has nothing to say", a_healthy_volume_has_nothing_to_say },
	{ "a raw volume has nothing to say", a_raw_volume_has_nothing_to_say },
	{ "what is not there is not found", what_is_not_there_is_not_found },
	{ "an image cut off below its device is told", an_image_cut_off_below_its_device_is_told },
	{ "an image deleted below its device is told", an_image_deleted_below_its_device_is_told },
	{ "a volume deleted below its device is told", a_volume_deleted_below_its_device_is_told },
	{ "an ext4 that met an error is told until it is repaired",
	  an_ext4_that_met_an_error_is_told_until_it_is_repaired },
	{ "an xfs that shut itself down is told", an_xfs_that_shut_itself_down_is_told },
	{ "a btrfs that read rubbish is told", a_btrfs_that_read_rubbish_is_told },
	{ "a failure is remembered until it is over", a_failure_is_remembered_until_it_is_over },
	{ "failures are bounded, and the oldest goes", failures_are_bounded_and_the_oldest_goes },
	{ "what is not published is told", what_is_not_published_is_told },
	{ "a storage that is gone is told", a_storage_that_is_gone_is_told },
};

int main(int argc, char **argv)
{
	int status;

	if (!rig_start(&rig))
		return 77;
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) ? 1 : status;
}
