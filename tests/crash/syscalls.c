/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

/* Where a call says what it is about. */
enum syscall_place {
	PLACE_FD,      /* argument 0 is a descriptor */
	PLACE_TO_FD,   /* argument 2 is the one that is written */
	PLACE_AT,      /* arguments 0 and 1 are a directory's descriptor and a path */
	PLACE_TO_AT,   /* arguments 2 and 3 are: what a rename makes */
	PLACE_MOUNT,   /* argument 1 is a path */
	PLACE_UMOUNT,  /* argument 0 is a path */
	PLACE_SOCKET,  /* argument 1 is the address of a local socket */
	PLACE_PROCESS, /* a new process */
	PLACE_NOWHERE, /* a descriptor of no file, a mount at no path */
};

struct syscall_row {
	const char *name;
	unsigned number;
	enum syscall_place place;
	unsigned classes;
};

#define EVERYTHING                                                                                 \
	(SYSCALL_CHANGES | SYSCALL_SPACE | SYSCALL_DISK | SYSCALL_WRITABLE | SYSCALL_MEMORY)
#define SHRINKING (SYSCALL_CHANGES | SYSCALL_DISK | SYSCALL_WRITABLE | SYSCALL_MEMORY)
#define WRITING (SYSCALL_CHANGES | SYSCALL_SPACE | SYSCALL_DISK)

static const struct syscall_row rows[] = {
	{ "openat", SYS_openat, PLACE_AT, EVERYTHING | SYSCALL_OPENS },
	/* Only to read: base/tree.c. */
	{ "openat2", SYS_openat2, PLACE_AT, SYSCALL_DISK | SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "mkdirat", SYS_mkdirat, PLACE_AT, EVERYTHING },
	{ "mknodat", SYS_mknodat, PLACE_AT, EVERYTHING },
	{ "unlinkat", SYS_unlinkat, PLACE_AT, SHRINKING },
	{ "renameat2", SYS_renameat2, PLACE_TO_AT, EVERYTHING },
	{ "renameat", SYS_renameat, PLACE_TO_AT, EVERYTHING },
	{ "linkat", SYS_linkat, PLACE_TO_AT, EVERYTHING },
	{ "fchmodat", SYS_fchmodat, PLACE_AT, SHRINKING },
	{ "fchownat", SYS_fchownat, PLACE_AT, SHRINKING },
#ifdef SYS_mkdir
	{ "mkdir", SYS_mkdir, PLACE_UMOUNT, EVERYTHING },
	{ "rmdir", SYS_rmdir, PLACE_UMOUNT, SHRINKING },
	{ "unlink", SYS_unlink, PLACE_UMOUNT, SHRINKING },
	{ "rename", SYS_rename, PLACE_MOUNT, EVERYTHING },
	{ "link", SYS_link, PLACE_MOUNT, EVERYTHING },
	{ "symlink", SYS_symlink, PLACE_MOUNT, EVERYTHING },
	{ "mknod", SYS_mknod, PLACE_UMOUNT, EVERYTHING },
	{ "chmod", SYS_chmod, PLACE_UMOUNT, SHRINKING },
#endif
	{ "ftruncate", SYS_ftruncate, PLACE_FD, EVERYTHING },
	{ "fallocate", SYS_fallocate, PLACE_FD, EVERYTHING },
	{ "fchmod", SYS_fchmod, PLACE_FD, SHRINKING },
	{ "fchown", SYS_fchown, PLACE_FD, SHRINKING },
	{ "fsetxattr", SYS_fsetxattr, PLACE_FD, EVERYTHING },
	{ "write", SYS_write, PLACE_FD, WRITING },
	{ "pwrite64", SYS_pwrite64, PLACE_FD, WRITING },
	{ "writev", SYS_writev, PLACE_FD, WRITING },
	{ "copy_file_range", SYS_copy_file_range, PLACE_TO_FD, WRITING },
	{ "fsync", SYS_fsync, PLACE_FD, WRITING },
	{ "fdatasync", SYS_fdatasync, PLACE_FD, WRITING },
	{ "syncfs", SYS_syncfs, PLACE_FD, WRITING },
	{ "ioctl", SYS_ioctl, PLACE_FD, WRITING | SYSCALL_MEMORY },
	{ "mount", SYS_mount, PLACE_MOUNT, SYSCALL_CHANGES | SYSCALL_DISK | SYSCALL_MEMORY },
	{ "umount2", SYS_umount2, PLACE_UMOUNT, SYSCALL_CHANGES | SYSCALL_MEMORY },
	{ "move_mount", SYS_move_mount, PLACE_TO_AT, SYSCALL_CHANGES | SYSCALL_MEMORY },
	{ "fsconfig", SYS_fsconfig, PLACE_NOWHERE,
	  SYSCALL_CHANGES | SYSCALL_DISK | SYSCALL_MEMORY },
	{ "bind", SYS_bind, PLACE_SOCKET, SYSCALL_CHANGES },
	{ "read", SYS_read, PLACE_FD, SYSCALL_DISK },
	{ "pread64", SYS_pread64, PLACE_FD, SYSCALL_DISK },
	{ "getdents64", SYS_getdents64, PLACE_FD, SYSCALL_DISK },
	{ "open_tree", SYS_open_tree, PLACE_AT, SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "mount_setattr", SYS_mount_setattr, PLACE_NOWHERE, SYSCALL_MEMORY },
	{ "fsopen", SYS_fsopen, PLACE_NOWHERE, SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "memfd_create", SYS_memfd_create, PLACE_NOWHERE, SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "pipe2", SYS_pipe2, PLACE_NOWHERE, SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "socket", SYS_socket, PLACE_NOWHERE, SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "pidfd_open", SYS_pidfd_open, PLACE_NOWHERE, SYSCALL_OPENS | SYSCALL_MEMORY },
	{ "clone3", SYS_clone3, PLACE_PROCESS, SYSCALL_MEMORY },
};

/* How file systems grow; two are in no header of the kernel's (fs/ext4/ext4.h, libxfs/xfs_fs.h). */
struct xfs_growth {
	uint64_t blocks;
	uint32_t inodes_percent;
};
#define EXT4_GROW _IOW('f', 16, uint64_t)
#define XFS_GROW _IOW('X', 110, struct xfs_growth)

/* Of all the requests of ioctl, those that change something. */
static const unsigned long requests[] = {
	LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LOOP_CLR_FD,      LOOP_SET_STATUS64, LOOP_SET_CAPACITY,
	FICLONE,           FICLONERANGE,   BLKDISCARD,       BLKZEROOUT,        BLKFLSBUF,
	EXT4_GROW,         XFS_GROW,       BTRFS_IOC_RESIZE,
};

size_t syscall_numbers(unsigned classes, unsigned ret[], size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < FL_COUNT(rows) && n < max; i++)
		if (rows[i].classes & classes)
			ret[n++] = rows[i].number;
	return n;
}

static bool syscall_read(pid_t pid, uint64_t from, void *to, size_t size)
{
	struct iovec local = { to, size };
	struct iovec remote = { (void *)(uintptr_t)from, size };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0;
}

static void syscall_fd_path(pid_t pid, int fd, char *path, size_t size)
{
	char link[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	else
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	n = readlink(link, path, size - 1);
	path[n < 0 ? 0 : n] = '\0';
}

/* A path of the caller's memory, absolute.  It ends at a page's end at the latest, where a read
 * across it would fail. */
static void syscall_path(pid_t pid, int dir_fd, uint64_t address, char *path, size_t size)
{
	char name[1024] = "";
	size_t left = 4096 - (size_t)(address % 4096);

	if (!syscall_read(pid, address, name, sizeof(name) - 1))
		(void)syscall_read(pid, address, name, left < sizeof(name) ? left : 1);
	if (name[0] == '/') {
		snprintf(path, size, "%s", name);
		return;
	}
	syscall_fd_path(pid, dir_fd, path, size);
	snprintf(path + strlen(path), size - strlen(path), "/%s", name);
}

static void syscall_place(const struct syscall_row *row, const struct seccomp_notif *notif,
			  char *path, size_t size)
{
	const __u64 *args = notif->data.args;
	pid_t pid = (pid_t)notif->pid;

	switch (row->place) {
	case PLACE_FD:
		syscall_fd_path(pid, (int)args[0], path, size);
		return;
	case PLACE_TO_FD:
		syscall_fd_path(pid, (int)args[2], path, size);
		return;
	case PLACE_AT:
		syscall_path(pid, (int)args[0], args[1], path, size);
		return;
	case PLACE_TO_AT:
		syscall_path(pid, (int)args[2], args[3], path, size);
		return;
	case PLACE_MOUNT:
		syscall_path(pid, AT_FDCWD, args[1], path, size);
		return;
	case PLACE_UMOUNT:
		syscall_path(pid, AT_FDCWD, args[0], path, size);
		return;
	case PLACE_SOCKET:
		syscall_path(pid, AT_FDCWD, args[1] + offsetof(struct sockaddr_un, sun_path), path,
			     size);
		return;
	case PLACE_PROCESS:
	case PLACE_NOWHERE:
		path[0] = '\0';
	}
}

/* What the arguments leave of the row's classes. */
static unsigned syscall_classes(const struct syscall_row *row, const struct seccomp_notif *notif)
{
	const __u64 *args = notif->data.args;
	uint64_t flags = 0;

	if (row->number == SYS_openat && !(args[2] & (O_CREAT | O_TRUNC))) {
		bool writes = (args[2] & O_ACCMODE) != O_RDONLY;

		return row->classes & ~(unsigned)(SYSCALL_CHANGES | SYSCALL_SPACE |
						  (writes ? 0 : SYSCALL_WRITABLE));
	}
	if (row->number == SYS_ioctl) {
		for (size_t i = 0; i < FL_COUNT(requests); i++)
			if ((args[1] & UINT32_MAX) == (requests[i] & UINT32_MAX))
				return row->classes;
		return 0;
	}
	/* The other commands only prepare the one that mounts. */
	if (row->number == SYS_fsconfig && args[1] != FSCONFIG_CMD_CREATE)
		return row->classes & SYSCALL_MEMORY;
	if (row->place == PLACE_PROCESS &&
	    (!syscall_read((pid_t)notif->pid, args[0], &flags, sizeof(flags)) ||
	     (flags & CLONE_THREAD)))
		return 0;
	return row->classes;
}

const struct syscall_row *syscall_match(const struct seccomp_notif *notif, unsigned classes,
					const char *root, char *text, size_t size)
{
	const struct syscall_row *row = NULL;
	char path[2048] = "";

	for (size_t i = 0; i < FL_COUNT(rows) && !row; i++)
		if (rows[i].number == (unsigned)notif->data.nr)
			row = &rows[i];
	if (!row || !(syscall_classes(row, notif) & classes))
		return NULL;
	syscall_place(row, notif, path, sizeof(path));
	if (path[0] && !fl_text_starts_with(path, root) &&
	    !fl_text_starts_with(path, "/dev/loop") && !(row->classes & classes & SYSCALL_OPENS))
		return NULL;
	if (!path[0] && row->place == PLACE_FD)
		return NULL;
	snprintf(text, size, "%s %.180s", row->name, path);
	return row;
}
