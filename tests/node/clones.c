/* SPDX-License-Identifier: Apache-2.0 */
/* A clone begins with its origin's UUID, and is used beside it on the same node. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;

/* Where the volumes of a test are staged, beside rig.staging. */
static const char *at(const char *name)
{
	return fl_arena_printf(rig.arena, "%s/at-%s", rig.root, name);
}

static int stage_at(const char *id, const char *path, const struct rig_use *use)
{
	const char *own = fl_arena_strdup(rig.arena, rig.staging);
	int rc;

	snprintf(rig.staging, sizeof(rig.staging), "%s", path);
	rc = rig_stage(&rig, id, use, &test_error);
	snprintf(rig.staging, sizeof(rig.staging), "%s", own);
	return rc;
}

static int unstage_at(const char *id, const char *path)
{
	const char *own = fl_arena_strdup(rig.arena, rig.staging);
	int rc;

	snprintf(rig.staging, sizeof(rig.staging), "%s", path);
	rc = rig_unstage(&rig, id, &test_error);
	snprintf(rig.staging, sizeof(rig.staging), "%s", own);
	if (rc == 0 && rmdir(path) < 0)
		return fl_error_set(&test_error, FL_INTERNAL, "%s is not empty", path);
	return rc;
}

/* A volume with a file system on it and a file that says "origin"; not staged any more. */
static const char *origin(const char *name, const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs };
	const char *id = rig_volume(&rig, name, size);

	WORKS(stage_at(id, at("make"), &use));
	OK(rig_write_file(at("make"), "who", "origin"));
	WORKS(unstage_at(id, at("make")));
	return id;
}

static void clones_live_side_by_side(const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs };
	const char *a = origin(fl_arena_printf(rig.arena, "origin-%s", fs), fs, size);
	const char *b = rig_clone(&rig, fl_arena_printf(rig.arena, "first-%s", fs), a);
	const char *c = rig_clone(&rig, fl_arena_printf(rig.arena, "second-%s", fs), a);

	WORKS(stage_at(a, at("a"), &use));
	OK(rig_write_file(at("a"), "who", "changed"));
	WORKS(stage_at(b, at("b"), &use));
	WORKS(stage_at(c, at("c"), &use));
	OK(rig_file_says(at("b"), "who", "origin"), "a clone shows its own data");
	OK(rig_write_file(at("b"), "who", "clone"));
	OK(rig_file_says(at("a"), "who", "changed"), "the origin shows its own");
	OK(rig_file_says(at("c"), "who", "origin"), "and so does the other clone");
	SAME(rig_record(&rig, a, FL_RECORD_UUID), "");
	EQUAL(strlen(rig_record(&rig, b, FL_RECORD_UUID)), 36);
	OK(strcmp(rig_record(&rig, b, FL_RECORD_UUID), rig_record(&rig, c, FL_RECORD_UUID)) != 0);
	WORKS(unstage_at(c, at("c")));
	WORKS(unstage_at(b, at("b")));
	WORKS(unstage_at(a, at("a")));
	OK(rig_is_clean(&rig));
}

/* The clone is of a moment at which the file system was in use: its log is not empty.  And there is
 * a clone of it in turn. */
static void a_clone_of_a_used_one_lives(const char *fs, uint64_t size)
{
	struct rig_use use = { .fs = fs };
	const char *a = origin(fl_arena_printf(rig.arena, "used-%s", fs), fs, size);
	const char *b, *c, *uuid;

	WORKS(stage_at(a, at("a"), &use));
	OK(rig_write_file(at("a"), "late", "file"));
	b = rig_clone(&rig, fl_arena_printf(rig.arena, "of-used-%s", fs), a);
	WORKS(stage_at(b, at("b"), &use));
	OK(rig_file_says(at("b"), "late", "file"), "what was written before the cut is there");
	uuid = rig_record(&rig, b, FL_RECORD_UUID);
	c = rig_clone(&rig, fl_arena_printf(rig.arena, "of-clone-%s", fs), b);
	SAME(rig_record(&rig, c, FL_RECORD_UUID), "");
	WORKS(stage_at(c, at("c"), &use));
	OK(rig_file_says(at("c"), "who", "origin"));
	WORKS(unstage_at(c, at("c")));
	WORKS(unstage_at(b, at("b")));
	WORKS(stage_at(b, at("b"), &use));
	SAME(rig_record(&rig, b, FL_RECORD_UUID), uuid);
	WORKS(unstage_at(b, at("b")));
	WORKS(unstage_at(a, at("a")));
	OK(rig_is_clean(&rig));
}

static void xfs_clones_live_side_by_side(void)
{
	clones_live_side_by_side("xfs", 320 * MIB);
	a_clone_of_a_used_one_lives("xfs", 320 * MIB);
}

static void btrfs_clones_live_side_by_side(void)
{
	clones_live_side_by_side("btrfs", 128 * MIB);
	a_clone_of_a_used_one_lives("btrfs", 128 * MIB);
}

static void ext4_clones_live_side_by_side(void)
{
	struct rig_use use = { .fs = "ext4" };
	const char *a = origin("origin-ext4", "ext4", 32 * MIB);
	const char *b = rig_clone(&rig, "copy-ext4", a);

	WORKS(stage_at(a, at("a"), &use));
	WORKS(stage_at(b, at("b"), &use));
	SAME(rig_record(&rig, b, FL_RECORD_UUID), "");
	WORKS(unstage_at(b, at("b")));
	WORKS(unstage_at(a, at("a")));
	OK(rig_is_clean(&rig));
}

/* Who only reads it changes nothing of it. */
static void a_clone_that_is_read_keeps_its_uuid(void)
{
	struct rig_use reader = { .fs = "xfs", .mode = 2 };
	const char *a = origin("origin-read", "xfs", 320 * MIB);
	const char *b = rig_clone(&rig, "copy-read", a);

	WORKS(stage_at(a, at("a"), &(struct rig_use){ .fs = "xfs" }));
	WORKS(stage_at(b, at("b"), &reader));
	OK(rig_file_says(at("b"), "who", "origin"));
	SAME(rig_record(&rig, b, FL_RECORD_UUID), "");
	WORKS(unstage_at(b, at("b")));
	WORKS(unstage_at(a, at("a")));
	OK(rig_is_clean(&rig));
}

static const char *const new_uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/* The service was killed after it wrote the record, and perhaps did `half` of the work. */
static void a_change_is_completed(const char *fs, uint64_t size, const char *name,
				  void (*half)(const char *image))
{
	struct rig_use use = { .fs = fs };
	const char *a = origin(fl_arena_printf(rig.arena, "%s-origin", name), fs, size);
	const char *b = rig_clone(&rig, name, a);

	rig_set_record(&rig, b, FL_RECORD_UUID,
		       fl_arena_printf(rig.arena, "changing:%s", new_uuid));
	if (half)
		half(rig_image(&rig, b));
	FAILS(rig_publish(&rig, b, rig.target, &(struct rig_use){ 0 }, &test_error), FL_IN_USE);
	WORKS(stage_at(a, at("a"), &use));
	WORKS(stage_at(b, at("b"), &use));
	SAME(rig_record(&rig, b, FL_RECORD_UUID), new_uuid);
	OK(rig_file_says(at("b"), "who", "origin"), "the data is there");
	WORKS(unstage_at(b, at("b")));
	WORKS(unstage_at(a, at("a")));
	OK(rig_is_clean(&rig));
}

/* xfs_db was killed at a write of the log. */
static void tear_xfs(const char *image)
{
	const char *change = fl_arena_printf(rig.arena, "uuid %s", new_uuid);

	OK(rig_run((const char *[]){ "strace", "-f", "-o", "/dev/null", "-e", "trace=pwrite64",
				     "-e", "inject=pwrite64:signal=KILL:when=40", "xfs_db", "-x",
				     "-p", "xfs_admin", "-c", change, image, NULL }) != 0,
	   "it was killed");
}

static void an_xfs_change_is_completed(void)
{
	a_change_is_completed("xfs", 320 * MIB, "xfs-begun", NULL);
	a_change_is_completed("xfs", 320 * MIB, "xfs-torn", tear_xfs);
}

#define BTRFS_FIRST (64 << 10) /* where the superblock's copies begin */
#define BTRFS_SECOND (64 << 20)
#define BLOCK 4096

/* Takes `size` bytes of one image into another. */
static void take_bytes(const char *from, const char *to, off_t offset, size_t size)
{
	fl_cleanup(fl_close) int in = open(from, O_RDONLY | O_CLOEXEC);
	fl_cleanup(fl_close) int out = open(to, O_WRONLY | O_CLOEXEC);
	char bytes[BLOCK];

	OK(size <= BLOCK && pread(in, bytes, size, offset) == (ssize_t)size &&
	   pwrite(out, bytes, size, offset) == (ssize_t)size);
}

/* Killed before the first copy of the superblock was written (torn 0), or while it was. */
static void btrfs_is_torn(const char *a, unsigned torn)
{
	struct rig_use use = { .fs = "btrfs" };
	const char *b = rig_clone(&rig, fl_arena_printf(rig.arena, "btrfs-torn-%u", torn), a);
	const char *before = at("before"), *after = at("after");
	const char *image = rig_image(&rig, b), *uuid;

	EQUAL(rig_run((const char *[]){ "cp", image, before, NULL }), 0);
	WORKS(stage_at(b, at("b"), &use));
	uuid = rig_record(&rig, b, FL_RECORD_UUID);
	WORKS(unstage_at(b, at("b")));
	EQUAL(rig_run((const char *[]){ "cp", image, after, NULL }), 0);
	if (torn == 0)
		EQUAL(rig_run((const char *[]){ "cp", before, image, NULL }), 0);
	take_bytes(after, image, BTRFS_SECOND, BLOCK);
	take_bytes(before, image, BTRFS_FIRST + (off_t)torn, BLOCK - torn);
	rig_set_record(&rig, b, FL_RECORD_UUID, fl_arena_printf(rig.arena, "changing:%s", uuid));
	WORKS(stage_at(b, at("b"), &use));
	SAME(rig_record(&rig, b, FL_RECORD_UUID), uuid);
	OK(rig_file_says(at("b"), "who", "origin"), "the data is there");
	WORKS(unstage_at(b, at("b")));
	unlink(before);
	unlink(after);
}

static void a_btrfs_change_is_completed(void)
{
	const char *a;

	a_change_is_completed("btrfs", 128 * MIB, "btrfs-begun", NULL);
	a = origin("btrfs-torn-origin", "btrfs", 128 * MIB);
	for (unsigned torn = 0; torn < 2048; torn += 512)
		btrfs_is_torn(a, torn);
	OK(rig_is_clean(&rig));
}

static const struct test tests[] = {
	{ "xfs clones live side by side", xfs_clones_live_side_by_side },
	{ "btrfs clones live side by side", btrfs_clones_live_side_by_side },
	{ "ext4 clones live side by side", ext4_clones_live_side_by_side },
	{ "a clone that is read keeps its UUID", a_clone_that_is_read_keeps_its_uuid },
	{ "a change of an xfs that was cut off is completed", an_xfs_change_is_completed },
	{ "a change of a btrfs that was cut off is completed", a_btrfs_change_is_completed },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
