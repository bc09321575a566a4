/* SPDX-License-Identifier: Apache-2.0 */
/* fl_file_remove_tree of base/file.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static char folder[] = "/tmp/fl-tree-XXXXXX";
static int dir_fd;

static bool is_there(const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make(const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	OK(fd >= 0, "%s", name);
	close(fd);
}

static void make_dir(const char *name)
{
	OK(mkdirat(dir_fd, name, 0700) == 0, "%s", name);
}

static void a_tree_is_removed_whole(void)
{
	char name[64];

	make_dir("t");
	make_dir("t/empty");
	make_dir("t/many");
	/* More than one getdents returns. */
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "t/many/a-rather-long-file-name-%d", i);
		make(name);
	}
	OK(mkfifoat(dir_fd, "t/fifo", 0600) == 0);
	OK(mkdirat(dir_fd, "t/.hidden", 0700) == 0);
	make("t/.hidden/...");
	WORKS(fl_file_remove_tree(dir_fd, "t", &test_error));
	OK(!is_there("t"));
}

static void a_file_is_removed(void)
{
	make("f");
	WORKS(fl_file_remove_tree(dir_fd, "f", &test_error));
	OK(!is_there("f"));
}

static void absent_is_success(void)
{
	WORKS(fl_file_remove_tree(dir_fd, "absent", &test_error));
}

static void links_are_removed_and_not_followed(void)
{
	make_dir("target");
	make("target/precious");
	make_dir("t");
	OK(symlinkat("../target", dir_fd, "t/link") == 0 &&
	   symlinkat("target", dir_fd, "top") == 0);
	WORKS(fl_file_remove_tree(dir_fd, "t", &test_error));
	WORKS(fl_file_remove_tree(dir_fd, "top", &test_error));
	OK(!is_there("t") && !is_there("top") && is_there("target/precious"));
	WORKS(fl_file_remove_tree(dir_fd, "target", &test_error));
}

static void only_an_entry_can_be_named(void)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "/tmp", "../x" };

	for (size_t i = 0; i < FL_COUNT(bad); i++)
		FAILS(fl_file_remove_tree(dir_fd, bad[i], &test_error), FL_INVALID);
}

static void depth_has_a_limit(void)
{
	char path[300] = "deep";

	make_dir(path);
	for (int i = 0; i < 64; i++) {
		strncat(path, "/d", 3);
		make_dir(path);
	}
	FAILS(fl_file_remove_tree(dir_fd, "deep", &test_error), FL_INVALID);
	OK(strstr(test_error.text, "nested deeper than 64 levels") != NULL, "%s", test_error.text);
	OK(is_there(path));
	/* Without the innermost one it fits. */
	OK(unlinkat(dir_fd, path, AT_REMOVEDIR) == 0);
	WORKS(fl_file_remove_tree(dir_fd, "deep", &test_error));
	OK(!is_there("deep"));
}

/* Both kinds of mount, each with content that must survive.  A bind mount has the same device
 * number as its surroundings. */
static void mounts_are_not_crossed(void)
{
	char source[64], target[64];

	make_dir("precious");
	make("precious/data");
	make_dir("t");
	make_dir("t/a");
	make_dir("t/a/mnt");
	snprintf(source, sizeof(source), "%s/precious", folder);
	snprintf(target, sizeof(target), "%s/t/a/mnt", folder);
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		SKIP("mounting is not permitted here");
	FAILS(fl_file_remove_tree(dir_fd, "t", &test_error), FL_IN_USE);
	SAME(test_error.text, "t: a: mnt is a mount point: unmount it first");
	OK(is_there("precious/data"));
	OK(umount2(target, MNT_DETACH) == 0);
	OK(mount("none", target, "tmpfs", 0, "size=64k") == 0);
	make("t/a/mnt/data");
	FAILS(fl_file_remove_tree(dir_fd, "t", &test_error), FL_IN_USE);
	OK(is_there("t/a/mnt/data"));
	OK(umount2(target, MNT_DETACH) == 0);
	/* The entry itself. */
	snprintf(target, sizeof(target), "%s/t", folder);
	OK(mount(source, target, NULL, MS_BIND, NULL) == 0);
	FAILS(fl_file_remove_tree(dir_fd, "t", &test_error), FL_IN_USE);
	OK(is_there("precious/data"));
	OK(umount2(target, MNT_DETACH) == 0);
	WORKS(fl_file_remove_tree(dir_fd, "t", &test_error));
	WORKS(fl_file_remove_tree(dir_fd, "precious", &test_error));
}

static void a_mounted_file_stays(void)
{
	char source[64], target[64];

	make("source");
	make_dir("t");
	make("t/file");
	snprintf(source, sizeof(source), "%s/source", folder);
	snprintf(target, sizeof(target), "%s/t/file", folder);
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		SKIP("mounting is not permitted here");
	FAILS(fl_file_remove_tree(dir_fd, "t", &test_error), FL_IN_USE);
	OK(umount2(target, MNT_DETACH) == 0);
	WORKS(fl_file_remove_tree(dir_fd, "t", &test_error));
	WORKS(fl_file_remove_tree(dir_fd, "source", &test_error));
}

static void what_may_not_be_removed_is_an_error(void)
{
	fl_cleanup(fl_close) int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	FAILS(fl_file_remove_tree(proc, "status", &test_error), FL_DENIED);
	OK(strstr(test_error.text, "status") != NULL);
}

static const struct test tests[] = {
	{ "a tree is removed whole", a_tree_is_removed_whole },
	{ "a file is removed", a_file_is_removed },
	{ "absent is success", absent_is_success },
	{ "links are removed and not followed", links_are_removed_and_not_followed },
	{ "only an entry can be named", only_an_entry_can_be_named },
	{ "depth has a limit", depth_has_a_limit },
	{ "mounts are not crossed", mounts_are_not_crossed },
	{ "a mounted file stays", a_mounted_file_stays },
	{ "what may not be removed is an error", what_may_not_be_removed_is_an_error },
};

int main(int argc, char **argv)
{
	int status;

	if (!mkdtemp(folder))
		return 1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	close(dir_fd);
	/* Only an empty folder goes: what a test left behind is a failure. */
	return rmdir(folder) < 0 ? 1 : status;
}
