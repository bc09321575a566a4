/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/record.h"
#include "catalog.h"
#include "entry.h"
#include "image.h"
#include "reserve.h"

const struct fl_option file_pool_options[FILE_POOL_N_OPTIONS] = {
	{ .key = "directory",
	  .kind = FL_OPTION_PATH,
	  .offset = offsetof(struct file_options, directory),
	  .required = true,
	  .help = "where the images live; made when it is not there" },
	{ .key = "mounted",
	  .kind = FL_OPTION_BOOL,
	  .offset = offsetof(struct file_options, mounted),
	  .otherwise = "false",
	  .help = "the directory is a mount point: refuse the pool while nothing is mounted there" },
	{ .key = "shared",
	  .kind = FL_OPTION_BOOL,
	  .offset = offsetof(struct file_options, shared),
	  .otherwise = "false",
	  .help = "every node sees the same directory at the same path" },
};

const char *file_kind_name(enum file_kind kind)
{
	return kind == FILE_VOLUME ? "volume" : "snapshot";
}

struct file_pool *file_pool_of(struct fl_pool *pool)
{
	return (struct file_pool *)pool;
}

void file_pool_close(struct fl_pool *pool)
{
	struct file_pool *file = file_pool_of(pool);

	if (!file)
		return;
	fl_close(&file->root_fd);
	fl_close(&file->place_fds[FILE_VOLUME]);
	fl_close(&file->place_fds[FILE_SNAPSHOT]);
	fl_close(&file->tmp_fd);
	fl_close(&file->trash_fd);
	fl_close(&file->records_fd);
	file_catalog_free(file->catalogs[FILE_VOLUME]);
	file_catalog_free(file->catalogs[FILE_SNAPSHOT]);
	free(file->directory);
	free(file);
}

static void pool_release(struct file_pool **file)
{
	if (*file)
		file_pool_close(&(*file)->pool);
}

static int pool_check_mounted(const struct fl_op *op, const char *directory, struct fl_error *err)
{
	const char *parent = fl_arena_printf(op->arena, "%s/..", directory);
	struct stat inside, outside;

	if (stat(directory, &inside) < 0 || stat(parent, &outside) < 0)
		return fl_error_sys(err, errno, "directory %s", directory);
	if (inside.st_dev == outside.st_dev)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "nothing is mounted at %s, and the pool says mounted: true",
				    directory);
	return 0;
}

static int pool_open_folder(struct file_pool *file, const char *name, int *ret_fd,
			    struct fl_error *err)
{
	while (mkdirat(file->root_fd, name, 0700) < 0 && errno != EEXIST)
		/* Also in a full pool that an earlier version made, without this folder. */
		if (errno != ENOSPC || !file_reserve_spend(file))
			return fl_error_sys(err, errno, "making directory %s/%s", file->directory,
					    name);
	*ret_fd = openat(file->root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0)
		return fl_error_sys(err, errno, "opening directory %s/%s", file->directory, name);
	return 0;
}

static int pool_open_folders(struct file_pool *file, const struct file_options *options,
			     struct fl_error *err)
{
	file->directory = realpath(options->directory, NULL);
	if (!file->directory)
		return fl_error_sys(err, errno, "directory %s", options->directory);
	file->root_fd = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->root_fd < 0)
		return fl_error_sys(err, errno, "opening directory %s", file->directory);
	if (pool_open_folder(file, "volumes", &file->place_fds[FILE_VOLUME], err) < 0 ||
	    pool_open_folder(file, "snapshots", &file->place_fds[FILE_SNAPSHOT], err) < 0 ||
	    pool_open_folder(file, "tmp", &file->tmp_fd, err) < 0 ||
	    pool_open_folder(file, "trash", &file->trash_fd, err) < 0 ||
	    pool_open_folder(file, "records", &file->records_fd, err) < 0)
		return -1;
	return fl_file_sync_dir(file->root_fd, err);
}

static int pool_scratch_file(const struct file_pool *file)
{
	int fd;

	do
		fd = openat(file->tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	while (fd < 0 && errno == ENOSPC && file_reserve_spend(file));
	return fd;
}

/* What the file system can do is tried, not looked up: the same type differs by how it was made.
 * With empty files, and from the reserve if need be, because a full pool must open, too. */
static int pool_probe(struct file_pool *file, struct fl_error *err)
{
	fl_cleanup(fl_close) int from = pool_scratch_file(file), to = pool_scratch_file(file);

	if (from < 0 || to < 0)
		return fl_error_sys(err, errno, "making a nameless file in %s/tmp",
				    file->directory);
	file->reflink = ioctl(to, FICLONE, from) == 0;
	file->leases = file_image_lease(from) == 0;
	return 0;
}

static int pool_make_catalogs(struct file_pool *file, bool shared, struct fl_error *err)
{
	for (enum file_kind kind = FILE_VOLUME; kind <= FILE_SNAPSHOT; kind++) {
		file->catalogs[kind] = file_catalog_new(kind, !shared);
		if (!file->catalogs[kind])
			return fl_error_sys(err, ENOMEM, "opening directory %s", file->directory);
	}
	return 0;
}

int file_pool_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
		   const void *options, struct fl_error *err)
{
	const struct file_options *wanted = options;
	fl_cleanup(pool_release) struct file_pool *file = calloc(1, sizeof(*file));

	(void)name;
	if (!file)
		return fl_error_sys(err, ENOMEM, "opening directory %s", wanted->directory);
	file->root_fd = file->tmp_fd = file->trash_fd = file->records_fd = -1;
	file->place_fds[FILE_VOLUME] = file->place_fds[FILE_SNAPSHOT] = -1;

	if (wanted->mounted && pool_check_mounted(op, wanted->directory, err) < 0)
		return -1;
	if (fl_file_make_dirs(wanted->directory, 0700, err) < 0)
		return -1;
	if (pool_open_folders(file, wanted, err) < 0 || pool_probe(file, err) < 0 ||
	    pool_make_catalogs(file, wanted->shared, err) < 0)
		return -1;
	if (!file->leases && !wanted->shared)
		return fl_error_set(
			err, FL_UNSUPPORTED,
			"the file system of %s grants no leases (fcntl F_SETLEASE), "
			"so nothing proves that an image is unused before it is deleted",
			file->directory);
	file->pool.without = wanted->shared ? FL_BACKEND_NODE_LOCAL : FL_BACKEND_SHARED;
	if (file->reflink)
		file->pool.without |= FL_BACKEND_COPIES;
	file_entry_sweep(file, op);
	fl_record_sweep(file->records_fd);
	file_reserve_fill(file);
	*ret = &file->pool;
	file = NULL;
	return 0;
}

int file_pool_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
		       struct fl_capacity *ret, struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	struct statvfs vfs;

	(void)op;
	if (fstatvfs(file->root_fd, &vfs) < 0)
		return fl_error_sys(err, errno, "free space of %s", file->directory);
	ret->available_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	ret->max_volume_bytes = thin ? 0 : ret->available_bytes / FILE_IMAGE_UNIT * FILE_IMAGE_UNIT;
	ret->min_volume_bytes = FILE_IMAGE_UNIT;
	return 0;
}
