/* SPDX-License-Identifier: Apache-2.0 */
/* mkfs never runs over anybody's data.  What is asked is always the same: was the image changed? */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/content.h"
#include "node/format.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)
#define SIZE (32 * MIB)

static struct rig rig;
static const struct rig_use ext4 = { .fs = "ext4" };

static void write_at(const char *path, uint64_t offset, const char *text)
{
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	OK(fd >= 0 && pwrite(fd, text, strlen(text), (off_t)offset) == (ssize_t)strlen(text));
}

static const char *hash_of(const char *path)
{
	static char hash[65];
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	fl_cleanup(fl_free) char *data = malloc((size_t)size + 1);

	OK(fd >= 0 && data && pread(fd, data, (size_t)size, 0) == size);
	fl_text_sha256(data, (size_t)size, hash);
	return fl_arena_strdup(rig.arena, hash);
}

/* Staging is refused with that code; image and record are as they were. */
static void image_refused_as(const char *id, const char *image, const struct rig_use *use,
			     enum fl_error_code code)
{
	const char *before = hash_of(image);
	const char *record = rig_format(&rig, id);

	FAILS(rig_stage(&rig, id, use, &test_error), code);
	SAME(hash_of(image), before);
	SAME(rig_format(&rig, id), record);
	OK(rig_is_clean(&rig));
}

static void refused_as(const char *id, const struct rig_use *use, enum fl_error_code code)
{
	image_refused_as(id, rig_image(&rig, id), use, code);
}

static void data_at_the_edges_is_kept(void)
{
	static const uint64_t places[] = { 0, MIB - 7, SIZE - MIB, SIZE - 7 };

	for (size_t i = 0; i < FL_COUNT(places); i++) {
		const char *id = rig_volume(&rig, fl_arena_printf(rig.arena, "edge-%zu", i), SIZE);

		write_at(rig_image(&rig, id), places[i], "my data");
		refused_as(id, &ext4, FL_IN_USE);
	}
}

static void another_file_system_is_named(void)
{
	const char *id = rig_volume(&rig, "other", 128 * MIB);
	struct rig_use btrfs = { .fs = "btrfs" };

	WORKS(rig_stage(&rig, id, &btrfs, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	refused_as(id, &ext4, FL_IN_USE);
	OK(strstr(test_error.text, "btrfs") && strstr(test_error.text, "ext4"), "%s",
	   test_error.text);
}

static void a_partition_table_is_kept(void)
{
	const char *id = rig_volume(&rig, "parts", SIZE);

	/* A partition of type 0x83 from sector 2048, and the signature. */
	write_at(rig_image(&rig, id), 446 + 4, "\x83");
	write_at(rig_image(&rig, id), 446 + 9, "\x08");
	write_at(rig_image(&rig, id), 446 + 13, "\x10");
	write_at(rig_image(&rig, id), 510, "\x55\xaa");
	refused_as(id, &ext4, FL_IN_USE);
	OK(strstr(test_error.text, "partition table"), "%s", test_error.text);
}

static void a_raw_volume_is_never_formatted(void)
{
	const char *id = rig_volume(&rig, "raw", SIZE);

	rig_set_record(&rig, id, FL_RECORD_FORMAT, "raw");
	refused_as(id, &ext4, FL_IN_USE);
}

static void a_lost_file_system_is_not_made_again(void)
{
	const char *id = rig_volume(&rig, "lost", SIZE);
	const char *image = rig_image(&rig, id);

	WORKS(rig_stage(&rig, id, &ext4, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(truncate(image, 0) == 0 && truncate(image, (off_t)SIZE) == 0);
	refused_as(id, &ext4, FL_IN_USE);
}

static void a_reader_formats_nothing(void)
{
	const char *id = rig_volume(&rig, "blank", SIZE);

	refused_as(id, &(struct rig_use){ .fs = "ext4", .mode = 2 }, FL_IN_USE);
}

static void a_truncated_image_is_not_formatted(void)
{
	const char *id = rig_volume(&rig, "short", SIZE);
	struct fl_source source = rig_source(&rig, id);

	OK(truncate(source.file.path, (off_t)SIZE / 2) == 0);
	image_refused_as(id, source.file.path, &(struct rig_use){ .fs = "ext4", .source = &source },
			 FL_IN_USE);
	/* The pool, when it is asked, knows that its volume is damaged. */
	image_refused_as(id, source.file.path, &ext4, FL_INTERNAL);
}

static void an_interrupted_mkfs_is_repeated(void)
{
	const char *id = rig_volume(&rig, "cut", 320 * MIB);

	rig_set_record(&rig, id, FL_RECORD_FORMAT, "formatting:xfs");
	EQUAL(rig_run((const char *[]){ "mkfs.xfs", "-q", rig_image(&rig, id), NULL }), 0);
	/* Also as another kind: nobody has ever mounted it. */
	WORKS(rig_stage(&rig, id, &ext4, &test_error));
	SAME(rig_format(&rig, id), "ext4");
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

static void mkfs_options_are_taken(void)
{
	const char *id = rig_volume(&rig, "options", SIZE);
	uint64_t bytes, inodes;

	for (size_t i = 0; i < 4; i++) {
		static const char *const bad[] = { "-d /etc", "-J device=/dev/loop0", "-F", "-N" };
		refused_as(id, &(struct rig_use){ .fs = "ext4", .mkfs_options = bad[i] },
			   FL_INVALID);
	}
	WORKS(rig_stage(&rig, id,
			&(struct rig_use){ .fs = "ext4", .mkfs_options = "-N 512 -b 4096" },
			&test_error));
	WORKS(rig_stats(&rig, id, rig.staging, &bytes, &inodes, &test_error));
	OK(inodes <= 1024, "%ju inodes", (uintmax_t)inodes);
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

/* A device whose image was cut off under it: reads fail. */
static const char *unreadable_device(const char *id, struct connection *ret)
{
	const char *image = rig_image(&rig, id);
	const char *loop;

	EQUAL(rig_run((const char *[]){ "losetup", "--find", image, NULL }), 0);
	loop = rig_loop(&rig, id);
	OK(loop && truncate(image, 4096) == 0);
	*ret = (struct connection){ .path = loop, .name = "loop", .size_bytes = SIZE };
	return loop;
}

static void what_cannot_be_read_is_not_blank(void)
{
	struct fl_op op = { .id = "test",
			    .deadline = fl_clock_after_ms(30000),
			    .arena = rig.arena };
	const char *id = rig_volume(&rig, "unreadable", SIZE);
	struct format_target target = { .volume_id = id, .mkfs_words = (const char *[]){ NULL } };
	struct fl_object_id object;
	struct connection c;
	const char *loop = unreadable_device(id, &c);
	bool blank;

	WORKS(fl_object_id_parse(rig.arena, rig.pools, id, "volume", &object, &test_error));
	WORKS(filesystem_get("ext4", &target.type, &test_error));
	target.pool = object.pool;
	target.handle = object.handle;
	FAILS(content_is_blank(&c, &blank, &test_error), FL_INTERNAL);
	OK(format_prepare(&op, &target, &c, &test_error) < 0);
	SAME(rig_format(&rig, id), "never");
	/* Late, or never there. */
	c.path = "/dev/no-such-device";
	FAILS(format_prepare(&op, &target, &c, &test_error), FL_NOT_FOUND);
	SAME(rig_format(&rig, id), "never");
	EQUAL(rig_run((const char *[]){ "losetup", "--detach", loop, NULL }), 0);
	OK(rig_is_clean(&rig));
}

static void two_mkfs_never_meet(void)
{
	struct fl_op op = { .id = "test",
			    .deadline = fl_clock_after_ms(30000),
			    .arena = rig.arena };
	const char *id = rig_volume(&rig, "two", SIZE);
	const char *const words[] = { NULL };
	const struct filesystem *type;

	EQUAL(rig_run((const char *[]){ "losetup", "--find", rig_image(&rig, id), NULL }), 0);
	struct connection c = { .path = rig_loop(&rig, id), .size_bytes = SIZE };
	int fd = open(c.path, O_RDONLY | O_CLOEXEC);

	OK(flock(fd, LOCK_EX) == 0, "as a mkfs that outlived its service has it");
	WORKS(filesystem_get("ext4", &type, &test_error));
	FAILS(content_blank(&c, &test_error), FL_BUSY);
	FAILS(filesystem_make(&op, type, c.path, words, &test_error), FL_BUSY);
	fl_close(&fd);
	WORKS(content_blank(&c, &test_error));
	WORKS(filesystem_make(&op, type, c.path, words, &test_error));
	EQUAL(rig_run((const char *[]){ "losetup", "--detach", c.path, NULL }), 0);
	OK(rig_is_clean(&rig));
}

static const struct test tests[] = {
	{ "data at the edges is kept", data_at_the_edges_is_kept },
	{ "another file system is named", another_file_system_is_named },
	{ "a partition table is kept", a_partition_table_is_kept },
	{ "a raw volume is never formatted", a_raw_volume_is_never_formatted },
	{ "a lost file system is not made again", a_lost_file_system_is_not_made_again },
	{ "a reader formats nothing", a_reader_formats_nothing },
	{ "a truncated image is not formatted", a_truncated_image_is_not_formatted },
	{ "an interrupted mkfs is repeated", an_interrupted_mkfs_is_repeated },
	{ "mkfs options are taken", mkfs_options_are_taken },
	{ "what cannot be read is not blank", what_cannot_be_read_is_not_blank },
	{ "two mkfs never meet", two_mkfs_never_meet },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
