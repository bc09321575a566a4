/* SPDX-License-Identifier: Apache-2.0 */
#include "node/path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "node/openers.h"
#include "tests/test.h"

static struct fl_arena *arena;
static char directory[] = "/tmp/fairlead-path.XXXXXX";

static const char *in(const char *name)
{
	return fl_arena_printf(arena, "%s/%s", directory, name);
}

static void plain_absolute_paths_pass(void)
{
	WORKS(path_check("p", "/a", &test_error));
	WORKS(path_check("p", "/var/lib/kubelet/pods/x/volumes/..data/y z", &test_error));
	WORKS(path_check("p", "/a/...", &test_error));
	WORKS(path_check("p", "/a//b", &test_error));
}

static void other_paths_are_refused(void)
{
	static const char *const bad[] = {
		"",      "a",     "a/b",    "/",       "//",    "/a/",
		"/a/..", "/../a", "/a/./b", "/a/../b", "/a\nb", "/\xff"
	};

	for (size_t i = 0; i < FL_COUNT(bad); i++)
		FAILS(path_check("p", bad[i], &test_error), FL_INVALID);
	FAILS(path_check_existing("p", "", &test_error), FL_INVALID);
	FAILS(path_check_existing("p", "some/path", &test_error), FL_NOT_FOUND);
	FAILS(path_check_existing("p", "/no/such/path", &test_error), FL_NOT_FOUND);
	WORKS(path_check_existing("p", "/tmp", &test_error));
}

static void only_empty_targets_are_removed(void)
{
	int fd;

	WORKS(path_remove_target(in("absent"), &test_error));
	WORKS(path_make_directory(in("a/b"), &test_error));
	WORKS(path_make_directory(in("a/b"), &test_error));
	FAILS(path_remove_target(in("a"), &test_error), FL_IN_USE);
	WORKS(path_remove_target(in("a/b"), &test_error));
	WORKS(path_remove_target(in("a"), &test_error));
	fd = open(in("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FAILS(path_make_directory(in("file"), &test_error), FL_IN_USE);
	OK(write(fd, "x", 1) == 1);
	FAILS(path_remove_target(in("file"), &test_error), FL_IN_USE);
	OK(ftruncate(fd, 0) == 0);
	fl_close(&fd);
	WORKS(path_remove_target(in("file"), &test_error));
	OK(symlink("/tmp", in("link")) == 0);
	FAILS(path_remove_target(in("link"), &test_error), FL_IN_USE);
	unlink(in("link"));
}

static void an_open_file_has_openers(void)
{
	int fds[2];
	bool open_now = true;

	WORKS(openers_exist(in("absent"), &open_now, &test_error));
	OK(!open_now);
	fds[0] = open(in("image"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	WORKS(openers_exist(in("image"), &open_now, &test_error));
	OK(open_now);
	fds[1] = open(in("image"), O_RDONLY | O_CLOEXEC);
	fl_close(&fds[0]);
	WORKS(openers_exist(in("image"), &open_now, &test_error));
	OK(open_now, "a reader as well");
	fl_close(&fds[1]);
	WORKS(openers_exist(in("image"), &open_now, &test_error));
	OK(!open_now);
	FAILS(openers_exist(directory, &open_now, &test_error), FL_IN_USE);
	unlink(in("image"));
}

static const struct test tests[] = {
	{ "plain absolute paths pass", plain_absolute_paths_pass },
	{ "other paths are refused", other_paths_are_refused },
	{ "only empty targets are removed", only_empty_targets_are_removed },
	{ "an open file has openers", an_open_file_has_openers },
};

int main(int argc, char **argv)
{
	int rc;

	arena = fl_arena_new(0);
	if (!mkdtemp(directory))
		return 1;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	rmdir(directory);
	fl_arena_free(arena);
	return rc;
}
