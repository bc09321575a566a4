/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "node/path.h"
#include "node/tool.h"

#define MOUNT_LAYERS_MAX 64
#define MOUNT_TRIES 5
#define MOUNT_PAUSE_MS 10
/* What a bind mount can have for itself. */
#define MOUNT_OWN_FLAGS                                                                            \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | \
	 MS_STRICTATIME)

int mount_filesystem(const char *device, const char *type, const char *point,
		     const struct mount_options *options, struct fl_error *err)
{
	if (mount(device, point, type, options->flags, options->data) == 0)
		return 0;
	if (errno == EINVAL && options->has_words)
		return fl_error_set(err, FL_INVALID,
				    "the kernel refused to mount %s as %s: a mount flag is wrong "
				    "or the file system is damaged (dmesg says which)",
				    device, type);
	/* EBADMSG is a checksum that does not fit. */
	if (errno == EINVAL || errno == EUCLEAN || errno == EBADMSG)
		return fl_error_set(err, FL_IN_USE,
				    "the %s on %s is damaged, or of a kind that this kernel does "
				    "not know (dmesg says which): take a copy of the volume before "
				    "you repair it",
				    type, device);
	if (errno == ENODEV)
		return fl_error_set(err, FL_UNSUPPORTED, "this kernel has no %s", type);
	/* Linux before 6.7 knows a btrfs by its UUID alone, which a clone shares with its
	 * origin. */
	if (errno == EEXIST)
		return fl_error_set(err, FL_IN_USE,
				    "a %s with the same UUID as the one on %s is mounted on this "
				    "node, and this kernel cannot mount both: unpublish that one",
				    type, device);
	return fl_error_sys(err, errno, "mounting %s at %s", device, point);
}

/* In two steps, as kernels before 5.12 can. */
static int mount_bind_slowly(const char *source, const char *target, unsigned long flags,
			     struct fl_error *err)
{
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return fl_error_sys(err, errno, "binding %s to %s", source, target);
	flags &= MOUNT_OWN_FLAGS;
	if (!flags || mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0)
		return 0;
	fl_error_sys(err, errno, "setting the mount flags of %s", target);
	umount2(target, UMOUNT_NOFOLLOW);
	return -1;
}

static void mount_attributes(unsigned long flags, struct mount_attr *ret)
{
	static const struct {
		unsigned long flag;
		uint64_t attribute;
	} words[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	};

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < FL_COUNT(words); i++) {
		if (flags & words[i].flag)
			ret->attr_set |= words[i].attribute;
	}
	/* These three are one field, in which relatime is 0. */
	if (flags & (MS_NOATIME | MS_STRICTATIME | MS_RELATIME))
		ret->attr_clr = MOUNT_ATTR__ATIME;
}

int mount_bind(const char *source, const char *target, unsigned long flags, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attributes;

	if (fd < 0)
		return fl_error_sys(err, errno, "binding %s", source);
	mount_attributes(flags, &attributes);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return errno == ENOSYS ? mount_bind_slowly(source, target, flags, err)
				       : fl_error_sys(err, errno, "the mount flags for %s", target);
	if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fl_error_sys(err, errno, "binding %s to %s", source, target);
	return 0;
}

int mount_flags(const char *point, unsigned long *ret, struct fl_error *err)
{
	static const struct {
		unsigned long flag;
		unsigned long is;
	} words[] = {
		{ MS_RDONLY, ST_RDONLY },
		{ MS_NOSUID, ST_NOSUID },
		{ MS_NODEV, ST_NODEV },
		{ MS_NOEXEC, ST_NOEXEC },
	};
	struct statvfs st;

	if (statvfs(point, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", point);
	*ret = 0;
	for (size_t i = 0; i < FL_COUNT(words); i++)
		*ret |= st.f_flag & words[i].is ? words[i].flag : 0;
	return 0;
}

int mount_check_works(const struct mountinfo_entry *entry, const char *volume_id,
		      struct fl_error *err)
{
	struct stat st;
	/* XFS does not show it in the table. */
	bool answers = stat(entry->point, &st) == 0 || !path_is_broken(errno);

	if (answers && !entry->failed)
		return 0;
	return fl_error_set(err, FL_IN_USE,
			    "the %s of volume %s at %s has %s after an error: unpublish and "
			    "unstage the volume, repair it and stage it again",
			    entry->type, volume_id, entry->point,
			    answers ? "become read-only" : "shut itself down");
}

bool mount_shows(const struct mountinfo_entry *entry, const struct connection *connection)
{
	return mountinfo_is_filesystem_of(entry, connection->device) ||
	       mountinfo_is_node_of(entry, connection->device, connection->name);
}

/* Takes one layer off.  A program that ends lets go of its lock before it lets go of the rest. */
static int mount_take_off(const char *path, const char *device, struct fl_error *err)
{
	for (int i = 0; i < MOUNT_TRIES; i++) {
		if (umount2(path, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return fl_error_sys(err, errno, "unmounting %s", path);
		if (tool_is_running(device))
			return fl_error_set(err, FL_BUSY,
					    "a program of an earlier attempt still grows the file "
					    "system at %s: ask again",
					    path);
		fl_clock_sleep_ms(MOUNT_PAUSE_MS);
	}
	return fl_error_set(err, FL_IN_USE, "%s is in use by a process: fuser --verbose --mount %s",
			    path, path);
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
		if (mount_take_off(path, connection->path, err) < 0)
			return -1;
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
		entries[n] = table.entries[i];
		mountinfo_find_place(arena, &table, &entries[n++]);
	}
	ret->entries = entries;
	ret->n = n;
	return 0;
}
