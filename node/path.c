/* SPDX-License-Identifier: Apache-2.0 */
#include "node/path.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* Whether a part of the path between slashes is "." or "..". */
static bool path_has_dots(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		size_t length = strcspn(++at, "/");

		if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
			return true;
	}
	return false;
}

/* No file system has longer names. */
static bool path_has_long_names(const char *path)
{
	for (const char *at = path; *at; at += strspn(at, "/")) {
		size_t length = strcspn(at, "/");

		if (length > NAME_MAX)
			return true;
		at += length;
	}
	return false;
}

static bool path_is_usable(const char *path)
{
	size_t length = strnlen(path, PATH_MAX);

	return path[0] == '/' && length < PATH_MAX && strspn(path, "/") < length &&
	       path[length - 1] != '/' && fl_text_is_printable(path, length) &&
	       !path_has_dots(path) && !path_has_long_names(path);
}

int path_check(const char *field, const char *path, struct fl_error *err)
{
	if (path[0] == '\0')
		return fl_error_set(err, FL_INVALID, "%s is missing", field);
	if (!path_is_usable(path))
		return fl_error_set(err, FL_INVALID, "%s is not a plain absolute path below \"/\"",
				    field);
	return 0;
}

int path_check_existing(const char *field, const char *path, struct fl_error *err)
{
	struct stat st;

	if (path[0] == '\0')
		return fl_error_set(err, FL_INVALID, "%s is missing", field);
	if (!path_is_usable(path))
		return fl_error_set(err, FL_NOT_FOUND,
				    "there is no volume at %s: it is not a "
				    "plain absolute path",
				    field);
	if (lstat(path, &st) == 0 || path_is_broken(errno))
		return 0;
	if (errno == ENOTDIR)
		return fl_error_set(err, FL_NOT_FOUND, "there is no %s: a file is in the way",
				    path);
	return fl_error_sys(err, errno, "looking at %s", path);
}

bool path_is_broken(int sys)
{
	return sys == EIO || sys == ESHUTDOWN;
}

int path_make_parents(const char *path, struct fl_error *err)
{
	char parent[PATH_MAX];
	size_t length = (size_t)(strrchr(path, '/') - path);

	if (length == 0)
		return 0;
	memcpy(parent, path, length);
	parent[length] = '\0';
	return fl_file_make_dirs(parent, 0750, err);
}

int path_make_directory(const char *path, struct fl_error *err)
{
	struct stat st;

	/* Without looking through it: it may be a mount point whose file system is broken. */
	if (lstat(path, &st) == 0)
		return S_ISDIR(st.st_mode)
			       ? 0
			       : fl_error_set(err, FL_IN_USE, "%s is not a directory", path);
	return fl_file_make_dirs(path, 0750, err);
}

int path_remove_target(const char *path, struct fl_error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : fl_error_sys(err, errno, "looking at %s", path);
	if (S_ISDIR(st.st_mode)) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		if (errno == ENOTEMPTY || errno == EEXIST)
			return fl_error_set(err, FL_IN_USE,
					    "directory %s has files that are not the volume's",
					    path);
		return fl_error_sys(err, errno, "removing %s", path);
	}
	if (!S_ISREG(st.st_mode) || st.st_size > 0)
		return fl_error_set(err, FL_IN_USE,
				    "%s was not made by fairlead: it is no empty file", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing %s", path);
	return 0;
}
