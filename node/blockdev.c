/* SPDX-License-Identifier: Apache-2.0 */
#include "node/blockdev.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/mount.h"

bool blockdev_is_at(const struct connection *connection, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == connection->device;
}

/* An empty file to bind over; one that is there is fine when nothing is lost by covering it. */
static int blockdev_make_target(const char *target, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd >= 0)
		return 0;
	if (errno != EEXIST)
		return fl_error_sys(err, errno, "making %s", target);
	if (lstat(target, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", target);
	if (!S_ISREG(st.st_mode) || st.st_size > 0)
		return fl_error_set(err, FL_IN_USE,
				    "%s is there and is no empty file: a device node cannot be "
				    "published over it",
				    target);
	return 0;
}

int blockdev_publish(struct fl_arena *arena, const struct connection *connection,
		     const char *target, struct fl_error *err)
{
	const struct mountinfo_entry *entry;

	if (mountinfo_at(arena, target, &entry, err) < 0)
		return -1;
	if (!entry && (blockdev_make_target(target, err) < 0 ||
		       mount_bind(connection->path, target, 0, err) < 0))
		return -1;
	/* Never believe it: a guest that writes to a plain file fills the root disk. */
	if (!blockdev_is_at(connection, target))
		return fl_error_set(err, FL_IN_USE, "%s is not the device %s but something else",
				    target, connection->path);
	return 0;
}
