/* SPDX-License-Identifier: Apache-2.0 */
/* damage DIRECTORY: what torn, foreign and half-made files do to a pool of backend file: they are
 * named or passed over, never used, and never in the way of the others. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/pools.h"
#include "leftovers.h"
#include "life.h"
#include "tests/test.h"

#define SIZE (1ull << 20)

static const struct fl_backend *backend;
static const char *directory;
static struct fl_pool *pool;
static struct fl_op op;

static void create(const char *name)
{
	struct fl_volume_spec spec = { .name = name, .min_bytes = SIZE, .thin = true };
	struct fl_volume volume;

	WORKS(fl_volume_create(pool, &op, &spec, &volume, &test_error));
}

static const char *path_of(const char *name)
{
	return fl_arena_printf(op.arena, "%s/%s", directory, name);
}

static int count(void *cookie, const struct fl_volume *volume)
{
	(void)volume;
	++*(int *)cookie;
	return 0;
}

static int listed(void)
{
	int n = 0;

	WORKS(fl_volume_list(pool, &op, NULL, count, &n, &test_error));
	return n;
}

static void remove_all(void)
{
	WORKS(fl_volume_delete(pool, &op, "a", &test_error));
	WORKS(fl_volume_delete(pool, &op, "b", &test_error));
	EQUAL(leftovers_print(directory), 0);
}

static void a_torn_record_is_never_used(void)
{
	const char *path = path_of("volumes/a/owner");
	struct fl_record record;
	uint64_t version;
	struct stat st;

	create("a");
	create("b");
	WORKS(fl_volume_record_set(pool, &op, "a", "owner", 0, "{\"node\":\"n1\"}", &version,
				   &test_error));
	OK(stat(path, &st) == 0);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		OK(truncate(path, size) == 0);
		FAILS(fl_volume_record_get(pool, &op, "a", "owner", &record, &test_error),
		      FL_INTERNAL);
		OK(strstr(test_error.text, "owner is damaged") != NULL, "%s", test_error.text);
		FAILS(fl_volume_record_set(pool, &op, "a", "owner", 1, "x", &version, &test_error),
		      FL_INTERNAL);
	}
	remove_all();
}

/* Of records of the pool, which are of no volume. */
static void a_damaged_pool_record_is_never_used(void)
{
	const char *path = path_of("records/group-g");
	struct fl_record record;
	uint64_t version;
	struct stat st;

	WORKS(fl_pool_record_set(pool, &op, "group-g", 0, "{\"id\":\"g\"}", &version, &test_error));
	OK(stat(path, &st) == 0);
	for (off_t at = 0; at < st.st_size; at++) {
		fl_cleanup(fl_close) int fd = open(path, O_RDWR | O_CLOEXEC);
		unsigned char byte, flipped;

		OK(pread(fd, &byte, 1, at) == 1);
		flipped = (unsigned char)(byte ^ 1 << at % 7);
		OK(pwrite(fd, &flipped, 1, at) == 1);
		FAILS(fl_pool_record_get(pool, &op, "group-g", &record, &test_error), FL_INTERNAL);
		OK(strstr(test_error.text, "group-g is damaged") != NULL, "%s", test_error.text);
		OK(pwrite(fd, &byte, 1, at) == 1);
	}
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		OK(truncate(path, size) == 0);
		FAILS(fl_pool_record_get(pool, &op, "group-g", &record, &test_error), FL_INTERNAL);
		FAILS(fl_pool_record_set(pool, &op, "group-g", 1, "x", &version, &test_error),
		      FL_INTERNAL);
		FAILS(fl_pool_record_remove(pool, &op, "group-g", 1, &test_error), FL_INTERNAL);
	}
	OK(unlink(path) == 0);
	EQUAL(leftovers_print(directory), 0);
}

static void a_flipped_bit_is_found(void)
{
	const char *path = path_of("volumes/a/meta");
	fl_cleanup(fl_close) int fd = -1;
	struct fl_volume volume;
	struct stat st;

	create("a");
	create("b");
	fd = open(path, O_RDWR | O_CLOEXEC);
	OK(fd >= 0 && fstat(fd, &st) == 0);
	for (off_t at = 0; at < st.st_size; at++) {
		unsigned char byte, flipped;

		OK(pread(fd, &byte, 1, at) == 1);
		flipped = byte ^ 4;
		OK(pwrite(fd, &flipped, 1, at) == 1);
		FAILS(fl_volume_get(pool, &op, "a", &volume, &test_error), FL_INTERNAL);
		OK(strstr(test_error.text, "volume a is damaged") != NULL, "%s", test_error.text);
		OK(pwrite(fd, &byte, 1, at) == 1);
	}
	WORKS(fl_volume_get(pool, &op, "a", &volume, &test_error));
	remove_all();
}

static void a_damaged_volume_hides_no_other(void)
{
	struct fl_volume_spec spec = { .name = "a", .min_bytes = SIZE };
	struct fl_volume volume;

	create("a");
	create("b");
	OK(unlink(path_of("volumes/a/image")) == 0);
	EQUAL(listed(), 2);
	FAILS(fl_volume_get(pool, &op, "a", &volume, &test_error), FL_INTERNAL);
	FAILS(fl_volume_create(pool, &op, &spec, &volume, &test_error), FL_INTERNAL);
	remove_all();
}

static void foreign_files_are_passed_over(void)
{
	static const char *const files[] = { "volumes/notes.txt", "volumes/.hidden", "tmp/junk",
					     "trash/junk", "snapshots/x y" };
	struct fl_volume volume;
	struct fl_pool *again;

	create("a");
	create("b");
	for (size_t i = 0; i < FL_COUNT(files); i++) {
		fl_cleanup(fl_close) int fd =
			open(path_of(files[i]), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		OK(fd >= 0);
	}
	OK(mkdir(path_of("volumes/empty"), 0700) == 0);
	OK(symlink("a", path_of("volumes/link")) == 0);
	EQUAL(listed(), 2);
	OK(fl_volume_get(pool, &op, "link", &volume, &test_error) < 0, "a link was followed");
	WORKS(life_open(backend, directory, &again, &test_error));
	fl_pool_close(again);
	for (size_t i = 0; i < FL_COUNT(files); i++)
		OK(unlink(path_of(files[i])) == 0, "%s is gone", files[i]);
	OK(rmdir(path_of("volumes/empty")) == 0);
	OK(unlink(path_of("volumes/link")) == 0);
	remove_all();
}

static void interrupted_removals_are_ended(void)
{
	struct fl_pool *again;

	create("a");
	create("b");
	OK(rename(path_of("volumes/a"), path_of("trash/volume-a")) == 0);
	WORKS(life_open(backend, directory, &again, &test_error));
	fl_pool_close(again);
	OK(access(path_of("trash/volume-a"), F_OK) < 0);
	create("a");
	OK(rename(path_of("volumes/b"), path_of("trash/volume-b")) == 0);
	remove_all();
}

static void a_half_made_volume_is_made_anew(void)
{
	struct fl_volume volume;

	OK(mkdir(path_of("tmp/volume-a"), 0700) == 0);
	OK(mkdir(path_of("tmp/volume-a/image"), 0700) == 0);
	FAILS(fl_volume_get(pool, &op, "a", &volume, &test_error), FL_NOT_FOUND);
	create("a");
	create("b");
	OK(mkdir(path_of("tmp/volume-b"), 0700) == 0);
	remove_all();
}

/* The copy was decided, and its maker died before it could move it to its place. */
static void decide(const char *name)
{
	const char *folder = path_of(fl_arena_printf(op.arena, "tmp/volume-%s", name));
	fl_cleanup(fl_close) int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fl_record meta;
	char *flag;

	OK(dir_fd >= 0, "%s", folder);
	WORKS(fl_record_get(op.arena, dir_fd, "meta", &meta, &test_error));
	flag = strstr(meta.value, "\"ready\":false");
	OK(flag != NULL, "%s", meta.value);
	memcpy(flag, "\"ready\":true ", strlen("\"ready\":true "));
	WORKS(fl_record_compare_and_set(op.arena, dir_fd, "meta", meta.version, meta.value,
					&meta.version, &test_error));
}

static void a_decided_copy_is_the_volume(void)
{
	struct fl_volume_spec spec = { .name = "c",
				       .min_bytes = SIZE,
				       .content = { FL_CONTENT_VOLUME, "a" } };
	const struct fl_copy_target target = { .volume = &spec };
	struct fl_volume volume;
	struct fl_copy copy;

	if (!(pool->flags & FL_BACKEND_COPIES))
		SKIP("this pool does not copy");
	create("a");
	create("b");
	WORKS(fl_copy_begin(pool, &op, &target, &copy, &test_error));
	copy.cut_ns = 1;
	WORKS(fl_copy_started(pool, &op, &target, &copy, &test_error));
	decide("c");
	FAILS(fl_volume_get(pool, &op, "c", &volume, &test_error), FL_NOT_FOUND);
	spec.content.handle = "b";
	FAILS(fl_copy_begin(pool, &op, &target, &copy, &test_error), FL_EXISTS);
	WORKS(fl_volume_get(pool, &op, "c", &volume, &test_error));
	SAME(volume.content.handle, "a");
	WORKS(fl_volume_delete(pool, &op, "c", &test_error));
	remove_all();
}

static void a_missing_mount_is_refused(void)
{
	fl_cleanup(life_op_release) struct fl_op own = life_op();
	struct fl_pair pairs[] = { { "directory", directory }, { "mounted", "true" } };
	void *options = fl_arena_alloc(own.arena, backend->options_size);
	struct fl_pool *refused;

	WORKS(fl_config_fill_pairs(own.arena, pairs, 2, "the pool", backend->options,
				   backend->n_options, options, backend->options_size,
				   &test_error));
	FAILS(fl_pool_open(backend, &own, "p", options, &refused, &test_error), FL_UNAVAILABLE);
}

/* "ImageMissing" as DATA_LOSS is "2 ImageMissing"; what is healthy is "". */
static const char *health_of(const char *handle)
{
	struct fl_health health;
	const char *text = "";

	WORKS(fl_volume_health(pool, &op, handle, &health, &test_error));
	for (size_t i = 0; i < health.n; i++)
		text = fl_arena_printf(op.arena, "%s%s%d %s", text, i ? ", " : "",
				       (int)health.entries[i].status, health.entries[i].reason);
	return text;
}

static void flip(const char *path, off_t at)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte = 0;

	OK(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte ^= 4;
	OK(pwrite(fd, &byte, 1, at) == 1);
}

static void a_damaged_record_is_told(void)
{
	uint64_t version;

	create("a");
	create("b");
	WORKS(fl_volume_record_set(pool, &op, "a", "owner", 0, "{}", &version, &test_error));
	WORKS(fl_volume_record_set(pool, &op, "a", "note", 0, "{}", &version, &test_error));
	SAME(health_of("a"), "");
	flip(path_of("volumes/a/note"), 30);
	SAME(health_of("a"), "0 RecordDamaged");
	flip(path_of("volumes/a/owner"), 30);
	SAME(health_of("a"), "0 RecordDamaged, 1 RecordDamaged");
	flip(path_of("volumes/a/note"), 30);
	flip(path_of("volumes/a/owner"), 30);
	SAME(health_of("a"), "");
	flip(path_of("volumes/a/meta"), 30);
	SAME(health_of("a"), "1 RecordDamaged");
	OK(unlink(path_of("volumes/a/meta")) == 0);
	SAME(health_of("a"), "1 RecordMissing");
	SAME(health_of("b"), "");
	EQUAL(listed(), 2);
	remove_all();
}

static void a_damaged_image_is_told(void)
{
	const char *image = path_of("volumes/a/image"), *aside = path_of("volumes/a/image.aside");
	struct fl_snapshot_spec spec = { .name = "s", .volume_handle = "a" };
	struct fl_snapshot snapshot;
	uint64_t bytes;

	create("a");
	create("b");
	OK(truncate(image, SIZE + 100) == 0);
	SAME(health_of("a"), "1 ImageUnusable");
	OK(truncate(image, SIZE) == 0);
	SAME(health_of("a"), "");
	WORKS(fl_volume_resize(pool, &op, "a", 2 * SIZE, 0, &bytes, &test_error));
	OK(truncate(image, SIZE) == 0);
	SAME(health_of("a"), "2 ImageTruncated");
	/* Nothing may paper over the hole. */
	FAILS(fl_volume_resize(pool, &op, "a", 2 * SIZE, 0, &bytes, &test_error), FL_INTERNAL);
	OK(strstr(test_error.text, "truncated") != NULL, "%s", test_error.text);
	if (!(pool->flags & FL_BACKEND_COPIES))
		FAILS(fl_snapshot_create(pool, &op, &spec, &snapshot, &test_error), FL_INTERNAL);
	OK(rename(image, aside) == 0);
	SAME(health_of("a"), "2 ImageMissing");
	OK(mkdir(image, 0700) == 0);
	SAME(health_of("a"), "2 ImageMissing");
	OK(rmdir(image) == 0 && rename(aside, image) == 0 && truncate(image, 2 * SIZE) == 0);
	SAME(health_of("a"), "");
	remove_all();
}

/* As a directory whose file system was unmounted, or which was removed: nothing in it is nothing
 * known. */
static void a_directory_that_is_gone_is_not_empty(void)
{
	const char *aside = fl_arena_printf(op.arena, "%s.aside", directory);
	struct fl_health health;
	int n = 0;

	create("a");
	create("b");
	for (int again = 0; again < 2; again++) {
		OK(rename(directory, aside) == 0);
		OK(!again || mkdir(directory, 0700) == 0);
		WORKS(fl_pool_health(pool, &op, &health, &test_error));
		EQUAL(health.n, 1);
		SAME(health.entries[0].reason, "DirectoryGone");
		FAILS(fl_volume_health(pool, &op, "a", &health, &test_error), FL_UNAVAILABLE);
		FAILS(fl_volume_list(pool, &op, NULL, count, &n, &test_error), FL_UNAVAILABLE);
		OK(!again || rmdir(directory) == 0);
		OK(rename(aside, directory) == 0);
	}
	EQUAL(listed(), 2);
	SAME(health_of("a"), "");
	remove_all();
}

static const struct test tests[] = {
	{ "a torn record is never used", a_torn_record_is_never_used },
	{ "a damaged record of the pool is never used", a_damaged_pool_record_is_never_used },
	{ "a flipped bit is found", a_flipped_bit_is_found },
	{ "a damaged volume hides no other", a_damaged_volume_hides_no_other },
	{ "foreign files are passed over", foreign_files_are_passed_over },
	{ "interrupted removals are ended", interrupted_removals_are_ended },
	{ "a half-made volume is made anew", a_half_made_volume_is_made_anew },
	{ "a decided copy is the volume", a_decided_copy_is_the_volume },
	{ "a pool without its mount is refused", a_missing_mount_is_refused },
	{ "a damaged record is told", a_damaged_record_is_told },
	{ "a damaged image is told", a_damaged_image_is_told },
	{ "a directory that is gone is not empty", a_directory_that_is_gone_is_not_empty },
};

int main(int argc, char **argv)
{
	struct fl_error err;
	int result;

	if (argc < 2) {
		fprintf(stderr, "usage: damage DIRECTORY [TEST]\n");
		return 2;
	}
	directory = argv[1];
	op = life_op();
	if (fl_backend_load("file", &backend, &err) < 0 ||
	    life_open(backend, directory, &pool, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	result = test_run(tests, FL_COUNT(tests), argc - 1, argv + 1);
	fl_pool_close(pool);
	life_op_release(&op);
	return result;
}
