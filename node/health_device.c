/* SPDX-License-Identifier: Apache-2.0 */
/* The health of a kernel device: what the kernel shows of it in /sys, and the image below it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "node/health.h"

#define HEALTH_SYSFS_MAX 8192
#define HEALTH_DELETED " (deleted)"

/* The line that the kernel shows in /sys/class/block/NAME/FILE; NULL: there is no such file. */
static const char *health_sysfs(const struct fl_op *op, const char *name, const char *file)
{
	const char *path = fl_arena_printf(op->arena, "/sys/class/block/%s/%s", name, file);
	struct fl_error ignored;
	const char *text;
	size_t size;

	if (fl_file_read(op->arena, AT_FDCWD, path, HEALTH_SYSFS_MAX, &text, &size, &ignored) < 0)
		return NULL;
	return fl_arena_strndup(op->arena, text, strcspn(text, "\n"));
}

/* Whether `path` is the file that the device reads and writes. */
static bool health_is_backed_by(const struct connection *connection, const char *path,
				struct stat *ret)
{
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct loop_info64 info;

	return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && stat(path, ret) == 0 &&
	       info.lo_device == ret->st_dev && info.lo_inode == ret->st_ino;
}

static void health_add_image(const struct fl_op *op, const struct connection *c, const char *image,
			     struct fl_health *health)
{
	struct stat st;

	if (fl_text_ends_with(image, HEALTH_DELETED))
		fl_health_add(op->arena, health, FL_HEALTH_DEGRADED, "ImageDeleted",
			      "the image of %s was deleted: what it holds is lost as soon as the "
			      "volume is unstaged; copy it away now",
			      c->path);
	else if (!health_is_backed_by(c, image, &st))
		fl_health_add(op->arena, health, FL_HEALTH_DEGRADED, "ImageReplaced",
			      "%s is no longer the image that %s writes to: it was replaced or "
			      "moved; copy what is needed from the device, then unstage the volume",
			      image, c->path);
	else if ((uint64_t)st.st_size < c->size_bytes)
		fl_health_add(op->arena, health, FL_HEALTH_DATA_LOSS, "ImageTruncated",
			      "the image %s has %jd bytes and its device %s has %ju: its end is "
			      "lost; put it back from a backup",
			      image, (intmax_t)st.st_size, c->path, (uintmax_t)c->size_bytes);
}

void node_health_add_device(const struct fl_op *op, const struct connection *c,
			    struct fl_health *health)
{
	const char *image = health_sysfs(op, c->name, "loop/backing_file");
	const char *state = health_sysfs(op, c->name, "device/state");

	if (c->size_bytes == 0)
		fl_health_add(op->arena, health, FL_HEALTH_INACCESSIBLE, "DeviceOffline",
			      "%s has no bytes any more: the disk behind it is gone", c->path);
	else if (image)
		health_add_image(op, c, image, health);
	/* SCSI says "running" or "blocked", NVMe "live"; a path that comes back is neither. */
	if (state && (strcmp(state, "offline") == 0 || strcmp(state, "transport-offline") == 0 ||
		      strcmp(state, "dead") == 0))
		fl_health_add(
			op->arena, health, FL_HEALTH_INACCESSIBLE, "DeviceOffline",
			"the kernel has taken %s offline: look for its errors in the kernel's "
			"log, and at the connection to the storage",
			c->path);
}
