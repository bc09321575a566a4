/* SPDX-License-Identifier: Apache-2.0 */
/* storage DIRECTORY: what is told of a pool of backend file whose file system fills up, becomes
 * read-only or breaks.  DIRECTORY is in the root of a file system of its own, which is a mount
 * point. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "base/proc.h"
#include "life.h"
#include "tests/test.h"

#define MIB (1ull << 20)

static const char *directory, *mounted, *ballast;
static struct fl_pool *pool;
static struct fl_op op;

static const char *words_of(const struct fl_health *health)
{
	const char *text = "";

	for (size_t i = 0; i < health->n; i++)
		text = fl_arena_printf(op.arena, "%s%s%d %s", text, i ? ", " : "",
				       (int)health->entries[i].status, health->entries[i].reason);
	return text;
}

static const char *of_pool(void)
{
	struct fl_health health = { 0 };

	WORKS(fl_pool_health(pool, &op, &health, &test_error));
	return words_of(&health);
}

static const char *of_volume(const char *handle)
{
	struct fl_health health = { 0 };

	WORKS(fl_volume_health(pool, &op, handle, &health, &test_error));
	return words_of(&health);
}

struct listed {
	const char *handle;
	const char *text;
};

static int listed_see(void *cookie, const struct fl_volume *volume)
{
	struct listed *listed = cookie;

	if (strcmp(volume->handle, listed->handle) == 0)
		listed->text = words_of(&volume->health);
	return 0;
}

/* What ListVolumes would say of it. */
static const char *in_list(const char *handle)
{
	struct listed listed = { handle, "not listed" };

	WORKS(fl_volume_list(pool, &op, NULL, listed_see, &listed, &test_error));
	return listed.text;
}

static uint64_t available(void)
{
	struct statvfs vfs;

	OK(statvfs(directory, &vfs) == 0);
	return (uint64_t)vfs.f_bavail * vfs.f_frsize;
}

/* Takes all but about `bytes` of what is free, as others on that file system would. */
static void leave(uint64_t bytes)
{
	fl_cleanup(fl_close) int fd = open(ballast, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	OK(fd >= 0);
	for (uint64_t step = 512 * MIB; step >= 4096; step /= 2)
		while (available() >= bytes + step && fstat(fd, &st) == 0 &&
		       fallocate(fd, 0, st.st_size, (off_t)step) == 0)
			continue;
}

static void make_room(void)
{
	OK(unlink(ballast) == 0);
	/* Blocks come back in the background. */
	for (int i = 0; i < 200 && available() < 512 * MIB; i++)
		fl_clock_sleep_ms(20);
}

static void make(const char *name, bool thin)
{
	struct fl_volume_spec spec = { .name = name, .min_bytes = 16 * MIB, .thin = thin };
	struct fl_volume volume;

	WORKS(fl_volume_create(pool, &op, &spec, &volume, &test_error));
}

static void a_pool_with_room_is_well(void)
{
	make("thin", true);
	make("thick", false);
	SAME(of_pool(), "");
	SAME(of_volume("thin"), "");
	SAME(in_list("thick"), "");
}

static void a_pool_that_fills_up_is_told(void)
{
	leave(20 * MIB);
	SAME(of_pool(), "0 NearlyFull");
	SAME(of_volume("thin"), "");
	leave(0);
	SAME(of_pool(), "0 Full");
	SAME(of_volume("thin"), "0 PoolFull");
	SAME(in_list("thin"), "0 PoolFull");
	SAME(of_volume("thick"), "");
	SAME(in_list("thick"), "");
	make_room();
	SAME(of_pool(), "");
	SAME(of_volume("thin"), "");
}

static void a_read_only_pool_is_told(void)
{
	OK(mount(NULL, mounted, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	SAME(of_pool(), "1 FileSystemReadOnly");
	SAME(of_volume("thick"), "1 PoolReadOnly");
	SAME(in_list("thick"), "1 PoolReadOnly");
	OK(mount(NULL, mounted, NULL, MS_REMOUNT, NULL) == 0);
	SAME(of_pool(), "");
	SAME(in_list("thick"), "");
}

static void a_pool_whose_mount_is_covered_is_told(void)
{
	struct fl_health health;

	OK(mount("none", directory, "tmpfs", 0, NULL) == 0);
	SAME(of_pool(), "1 DirectoryGone");
	FAILS(fl_volume_health(pool, &op, "thick", &health, &test_error), FL_UNAVAILABLE);
	OK(umount2(directory, MNT_DETACH) == 0);
	SAME(of_pool(), "");
}

/* XFS only: others do not let themselves be broken on demand. */
static void a_broken_file_system_is_told(void)
{
	struct fl_health health;
	const char *const argv[] = { "xfs_io", "-x", "-c", "shutdown", mounted, NULL };

	WORKS(fl_proc_check(&op, argv, NULL, &test_error));
	SAME(of_pool(), "1 FileSystemError");
	FAILS(fl_volume_health(pool, &op, "thick", &health, &test_error), FL_UNAVAILABLE);
}

static const struct test tests[] = {
	{ "a pool with room is well", a_pool_with_room_is_well },
	{ "a pool that fills up is told", a_pool_that_fills_up_is_told },
	{ "a read-only pool is told", a_read_only_pool_is_told },
	{ "a pool whose directory is covered is told", a_pool_whose_mount_is_covered_is_told },
	{ "a broken file system is told", a_broken_file_system_is_told },
};

int main(int argc, char **argv)
{
	const struct fl_backend *backend;
	size_t n = FL_COUNT(tests);
	struct statfs fs;
	struct fl_error err;
	int result;

	if (argc < 2) {
		fprintf(stderr, "usage: storage DIRECTORY [TEST]\n");
		return 2;
	}
	directory = argv[1];
	op = life_op();
	mounted = fl_arena_printf(op.arena, "%s/..", directory);
	ballast = fl_arena_printf(op.arena, "%s/../ballast", directory);
	if (fl_backend_load("file", &backend, &err) < 0 ||
	    life_open(backend, directory, &pool, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (statfs(directory, &fs) < 0 || fs.f_type != XFS_SUPER_MAGIC)
		n--;
	result = test_run(tests, n, argc - 1, argv + 1);
	fl_pool_close(pool);
	life_op_release(&op);
	return result;
}
