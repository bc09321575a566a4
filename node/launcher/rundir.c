/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "launcher.h"

/* The longest name of a socket in the directory, with what fl_channel_listen adds for a moment. */
#define RUNDIR_ATTEMPTS 30
#define RUNDIR_LONGEST "/qmp-rescue.sock.new"

static const char *const leftovers[] = {
	"control.sock", "control.sock.new", "console.sock", "console.sock.new", "console.qemu",
	"qmp.sock",     "qmp-rescue.sock",  "spec.json",    "supervisor.pid",   "qemu.pid",
	"launcher.pid", "uefi-variables",   "hold.json",
};

const char *vm_run_directory(void)
{
	const char *run = getenv("FAIRLEAD_RUN");

	return run && *run ? run : "/run/fairlead";
}

int vm_directory(struct fl_arena *arena, const char *name, const char **ret, struct fl_error *err)
{
	if (!fl_text_is_safe_name(name, 40))
		return fl_error_set(err, FL_INVALID, "\"%.60s\" is no name of a VM", name);
	*ret = fl_arena_printf(arena, "%s/vms/%s", vm_run_directory(), name);
	return 0;
}

static int rundir_check(const char *dir, struct fl_error *err)
{
	size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof(RUNDIR_LONGEST);

	if (dir[0] != '/' || strlen(dir) > room)
		return fl_error_set(
			err, FL_INVALID,
			"the runtime directory %s has to be an absolute path of at most "
			"%zu bytes: sockets are made in it (FAIRLEAD_RUN)",
			dir, room);
	return 0;
}

int rundir_open(const char *dir, int *ret_fd, struct fl_error *err)
{
	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return fl_error_sys(err, errno, "opening %s", dir);
	return 0;
}

/* 1: locked; 0: the file was replaced in between, look again. */
static int rundir_try_lock(const char *path, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat ours, there;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fl_error_sys(err, errno, "locking %s", path);
	/* A lock on a file that its last holder has removed keeps nobody out. */
	if (fstat(fd, &ours) < 0 || stat(path, &there) < 0 || ours.st_ino != there.st_ino)
		return 0;
	*ret_fd = fl_take_fd(&fd);
	return 1;
}

int rundir_lock(const char *dir, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *path = fl_arena_printf(arena, "%s/lock", dir);

	if (rundir_check(dir, err) < 0)
		return -1;
	for (int attempt = 0; attempt < RUNDIR_ATTEMPTS; attempt++) {
		int locked = rundir_try_lock(path, ret_fd, err);
		bool held = locked < 0 && err->sys == EWOULDBLOCK;

		if (locked > 0)
			return 0;
		/* Who only asks whether it is locked holds it for a moment too. */
		if (held)
			fl_clock_sleep_ms(10);
		if (held && attempt == RUNDIR_ATTEMPTS - 1)
			return fl_error_set(
				err, FL_IN_USE,
				"VM %s runs already: its supervisor or its QEMU holds %s",
				strrchr(dir, '/') + 1, path);
		if (locked < 0 && !held && err->sys != ENOENT)
			return -1;
		if (locked < 0 && !held && fl_file_make_dirs(dir, 0700, err) < 0)
			return -1;
	}
	return fl_error_set(err, FL_UNAVAILABLE, "%s is replaced again and again", path);
}

bool rundir_is_locked(const char *dir)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_close) int fd =
		open(fl_arena_printf(arena, "%s/lock", dir), O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int rundir_sweep(int dir_fd, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(leftovers); i++) {
		if (unlinkat(dir_fd, leftovers[i], 0) < 0 && errno != ENOENT)
			return fl_error_sys(err, errno, "removing the left-over %s", leftovers[i]);
	}
	return 0;
}

int rundir_remove(const char *dir, struct fl_error *err)
{
	fl_cleanup(fl_free) char *parent = strndup(dir, (size_t)(strrchr(dir, '/') - dir));
	fl_cleanup(fl_close) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", parent);
	return fl_file_remove_tree(fd, strrchr(dir, '/') + 1, err);
}
