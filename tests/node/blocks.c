/* SPDX-License-Identifier: Apache-2.0 */
/* Raw block volumes: the device is made when it is published, and proven to be gone when unstaged. */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/blockdev.h"
#include "node/mount.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;
static const struct rig_use block;

static bool is_block(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

static uint64_t device_size(const char *path)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t size = 0;

	return fd >= 0 && ioctl(fd, BLKGETSIZE64, &size) == 0 ? size : 0;
}

static uint32_t loop_flags(const char *path)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct loop_info64 info = { 0 };

	return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 ? info.lo_flags : 0;
}

static bool write_at(const char *path, const char *text)
{
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text) &&
	       fsync(fd) == 0;
}

static bool says_at(const char *path, const char *text)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char got[64] = "";

	return fd >= 0 && pread(fd, got, strlen(text), 0) >= 0 && strcmp(got, text) == 0;
}

/* From blank to unstaged. */
static void live(const char *name)
{
	const char *id = rig_volume(&rig, name, 8 * MIB);
	uint64_t bytes, inodes;

	WORKS(rig_stage(&rig, id, &block, &test_error));
	WORKS(rig_stage(&rig, id, &block, &test_error));
	SAME(rig_format(&rig, id), "raw");
	OK(rig_loop(&rig, id) == NULL, "no device before it is published");
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	OK(is_block(rig.target));
	EQUAL(device_size(rig.target), 8 * MIB);
	WORKS(rig_publish(&rig, id, rig.other_target, &block, &test_error));
	OK(rig_loop(&rig, id) != NULL, "one device for both");
	OK(write_at(rig.target, "hello") && says_at(rig_image(&rig, id), "hello"));

	WORKS(rig_stats(&rig, id, rig.target, &bytes, &inodes, &test_error));
	EQUAL(bytes, 8 * MIB);
	EQUAL(inodes, 0);
	rig_grow(&rig, id, 16 * MIB);
	WORKS(rig_expand(&rig, id, rig.target, 16 * MIB, &bytes, &test_error));
	EQUAL(bytes, 16 * MIB);
	EQUAL(device_size(rig.target), 16 * MIB);

	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(is_block(rig.other_target), "the other target stays");
	WORKS(rig_unpublish(&rig, id, rig.other_target, &test_error));
	WORKS(rig_expand(&rig, id, rig.staging, 0, &bytes, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
	OK(says_at(rig_image(&rig, id), "hello"));
}

static void a_block_volume_lives(void)
{
	OK(mkdir(rig.staging, 0700) == 0, "the orchestrator makes the staging directory");
	live("block");
	OK(access(rig.staging, F_OK) == 0, "the staging directory stays");
}

static void it_lives_through_restarts(void)
{
	rig.restarts = true;
	live("block-restarts");
	rig.restarts = false;
}

static void devices_use_direct_io(void)
{
	const char *id = rig_volume(&rig, "direct", 8 * MIB);

	WORKS(rig_stage(&rig, id, &block, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	fl_cleanup(fl_close) int fd = open(rig_image(&rig, id), O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd >= 0)
		OK(loop_flags(rig.target) & LO_FLAGS_DIRECT_IO);
	OK(!(loop_flags(rig.target) & (LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN)));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void a_reader_gets_a_read_only_device(void)
{
	struct rig_use reader = { .read_only = true };
	const char *id = rig_volume(&rig, "reader", 8 * MIB);

	WORKS(rig_stage(&rig, id, &(struct rig_use){ .mode = 2 }, &test_error));
	SAME(rig_format(&rig, id), "never");
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	SAME(rig_format(&rig, id), "never");
	OK(!write_at(rig.target, "hello"), "nobody can write");
	FAILS(rig_publish(&rig, id, rig.other_target, &block, &test_error), FL_IN_USE);
	OK(access(rig.other_target, F_OK) < 0, "the refused target was not made");
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	/* Nothing shows the device any more: it is made anew, for writing. */
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	OK(write_at(rig.target, "hello"));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void single_writer_means_one_path(void)
{
	struct rig_use use = { .mode = 6 };
	const char *id = rig_volume(&rig, "single", 8 * MIB);

	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	FAILS(rig_publish(&rig, id, rig.other_target, &use, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void a_file_is_never_taken_for_the_device(void)
{
	const char *id = rig_volume(&rig, "file", 8 * MIB);
	uint64_t n;
	int fd;

	WORKS(rig_stage(&rig, id, &block, &test_error));
	fd = open(rig.target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	OK(write(fd, "precious", 8) == 8);
	fl_close(&fd);
	FAILS(rig_publish(&rig, id, rig.target, &block, &test_error), FL_IN_USE);
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	OK(says_at(rig.target, "precious"), "the file is untouched");
	OK(rig_loop(&rig, id) == NULL, "the refused publish leaves no device");
	unlink(rig.target);
	OK(mkdir(rig.target, 0700) == 0);
	FAILS(rig_publish(&rig, id, rig.target, &block, &test_error), FL_IN_USE);
	rmdir(rig.target);

	/* Swapped behind our back. */
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	OK(umount(rig.target) == 0 && truncate(rig.target, 4096) == 0);
	FAILS(rig_publish(&rig, id, rig.target, &block, &test_error), FL_IN_USE);
	FAILS(rig_stats(&rig, id, rig.target, &n, &n, &test_error), FL_NOT_FOUND);
	FAILS(rig_expand(&rig, id, rig.target, 0, &n, &test_error), FL_NOT_FOUND);
	unlink(rig.target);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void another_device_at_the_target_is_left_alone(void)
{
	const char *a = rig_volume(&rig, "one", 8 * MIB);
	const char *b = rig_volume(&rig, "two", 8 * MIB);

	WORKS(rig_publish(&rig, a, rig.target, &block, &test_error));
	FAILS(rig_publish(&rig, b, rig.target, &block, &test_error), FL_IN_USE);
	FAILS(rig_unpublish(&rig, b, rig.target, &test_error), FL_IN_USE);
	OK(rig_loop(&rig, b) == NULL);
	OK(is_block(rig.target) && rig_loop(&rig, a), "it is still the first one's");
	WORKS(rig_unpublish(&rig, a, rig.target, &test_error));
	WORKS(rig_unstage(&rig, a, &test_error));
	WORKS(rig_unstage(&rig, b, &test_error));
	OK(rig_is_clean(&rig));
}

static void an_open_device_stays(void)
{
	const char *id = rig_volume(&rig, "open", 8 * MIB);

	WORKS(rig_stage(&rig, id, &block, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	for (int exclusive = 0; exclusive < 2; exclusive++) {
		const char *loop = rig_loop(&rig, id);
		int fd = open(loop, O_RDWR | O_CLOEXEC | (exclusive ? O_EXCL : 0));

		OK(fd >= 0);
		if (!exclusive)
			WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
		FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
		OK(!(loop_flags(loop) & LO_FLAGS_AUTOCLEAR), "it will not vanish by itself");
		OK(pwrite(fd, "still", 5, 0) == 5, "who has it open goes on writing");
		fl_close(&fd);
		OK(rig_loop(&rig, id) != NULL, "it is there after the last close");
	}
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(says_at(rig_image(&rig, id), "still"));
	OK(rig_is_clean(&rig));
}

static void a_deleted_image_can_be_unstaged(void)
{
	const char *id = rig_volume(&rig, "deleted", 8 * MIB);

	WORKS(rig_stage(&rig, id, &block, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	OK(unlink(rig_image(&rig, id)) == 0);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void a_replaced_image_is_noticed(void)
{
	const char *id = rig_volume(&rig, "replaced", 8 * MIB);
	const char *image = rig_image(&rig, id);
	const char *aside = fl_arena_printf(rig.arena, "%s/aside", rig.root);

	WORKS(rig_stage(&rig, id, &block, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	EQUAL(rig_run((const char *[]){ "cp", image, aside, NULL }), 0);
	OK(rename(aside, image) == 0);
	FAILS(rig_publish(&rig, id, rig.other_target, &block, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void somebody_elses_device_is_left_alone(void)
{
	const char *id = rig_volume(&rig, "elses", 8 * MIB);

	EQUAL(rig_run((const char *[]){ "losetup", "--find", rig_image(&rig, id), NULL }), 0);
	const char *loop = rig_loop(&rig, id);

	OK(loop != NULL);
	FAILS(rig_publish(&rig, id, rig.target, &block, &test_error), FL_IN_USE);
	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	OK(rig_loop(&rig, id) != NULL, "it is still there");
	EQUAL(rig_run((const char *[]){ "losetup", "--detach", loop, NULL }), 0);
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void ours_is_found_beside_somebody_elses(void)
{
	const char *id = rig_volume(&rig, "beside", 8 * MIB);
	char loop[32];

	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	snprintf(loop, sizeof(loop), "%s", rig_loop(&rig, id));
	EQUAL(rig_run((const char *[]){ "losetup", "--find", rig_image(&rig, id), NULL }), 0);
	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	/* Ours goes; that the image is free cannot be proven. */
	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	const char *other = rig_loop(&rig, id);

	OK(other && strcmp(other, loop) != 0, "the other one is left");
	EQUAL(rig_run((const char *[]){ "losetup", "--detach", other, NULL }), 0);
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

/* Kind "block": used as it is, here by a link, as LVM has them. */
static void a_device_of_the_node_is_used_as_it_is(void)
{
	struct fl_op op = { .id = "test",
			    .deadline = fl_clock_after_ms(30000),
			    .arena = rig.arena };
	const char *id = rig_volume(&rig, "asis", 8 * MIB);
	const char *link = fl_arena_printf(rig.arena, "%s/device", rig.root);
	struct fl_source source = { .kind = FL_SOURCE_BLOCK, .size_bytes = 8 * MIB };
	struct connection c;
	bool found;

	EQUAL(rig_run((const char *[]){ "losetup", "--find", rig_image(&rig, id), NULL }), 0);
	const char *loop = rig_loop(&rig, id);

	OK(symlink(loop, link) == 0);
	source.block.path = link;
	WORKS(connect_check(&op, &source, &test_error));
	WORKS(connect_find(&op, id, &source, &found, &c, &test_error));
	OK(found);
	WORKS(connect_make(&op, id, &source, false, &c, &c, &test_error));
	SAME(c.path, loop);
	EQUAL(c.size_bytes, 8 * MIB);
	WORKS(blockdev_publish(rig.arena, &c, rig.target, &test_error));
	WORKS(blockdev_publish(rig.arena, &c, rig.target, &test_error));
	OK(is_block(rig.target));
	WORKS(mount_remove(rig.arena, rig.target, &c, &test_error));
	OK(!is_block(rig.target) && unlink(rig.target) == 0);

	source.size_bytes = 16 * MIB;
	FAILS(connect_make(&op, id, &source, false, &c, &c, &test_error), FL_IN_USE);
	int fd = open(loop, O_RDONLY | O_EXCL | O_CLOEXEC);

	FAILS(connect_remove(&op, id, &source, &test_error), FL_IN_USE);
	fl_close(&fd);
	WORKS(connect_remove(&op, id, &source, &test_error));
	source.block.identity = "lvm:uuid";
	FAILS(connect_check(&op, &source, &test_error), FL_UNSUPPORTED);
	source.block = (struct fl_source_block){ .path = rig_image(&rig, id) };
	FAILS(connect_check(&op, &source, &test_error), FL_IN_USE);
	source.kind = FL_SOURCE_RBD;
	FAILS(connect_check(&op, &source, &test_error), FL_UNSUPPORTED);
	EQUAL(rig_run((const char *[]){ "losetup", "--detach", loop, NULL }), 0);
	OK(rig_is_clean(&rig));
}

static void a_truncated_image_is_refused(void)
{
	const char *id = rig_volume(&rig, "short", 8 * MIB);
	struct fl_source source = rig_source(&rig, id);
	struct rig_use use = { .source = &source };

	OK(truncate(source.file.path, 4 * MIB) == 0);
	FAILS(rig_stage(&rig, id, &use, &test_error), FL_IN_USE);
	FAILS(rig_publish(&rig, id, rig.target, &use, &test_error), FL_IN_USE);
	OK(rig_is_clean(&rig));
}

static void a_file_system_is_no_block_volume(void)
{
	struct rig_use ext4 = { .fs = "ext4" };
	const char *id = rig_volume(&rig, "fs", 32 * MIB);

	WORKS(rig_stage(&rig, id, &ext4, &test_error));
	FAILS(rig_stage(&rig, id, &block, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &block, &test_error), FL_IN_USE);
	WORKS(rig_unstage(&rig, id, &test_error));
	FAILS(rig_publish(&rig, id, rig.target, &ext4, &test_error), FL_IN_USE);
	OK(rig_is_clean(&rig));
}

static const struct test tests[] = {
	{ "a block volume lives", a_block_volume_lives },
	{ "it lives through restarts", it_lives_through_restarts },
	{ "devices use direct I/O", devices_use_direct_io },
	{ "a reader gets a read-only device", a_reader_gets_a_read_only_device },
	{ "single writer means one path", single_writer_means_one_path },
	{ "a file is never taken for the device", a_file_is_never_taken_for_the_device },
	{ "another device at the target is left alone",
	  another_device_at_the_target_is_left_alone },
	{ "an open device stays", an_open_device_stays },
	{ "a deleted image can be unstaged", a_deleted_image_can_be_unstaged },
	{ "a replaced image is noticed", a_replaced_image_is_noticed },
	{ "somebody else's device is left alone", somebody_elses_device_is_left_alone },
	{ "ours is found beside somebody else's", ours_is_found_beside_somebody_elses },
	{ "a device of the node is used as it is", a_device_of_the_node_is_used_as_it_is },
	{ "a truncated image is refused", a_truncated_image_is_refused },
	{ "a file system is no block volume", a_file_system_is_no_block_volume },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
