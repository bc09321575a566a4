/* SPDX-License-Identifier: Apache-2.0 */
#include "node/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define GROUP_DEPTH_MAX 256 /* directories within each other; each takes a descriptor */
#define GROUP_FILE_BITS (S_IRGRP | S_IWGRP)
#define GROUP_DIRECTORY_BITS (S_ISGID | S_IRWXG)

struct group_walk {
	const struct fl_op *op;
	const char *path; /* for errors */
	gid_t group;
	uint64_t mount; /* id of the mount, which is not left */
	uint64_t changed;
	uint64_t refused; /* files that nobody may change: immutable ones */
};

static mode_t group_bits(const struct statx *st)
{
	return S_ISDIR(st->stx_mode) ? GROUP_DIRECTORY_BITS : GROUP_FILE_BITS;
}

static bool group_has(const struct group_walk *walk, const struct statx *st)
{
	return st->stx_gid == walk->group &&
	       (S_ISLNK(st->stx_mode) || (st->stx_mode & group_bits(st)) == group_bits(st));
}

/* `fd` was opened with O_PATH, so what is changed is what was looked at. */
static int group_change(struct group_walk *walk, int fd, const struct statx *st,
			struct fl_error *err)
{
	mode_t mode = (st->stx_mode & 07777) | group_bits(st);
	char self[40];

	if (group_has(walk, st) || S_ISBLK(st->stx_mode) || S_ISCHR(st->stx_mode))
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fchownat(fd, "", (uid_t)-1, walk->group, AT_EMPTY_PATH) < 0 ||
	    /* Also where the bits are there: chown takes setuid away. */
	    (!S_ISLNK(st->stx_mode) && chmod(self, mode) < 0)) {
		if (errno != EPERM)
			return fl_error_sys(err, errno, "giving the files at %s to group %u",
					    walk->path, walk->group);
		walk->refused++;
		return 0;
	}
	walk->changed++;
	return 0;
}

static int group_look(const struct group_walk *walk, int fd, struct statx *ret,
		      struct fl_error *err)
{
	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
		  STATX_TYPE | STATX_MODE | STATX_GID | STATX_MNT_ID, ret) < 0)
		return fl_error_sys(err, errno, "looking at the files at %s", walk->path);
	return 0;
}

static int group_check_time(const struct group_walk *walk, struct fl_error *err)
{
	if (!fl_clock_passed(walk->op->deadline))
		return 0;
	return fl_error_set(err, FL_TIMEOUT,
			    "the files at %s do not all have group %u yet (%ju were given to it "
			    "just now): ask again",
			    walk->path, walk->group, (uintmax_t)walk->changed);
}

static int group_directory(struct group_walk *walk, int fd, unsigned depth, struct fl_error *err);

/* One entry of a directory; one that is gone by now is fine. */
static int group_entry(struct group_walk *walk, int dir_fd, const char *name, unsigned depth,
		       struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statx st;

	if (fd < 0)
		return errno == ENOENT
			       ? 0
			       : fl_error_sys(err, errno, "looking at the files at %s", walk->path);
	if (group_look(walk, fd, &st, err) < 0 || group_check_time(walk, err) < 0)
		return -1;
	if (st.stx_mnt_id != walk->mount)
		return 0;
	if (S_ISDIR(st.stx_mode) && group_directory(walk, fd, depth, err) < 0)
		return -1;
	return group_change(walk, fd, &st, err);
}

/* What is in a directory, which is an O_PATH descriptor. */
static int group_directory(struct group_walk *walk, int fd, unsigned depth, struct fl_error *err)
{
	fl_cleanup(fl_close) int own =
		openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fl_cleanup(fl_closedir) DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;

	if (!dir)
		return fl_error_sys(err, errno, "reading a directory at %s", walk->path);
	fl_take_fd(&own);
	if (depth == GROUP_DEPTH_MAX)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "%s has more than %d directories within each other: give its "
				    "files to group %u by hand (chgrp -R), the topmost one last",
				    walk->path, GROUP_DEPTH_MAX, walk->group);
	while (errno = 0, (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (group_entry(walk, dirfd(dir), entry->d_name, depth + 1, err) < 0)
			return -1;
	}
	return errno ? fl_error_sys(err, errno, "reading a directory at %s", walk->path) : 0;
}

static void group_log(const struct group_walk *walk)
{
	struct fl_log_line line;

	if (walk->changed == 0 && walk->refused == 0)
		return;
	fl_log_begin(&line, walk->refused ? FL_LOG_WARNING : FL_LOG_INFO, "group");
	fl_log_text(&line, "path", walk->path);
	fl_log_number(&line, "group", walk->group);
	fl_log_number(&line, "changed", (int64_t)walk->changed);
	fl_log_number(&line, "immutable", (int64_t)walk->refused);
	fl_log_end(&line);
}

int group_apply(const struct fl_op *op, const char *path, uint32_t group, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(path, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	struct group_walk walk = { .op = op, .path = path, .group = group };
	struct statx st;

	if (fd < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	if (group_look(&walk, fd, &st, err) < 0)
		return -1;
	if (group_has(&walk, &st))
		return 0;
	walk.mount = st.stx_mnt_id;
	fl_op_step(op, "giving the files to their group", 0, 0);
	if (group_directory(&walk, fd, 0, err) < 0 || group_change(&walk, fd, &st, err) < 0)
		return -1;
	group_log(&walk);
	return 0;
}
