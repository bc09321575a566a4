/* SPDX-License-Identifier: Apache-2.0 */
/* The part of file.h that removes directory trees. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"

#define TREE_MAX_LEVELS 64

static int tree_remove(int dir_fd, const char *name, unsigned level, struct fl_error *err);

/* Opens a directory below dir_fd without passing a link or a mount.  Comparing device numbers would
 * not see a bind mount of the same file system, and removing its content would be fatal. */
static int tree_open(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

static bool tree_is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int tree_empty(DIR *dir, unsigned level, struct fl_error *err)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir))) {
		if (!tree_is_dots(entry->d_name) &&
		    tree_remove(dirfd(dir), entry->d_name, level + 1, err) < 0)
			return -1;
		errno = 0;
	}
	return errno ? fl_error_sys(err, errno, "reading a directory") : 0;
}

static int tree_remove_dir(int dir_fd, const char *name, unsigned level, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = tree_open(dir_fd, name);
	fl_cleanup(fl_closedir) DIR *dir = NULL;

	if (fd < 0 && errno == EXDEV)
		return fl_error_set(err, FL_IN_USE, "%s is a mount point: unmount it first", name);
	if (fd < 0)
		return errno == ENOENT ? 0 : fl_error_sys(err, errno, "opening directory %s", name);
	if (level >= TREE_MAX_LEVELS)
		return fl_error_set(err, FL_INVALID, "%s is nested deeper than %d levels", name,
				    TREE_MAX_LEVELS);
	dir = fdopendir(fd);
	if (!dir)
		return fl_error_sys(err, errno, "opening directory %s", name);
	fl_take_fd(&fd);
	/* Entries may be missed by a reader while others are removed: look again, but not for
	 * ever. */
	for (int pass = 0; pass < 8; pass++) {
		rewinddir(dir);
		if (tree_empty(dir, level, err) < 0)
			return fl_error_prefix(err, "%s", name);
		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return fl_error_sys(err, errno, "removing directory %s", name);
}

static int tree_remove(int dir_fd, const char *name, unsigned level, struct fl_error *err)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return fl_error_sys(err, errno, "removing %s", name);
	return tree_remove_dir(dir_fd, name, level, err);
}

int fl_file_remove_tree(int dir_fd, const char *name, struct fl_error *err)
{
	if (!*name || strchr(name, '/') || tree_is_dots(name))
		return fl_error_set(err, FL_INVALID, "\"%s\" does not name an entry of a directory",
				    name);
	return tree_remove(dir_fd, name, 0, err);
}
