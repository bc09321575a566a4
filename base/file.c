/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads on into `buffer`, up to the end of the file or `size` bytes.  A read that ends where fstat
 * says that the file does need not be told again that it is the end; but sysfs and procfs have
 * less, or more, than they say. */
static int file_fill(int fd, const struct stat *st, char *buffer, size_t size, size_t *ret_size)
{
	while (*ret_size < size && (*ret_size == 0 || *ret_size != (size_t)st->st_size)) {
		ssize_t n = read(fd, buffer + *ret_size, size - *ret_size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		*ret_size += (size_t)n;
	}
	return 0;
}

int fl_file_read(struct fl_arena *arena, int dir_fd, const char *path, size_t max_size,
		 const char **ret, size_t *ret_size, struct fl_error *err)
{
	/* Non-blocking: a FIFO in the place of a file must not hold us. */
	fl_cleanup(fl_close) int fd =
		openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t size = 0, room;
	struct stat st;
	char *buffer = NULL;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "opening %s", path);
	if (st.st_size > 0 && (uint64_t)st.st_size > max_size)
		return fl_error_set(err, FL_OUT_OF_RANGE, "%s is larger than %zu bytes", path,
				    max_size);
	room = st.st_size > 0 ? (size_t)st.st_size + 1 : 4096;
	while (!buffer || size == room) {
		char *larger;

		room = buffer ? room * 2 : room;
		if (room - 1 > max_size)
			room = max_size + 1;
		larger = fl_arena_try(arena, room + 1);
		if (!larger)
			return fl_error_set(err, FL_UNAVAILABLE, "no memory to read %s", path);
		if (buffer)
			memcpy(larger, buffer, size);
		buffer = larger;
		if (file_fill(fd, &st, buffer, room, &size) < 0)
			return fl_error_sys(err, errno, "reading %s", path);
		if (size > max_size)
			return fl_error_set(err, FL_OUT_OF_RANGE, "%s is larger than %zu bytes",
					    path, max_size);
	}
	*ret = buffer;
	if (ret_size)
		*ret_size = size;
	return 0;
}

int fl_file_write_all(int fd, const void *data, size_t size, struct fl_error *err)
{
	const char *from = data;

	while (size > 0) {
		ssize_t n = write(fd, from, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "writing");
		from += n;
		size -= (size_t)n;
	}
	return 0;
}

int fl_file_sync_dir(int dir_fd, struct fl_error *err)
{
	if (fsync(dir_fd) < 0)
		return fl_error_sys(err, errno, "syncing a directory");
	return 0;
}

/* Syncs the directory that holds `path`, through a descriptor of its own: dir_fd may be AT_FDCWD or
 * O_PATH. */
static int file_sync_parent(int dir_fd, const char *path, struct fl_error *err)
{
	fl_cleanup(fl_free) char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	fl_cleanup(fl_close) int fd = -1;

	if (!parent)
		return fl_error_sys(err, ENOMEM, "syncing the directory of %s", path);
	if (slash)
		slash[slash == parent ? 1 : 0] = '\0';
	fd = openat(dir_fd, slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fl_error_sys(err, errno, "opening the directory of %s", path);
	if (fl_file_sync_dir(fd, err) < 0)
		return fl_error_prefix(err, "%s", path);
	return 0;
}

/* Makes the file `name` anew and puts the data into it, down to the disk. */
static int file_create(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
		       struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	/* A left-over is removed, not reused: somebody may have it open, or it may be a link. */
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing the left-over %s", name);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fl_error_sys(err, errno, "creating %s", name);
	if (fl_file_write_all(fd, data, size, err) < 0)
		return fl_error_prefix(err, "%s", name);
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return fl_error_sys(err, errno, "syncing %s", name);
	return 0;
}

int fl_file_replace(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
		    struct fl_error *err)
{
	fl_cleanup(fl_free) char *temporary = NULL;

	if (asprintf(&temporary, "%s.new", name) < 0) {
		temporary = NULL;
		return fl_error_sys(err, ENOMEM, "replacing %s", name);
	}
	if (file_create(dir_fd, temporary, data, size, mode, err) < 0) {
		unlinkat(dir_fd, temporary, 0);
		return -1;
	}
	if (renameat(dir_fd, temporary, dir_fd, name) < 0) {
		fl_error_sys(err, errno, "replacing %s", name);
		unlinkat(dir_fd, temporary, 0);
		return -1;
	}
	return file_sync_parent(dir_fd, name, err);
}

/* Makes one directory whose parents are there. */
static int file_make_dir(const char *path, mode_t mode, struct fl_error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return file_sync_parent(AT_FDCWD, path, err);
	if (errno != EEXIST)
		return fl_error_sys(err, errno, "making directory %s", path);
	if (stat(path, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	if (!S_ISDIR(st.st_mode))
		return fl_error_set(err, FL_INVALID, "%s is there and is no directory", path);
	return 0;
}

int fl_file_make_dirs(const char *path, mode_t mode, struct fl_error *err)
{
	fl_cleanup(fl_free) char *copy = strdup(path);
	size_t n = strlen(path);
	struct stat st;

	if (!copy)
		return fl_error_sys(err, ENOMEM, "making directory %s", path);
	if (n == 0)
		return fl_error_set(err, FL_INVALID, "the path of a directory is empty");
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	/* Most often it is there: one question in place of two for every parent. */
	if (stat(copy, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (file_make_dir(copy, mode, err) < 0)
			return -1;
		*slash = '/';
	}
	return file_make_dir(copy, mode, err);
}
