/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and directories of base/file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

static char folder[] = "/tmp/fl-file-XXXXXX";
static int dir_fd;

static void put(const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	OK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static const char *content(struct fl_arena *arena, const char *name)
{
	const char *text = NULL;

	WORKS(fl_file_read(arena, dir_fd, name, 1 << 20, &text, NULL, &test_error));
	return text;
}

static void a_file_is_read_whole(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *text = NULL;
	size_t size = 0;

	put("a", "hello");
	WORKS(fl_file_read(arena, dir_fd, "a", 5, &text, &size, &test_error));
	SAME(text, "hello");
	EQUAL(size, 5);
	put("empty", "");
	WORKS(fl_file_read(arena, dir_fd, "empty", 0, &text, &size, &test_error));
	SAME(text, "");
	EQUAL(size, 0);
	WORKS(fl_file_read(arena, dir_fd, "a", SIZE_MAX, &text, NULL, &test_error));
	SAME(text, "hello");
}

static void files_without_a_size_are_read_to_their_end(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *text = NULL;
	size_t size = 0;

	WORKS(fl_file_read(arena, AT_FDCWD, "/proc/self/smaps", 1 << 24, &text, &size,
			   &test_error));
	/* More than the buffer it begins with. */
	OK(size > 8192 && strlen(text) == size, "%zu", size);
	FAILS(fl_file_read(arena, AT_FDCWD, "/proc/self/smaps", 5000, &text, &size, &test_error),
	      FL_OUT_OF_RANGE);
	FAILS(fl_file_read(arena, AT_FDCWD, "/dev/zero", 100000, &text, &size, &test_error),
	      FL_OUT_OF_RANGE);
}

static void what_cannot_be_read_is_named(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_arena_release) struct fl_arena *tiny = fl_arena_new(100);
	const char *text = NULL;

	put("a", "hello");
	FAILS(fl_file_read(arena, dir_fd, "absent", 10, &text, NULL, &test_error), FL_NOT_FOUND);
	OK(strstr(test_error.text, "absent") != NULL);
	FAILS(fl_file_read(arena, dir_fd, "a", 4, &text, NULL, &test_error), FL_OUT_OF_RANGE);
	SAME(test_error.text, "a is larger than 4 bytes");
	FAILS(fl_file_read(arena, dir_fd, ".", 4000000, &text, NULL, &test_error), FL_INTERNAL);
	FAILS(fl_file_read(tiny, AT_FDCWD, "/proc/self/status", 4096, &text, NULL, &test_error),
	      FL_UNAVAILABLE);
	OK(text == NULL);
}

static void a_fifo_does_not_hold_the_reader(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *text = NULL;

	OK(mkfifoat(dir_fd, "fifo", 0600) == 0);
	alarm(10);
	WORKS(fl_file_read(arena, dir_fd, "fifo", 10, &text, NULL, &test_error));
	alarm(0);
	SAME(text, "");
}

static void replacing_makes_and_changes_a_file(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	mode_t mask = umask(077);
	struct stat st;

	WORKS(fl_file_replace(dir_fd, "r", "one", 3, 0644, &test_error));
	umask(mask);
	SAME(content(arena, "r"), "one");
	OK(fstatat(dir_fd, "r", &st, 0) == 0 && (st.st_mode & 07777) == 0644, "exactly the mode");
	WORKS(fl_file_replace(dir_fd, "r", "", 0, 0600, &test_error));
	SAME(content(arena, "r"), "");
	OK(fstatat(dir_fd, "r", &st, 0) == 0 && (st.st_mode & 07777) == 0600);
	OK(faccessat(dir_fd, "r.new", F_OK, 0) != 0);
}

static void replacing_works_with_paths_too(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *path = fl_arena_printf(arena, "%s/sub/f", folder);
	int path_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	mkdirat(dir_fd, "sub", 0700);
	WORKS(fl_file_replace(AT_FDCWD, path, "x", 1, 0600, &test_error));
	SAME(content(arena, "sub/f"), "x");
	WORKS(fl_file_replace(dir_fd, "sub/f", "y", 1, 0600, &test_error));
	SAME(content(arena, "sub/f"), "y");
	WORKS(fl_file_replace(path_fd, "z", "z", 1, 0600, &test_error));
	SAME(content(arena, "z"), "z");
	close(path_fd);
}

static void a_left_over_is_overwritten(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	put("victim", "keep me");
	put("l.new", "half a wri");
	WORKS(fl_file_replace(dir_fd, "l", "whole", 5, 0600, &test_error));
	SAME(content(arena, "l"), "whole");
	/* Not even through a link. */
	OK(symlinkat("victim", dir_fd, "l.new") == 0);
	WORKS(fl_file_replace(dir_fd, "l", "again", 5, 0600, &test_error));
	SAME(content(arena, "l"), "again");
	SAME(content(arena, "victim"), "keep me");
}

static void a_failed_replacement_leaves_the_old_content(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	put("old", "old");
	mkdirat(dir_fd, "old.new", 0700);
	FAILS(fl_file_replace(dir_fd, "old", "new", 3, 0600, &test_error), FL_INTERNAL);
	SAME(content(arena, "old"), "old");
	mkdirat(dir_fd, "isdir", 0700);
	FAILS(fl_file_replace(dir_fd, "isdir", "new", 3, 0600, &test_error), FL_INTERNAL);
	OK(faccessat(dir_fd, "isdir.new", F_OK, 0) != 0, "the new file is not left behind");
	FAILS(fl_file_replace(dir_fd, "no/such", "new", 3, 0600, &test_error), FL_NOT_FOUND);
}

/* /dev/full is where writing fails after opening worked. */
static void a_full_disk_is_no_space(void)
{
	fl_cleanup(fl_close) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	FAILS(fl_file_write_all(fd, "x", 1, &test_error), FL_NO_SPACE);
	WORKS(fl_file_write_all(fd, "", 0, &test_error));
}

static void on_signal(int number)
{
	(void)number;
}

/* A pipe of 64 KiB with a slow reader and a timer give short writes and EINTR. */
static void short_and_interrupted_writes_are_continued(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	static char data[1 << 20];
	struct timespec pause = { .tv_nsec = 2000000 };
	int fds[2], status = 1;
	pid_t parent = getpid(), reader, ringer;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 / 3);
	OK(pipe2(fds, O_CLOEXEC) == 0);
	sigaction(SIGUSR1, &action, NULL);
	reader = fork();
	if (reader == 0) {
		static char got[sizeof(data) + 1];
		size_t n = 0;
		ssize_t m;

		close(fds[1]);
		while ((m = read(fds[0], got + n, 30000)) > 0) {
			n += (size_t)m;
			nanosleep(&pause, NULL);
		}
		_exit(n == sizeof(data) && memcmp(got, data, n) == 0 ? 0 : 1);
	}
	ringer = fork();
	if (ringer == 0) {
		for (;;) {
			kill(parent, SIGUSR1);
			nanosleep(&pause, NULL);
		}
	}
	close(fds[0]);
	WORKS(fl_file_write_all(fds[1], data, sizeof(data), &test_error));
	close(fds[1]);
	/* First the ringer: it holds the pipe open, too. */
	kill(ringer, SIGKILL);
	while (waitpid(ringer, NULL, 0) < 0)
		continue;
	while (waitpid(reader, &status, 0) < 0)
		continue;
	OK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the data did not arrive whole");
}

static void directories_are_made_with_their_parents(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct stat st;

	WORKS(fl_file_make_dirs(fl_arena_printf(arena, "%s/x/y//z/", folder), 0700, &test_error));
	OK(fstatat(dir_fd, "x/y/z", &st, 0) == 0 && S_ISDIR(st.st_mode) &&
	   (st.st_mode & 07777) == 0700);
	WORKS(fl_file_make_dirs(fl_arena_printf(arena, "%s/x/y/z", folder), 0755, &test_error));
	OK(fstatat(dir_fd, "x/y/z", &st, 0) == 0 && (st.st_mode & 07777) == 0700, "left as it was");
	WORKS(fl_file_make_dirs("/", 0700, &test_error));
	OK(fchdir(dir_fd) == 0);
	WORKS(fl_file_make_dirs("relative/one", 0700, &test_error));
	OK(chdir("/") == 0);
	OK(faccessat(dir_fd, "relative/one", F_OK, 0) == 0);
}

static void what_is_no_directory_is_refused(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	put("plain", "");
	FAILS(fl_file_make_dirs(fl_arena_printf(arena, "%s/plain", folder), 0700, &test_error),
	      FL_INVALID);
	OK(strstr(test_error.text, "/plain is there and is no directory") != NULL);
	FAILS(fl_file_make_dirs(fl_arena_printf(arena, "%s/plain/below", folder), 0700,
				&test_error),
	      FL_INVALID);
	FAILS(fl_file_make_dirs("", 0700, &test_error), FL_INVALID);
	/* A link to a directory is one; a link to nowhere is not. */
	OK(symlinkat("/", dir_fd, "root") == 0 && symlinkat("nowhere", dir_fd, "lost") == 0);
	WORKS(fl_file_make_dirs(fl_arena_printf(arena, "%s/root", folder), 0700, &test_error));
	FAILS(fl_file_make_dirs(fl_arena_printf(arena, "%s/lost", folder), 0700, &test_error),
	      FL_NOT_FOUND);
}

static void a_directory_is_synced(void)
{
	int closed = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);

	close(closed);
	WORKS(fl_file_sync_dir(dir_fd, &test_error));
	FAILS(fl_file_sync_dir(closed, &test_error), FL_INTERNAL);
}

static const struct test tests[] = {
	{ "a file is read whole", a_file_is_read_whole },
	{ "files without a size are read to their end",
	  files_without_a_size_are_read_to_their_end },
	{ "what cannot be read is named", what_cannot_be_read_is_named },
	{ "a FIFO does not hold the reader", a_fifo_does_not_hold_the_reader },
	{ "replacing makes and changes a file", replacing_makes_and_changes_a_file },
	{ "replacing works with paths too", replacing_works_with_paths_too },
	{ "a left-over is overwritten", a_left_over_is_overwritten },
	{ "a failed replacement leaves the old content",
	  a_failed_replacement_leaves_the_old_content },
	{ "a full disk is no space", a_full_disk_is_no_space },
	{ "short and interrupted writes are continued",
	  short_and_interrupted_writes_are_continued },
	{ "directories are made with their parents", directories_are_made_with_their_parents },
	{ "what is no directory is refused", what_is_no_directory_is_refused },
	{ "a directory is synced", a_directory_is_synced },
};

int main(int argc, char **argv)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;

	if (!mkdtemp(folder))
		return 1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	close(dir_fd);
	if (fl_file_remove_tree(parent, folder + strlen("/tmp/"), &test_error) < 0)
		return 1;
	close(parent);
	return status;
}
