/* SPDX-License-Identifier: Apache-2.0 */
#include "node/filesystem.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include "csi/mkfs.h"
#include "node/btrfs.h"
#include "node/tool.h"
#include "node/xfs.h"

#define FILESYSTEM_UNIT 65536 /* file systems use whole units of a device, at most this large */
struct filesystem {
	const char *name;
	const char *make[6];            /* command and its fixed arguments */
	const char *grow[4];            /* the command before its argument */
	bool grow_by_device;            /* its argument is the device, else the mount point */
	bool tells_size;                /* statvfs counts all of it */
	const char *mount_data;         /* always mounted with this */
	const struct uuid_change *uuid; /* NULL: the kernel does not mind two with the same UUID */
};

/* Without discard: a blank volume is blank, and a thick one would lose its space.  nouuid: a clone
 * that is only read keeps its source's UUID. */
static const struct filesystem filesystems[] = {
	{
		.name = "ext4",
		.make = { "mkfs.ext4", "-F", "-q", "-E", "nodiscard" },
		.grow = { "resize2fs" },
		.grow_by_device = true,
		.mount_data = "",
	},
	{
		.name = "xfs",
		.make = { "mkfs.xfs", "-f", "-q", "-K" },
		.grow = { "xfs_growfs", "-d" },
		.mount_data = "nouuid",
		.uuid = &xfs_uuid,
	},
	{
		.name = "btrfs",
		.make = { "mkfs.btrfs", "-f", "-q", "-K" },
		.grow = { "btrfs", "filesystem", "resize", "max" },
		.tells_size = true,
		.mount_data = "",
		.uuid = &btrfs_uuid,
	},
};

int filesystem_get(const char *name, const struct filesystem **ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(filesystems); i++) {
		if (strcmp(filesystems[i].name, name) == 0) {
			*ret = &filesystems[i];
			return 0;
		}
	}
	return fl_error_set(err, FL_INVALID, "file system \"%s\" is not ext4, xfs or btrfs", name);
}

const char *filesystem_name(const struct filesystem *type)
{
	return type->name;
}

const char *filesystem_mount_data(const struct filesystem *type)
{
	return type->mount_data;
}

const struct uuid_change *filesystem_uuid(const struct filesystem *type)
{
	return type->uuid;
}

int filesystem_make(const struct fl_op *op, const struct filesystem *type, const char *device,
		    const char *const *words, struct fl_error *err)
{
	const char *argv[FL_COUNT(type->make) + MKFS_WORDS_MAX + 2] = { NULL };
	struct fl_proc_result result;
	size_t n = 0;

	for (size_t i = 0; i < FL_COUNT(type->make) && type->make[i]; i++)
		argv[n++] = type->make[i];
	for (size_t i = 0; words[i]; i++)
		argv[n++] = words[i];
	argv[n] = device;
	if (tool_run(op, device, argv, &result, err) < 0)
		return fl_error_prefix(err, "making %s on %s", type->name, device);
	if (result.exit_status != 0)
		return fl_error_set(err, FL_INTERNAL, "%s on %s ended with status %d: %s",
				    type->make[0], device, result.exit_status,
				    tool_complaint(op, &result));
	return 0;
}

/* btrfs tells its exact size, and the kernel refuses to resize one below 256 MiB even to the size
 * that it has. */
static bool filesystem_fills(const struct filesystem *type, const char *point, uint64_t size)
{
	struct statvfs st;

	return type->tells_size && statvfs(point, &st) == 0 &&
	       st.f_blocks * st.f_frsize >= size / FILESYSTEM_UNIT * FILESYSTEM_UNIT;
}

int filesystem_grow(const struct fl_op *op, const struct filesystem *type,
		    const struct connection *connection, const char *point, struct fl_error *err)
{
	const char *argv[FL_COUNT(type->grow) + 2] = { NULL };
	struct fl_proc_result result;
	size_t n = 0;

	if (filesystem_fills(type, point, connection->size_bytes))
		return 0;
	for (size_t i = 0; i < FL_COUNT(type->grow) && type->grow[i]; i++)
		argv[n++] = type->grow[i];
	argv[n] = type->grow_by_device ? connection->path : point;
	/* Two at a time get in each other's way: btrfs refuses the second one. */
	if (tool_run(op, connection->path, argv, &result, err) < 0)
		return fl_error_prefix(err, "growing %s at %s", type->name, point);
	if (result.exit_status == 0)
		return 0;
	if (type->grow_by_device && strstr(result.errors, "Permission denied") &&
	    prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 0)
		return fl_error_set(err, FL_DENIED,
				    "growing a mounted %s needs CAP_SYS_RESOURCE, which this "
				    "process does not have",
				    type->name);
	return fl_error_set(err, FL_INTERNAL, "growing %s at %s: %s ended with status %d: %s",
			    type->name, point, argv[0], result.exit_status,
			    tool_complaint(op, &result));
}
