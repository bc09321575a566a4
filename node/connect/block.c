/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices that the node already has: used as they are, after a look at what they are. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/connect/connect.h"

static int block_check(const struct fl_op *op, const struct fl_source *source, struct fl_error *err)
{
	struct stat st;

	(void)op;
	if (stat(source->block.path, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", source->block.path);
	if (!S_ISBLK(st.st_mode))
		return fl_error_set(err, FL_IN_USE, "%s is not a block device", source->block.path);
	if (source->block.identity)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "this node cannot check the identity \"%s\" of %s",
				    source->block.identity, source->block.path);
	return 0;
}

static int block_find(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		      bool *ret_found, struct connection *ret, struct fl_error *err)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	struct stat st;
	int read_only;

	(void)volume_id;
	*ret_found = false;
	if (!source)
		return 0;
	if (block_check(op, source, err) < 0)
		return -1;
	fl_cleanup(fl_close) int fd = open(source->block.path, flags);

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", source->block.path);
	/* The node itself: mountinfo shows that, and not the links that lead to it. */
	fl_cleanup(fl_free) char *node = realpath(source->block.path, NULL);

	if (!node)
		return fl_error_sys(err, errno, "looking at %s", source->block.path);
	ret->path = fl_arena_strdup(op->arena, node);
	ret->name = strrchr(ret->path, '/') + 1;
	if (fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", ret->path);
	if (ioctl(fd, BLKGETSIZE64, &ret->size_bytes) < 0 || ioctl(fd, BLKROGET, &read_only) < 0)
		return fl_error_sys(err, errno, "asking %s", ret->path);
	ret->device = st.st_rdev;
	ret->read_only = read_only || source->read_only;
	ret->stale = false;
	*ret_found = true;
	return 0;
}

/* A device that is there is always found: nothing is ever made. */
static int block_make(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		      bool read_only, struct connection *ret, struct fl_error *err)
{
	bool found;

	(void)read_only;
	return block_find(op, volume_id, source, &found, ret, err);
}

static int block_refresh(const struct fl_op *op, struct connection *connection,
			 struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	(void)op;
	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (ioctl(fd, BLKGETSIZE64, &connection->size_bytes) < 0)
		return fl_error_sys(err, errno, "asking %s", connection->path);
	return 0;
}

/* The device stays, it is the backend's; what is proven is that nobody on this node holds it. */
static int block_remove(const struct fl_op *op, const char *volume_id,
			const struct fl_source *source, struct fl_error *err)
{
	(void)op;
	(void)volume_id;
	if (!source)
		return 0;
	fl_cleanup(fl_close) int fd =
		open(source->block.path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENXIO))
		return 0;
	if (fd < 0 && errno == EBUSY)
		return fl_error_set(err, FL_IN_USE,
				    "%s is mounted or held by a process: findmnt %s, fuser %s",
				    source->block.path, source->block.path, source->block.path);
	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", source->block.path);
	return 0;
}

const struct connect_way connect_block = {
	.kind = FL_SOURCE_BLOCK,
	.name = "as it is",
	.check = block_check,
	.find = block_find,
	.make = block_make,
	.refresh = block_refresh,
	.remove = block_remove,
};
