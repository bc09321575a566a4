/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#define MOUNT_LAYERS_MAX 64
/* What a bind mount can have for itself. */
#define MOUNT_OWN_FLAGS                                                                            \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

int mount_filesystem(const char *device, const char *type, const char *point,
		     const struct mount_options *options, struct fl_error *err)
{
	if (mount(device, point, type, options->flags, options->data) == 0)
		return 0;
	if (errno == EINVAL)
		return fl_error_set(err, FL_INVALID,
				    "the kernel refused to mount %s as %s: a mount flag is wrong "
				    "or the file system is damaged (dmesg says which)",
				    device, type);
	if (errno == ENODEV)
		return fl_error_set(err, FL_UNSUPPORTED, "this kernel has no %s", type);
	/* Linux before 6.7 knows a btrfs by its UUID alone, which a clone shares with its origin. */
	if (errno == EEXIST)
		return fl_error_set(err, FL_IN_USE,
				    "a %s with the same UUID as the one on %s is mounted on this "
				    "node, and this kernel cannot mount both: unpublish that one",
				    type, device);
	return fl_error_sys(err, errno, "mounting %s at %s", device, point);
}

int mount_bind(const char *source, const char *target, struct fl_error *err)
{
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return fl_error_sys(err, errno, "binding %s to %s", source, target);
	return 0;
}

int mount_restrict(const char *target, unsigned long flags, struct fl_error *err)
{
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | (flags & MOUNT_OWN_FLAGS), NULL) < 0)
		return fl_error_sys(err, errno, "setting the mount flags of %s", target);
	return 0;
}

bool mount_shows(const struct mountinfo_entry *entry, const struct connection *connection)
{
	return mountinfo_is_filesystem_of(entry, connection->device) ||
	       mountinfo_is_node_of(entry, connection->device, connection->name);
}

int mount_remove(struct fl_arena *arena, const char *path, const struct connection *connection,
		 struct fl_error *err)
{
	const struct mountinfo_entry *entry;

	for (int i = 0; i < MOUNT_LAYERS_MAX; i++) {
		if (mountinfo_at(arena, path, &entry, err) < 0)
			return -1;
		if (!entry)
			return 0;
		if (!connection || !mount_shows(entry, connection))
			return fl_error_set(err, FL_IN_USE,
					    "what is mounted at %s is not this volume but %s (%s): "
					    "unmount it by hand",
					    path, entry->source, entry->type);
		if (umount2(path, UMOUNT_NOFOLLOW) == 0)
			continue;
		if (errno == EBUSY)
			return fl_error_set(err, FL_IN_USE,
					    "%s is in use by a process: fuser --verbose --mount %s",
					    path, path);
		/* Somebody else unmounted it just now. */
		if (errno != EINVAL && errno != ENOENT)
			return fl_error_sys(err, errno, "unmounting %s", path);
	}
	return fl_error_set(err, FL_IN_USE, "%s is mounted again and again", path);
}

int mount_list(struct fl_arena *arena, const struct connection *connection, struct mountinfo *ret,
	       struct fl_error *err)
{
	struct mountinfo_entry *entries = NULL;
	struct mountinfo table;
	size_t n = 0, capacity = 0;

	if (mountinfo_read(arena, &table, err) < 0)
		return -1;
	for (size_t i = 0; i < table.n; i++) {
		if (!mount_shows(&table.entries[i], connection))
			continue;
		entries = fl_arena_grow(arena, entries, n, &capacity, sizeof(*entries));
		entries[n++] = table.entries[i];
	}
	ret->entries = entries;
	ret->n = n;
	return 0;
}
