/* SPDX-License-Identifier: Apache-2.0 */
/* The same system calls as the service's: an image and its two records, each of them durable before
 * the whole becomes visible; the record that nobody gets the volume any more before it is deleted;
 * a loop device with direct I/O and a bind mount of its node, after the record that somebody may
 * write.  With them the calls that prove: locks, the lease, records that are read, the search for a
 * loop device that is there already. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

/* About as much as a record holds. */
static const char record[200] = "fairlead-record 1";

static void must(bool good, const char *what)
{
	if (!good)
		bench_fail(what);
}

static int floor_open(int dir_fd, const char *name, int flags)
{
	int fd = openat(dir_fd, name, flags | O_CLOEXEC, 0600);

	must(fd >= 0, name);
	return fd;
}

static int floor_folder(int dir_fd, const char *name)
{
	return floor_open(dir_fd, name, O_RDONLY | O_DIRECTORY);
}

static void floor_sync(int dir_fd, const char *name)
{
	fl_cleanup(fl_close) int fd = floor_folder(dir_fd, name);

	must(fsync(fd) == 0, name);
}

/* A record under the folder's lock: written beside its place, synced, renamed, the folder
 * synced. */
static void floor_record(int dir_fd, const char *name)
{
	fl_cleanup(fl_close) int lock = floor_folder(dir_fd, ".");
	char beside[64];

	must(flock(lock, LOCK_EX | LOCK_NB) == 0, "flock");
	snprintf(beside, sizeof(beside), "%s.new", name);
	fl_cleanup(fl_close) int fd = floor_open(dir_fd, beside, O_WRONLY | O_CREAT | O_EXCL);
	must(write(fd, record, sizeof(record)) == sizeof(record), "write");
	must(fchmod(fd, 0600) == 0 && fsync(fd) == 0, "fsync");
	must(renameat(dir_fd, beside, dir_fd, name) == 0, "rename");
	floor_sync(dir_fd, ".");
}

static void floor_lock(int root)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 7, .l_len = 1 };
	fl_cleanup(fl_close) int fd = floor_open(root, "lock", O_RDWR | O_CREAT);

	must(fcntl(fd, F_OFD_SETLK, &range) == 0, "lock");
}

static void floor_image(int dir_fd, int64_t bytes)
{
	fl_cleanup(fl_close) int fd = floor_open(dir_fd, "image", O_RDWR | O_CREAT | O_EXCL);

	must(ftruncate(fd, bytes) == 0 && fsync(fd) == 0, "image");
}

void floor_create(const char *directory, int64_t bytes)
{
	fl_cleanup(fl_close) int root = floor_folder(AT_FDCWD, directory);
	char text[sizeof(record)];

	floor_lock(root);
	must(mkdirat(root, "making", 0700) == 0, "mkdir");
	fl_cleanup(fl_close) int dir_fd = floor_folder(root, "making");
	floor_image(dir_fd, bytes);
	floor_record(dir_fd, "format");
	floor_record(dir_fd, "meta");
	must(fsync(dir_fd) == 0, "fsync");
	must(renameat(root, "making", root, "floor") == 0, "rename");
	must(fsync(root) == 0, "fsync");
	fl_cleanup(fl_close) int meta = floor_open(dir_fd, "meta", O_RDONLY);
	must(read(meta, text, sizeof(text)) == sizeof(text), "read");
}

void floor_delete(const char *directory)
{
	static const char *const names[] = { "image", "format", "meta", "owner" };
	fl_cleanup(fl_close) int root = floor_folder(AT_FDCWD, directory);

	floor_lock(root);
	fl_cleanup(fl_close) int dir_fd = floor_folder(root, "floor");
	floor_record(dir_fd, "owner");
	fl_cleanup(fl_close) int image = floor_open(dir_fd, "image", O_RDONLY);
	/* Nobody has the image open: the proof that a delete needs. */
	must(fcntl(image, F_SETLEASE, F_WRLCK) == 0, "lease");
	must(renameat(root, "floor", root, "trash") == 0, "rename");
	must(fsync(root) == 0, "fsync");
	for (size_t i = 0; i < FL_COUNT(names); i++)
		must(unlinkat(dir_fd, names[i], 0) == 0, names[i]);
	must(unlinkat(root, "trash", AT_REMOVEDIR) == 0, "rmdir");
}

static void floor_read(int root, const char *name)
{
	fl_cleanup(fl_close) int dir_fd = floor_folder(root, "floor");
	fl_cleanup(fl_close) int fd = floor_open(dir_fd, name, O_RDONLY);
	char text[sizeof(record)];
	struct stat st;

	must(fstat(fd, &st) == 0 && read(fd, text, sizeof(text)) == sizeof(text), name);
	must(read(fd, text, 1) == 0, name);
}

/* Whether a loop device has the image already: each is asked. */
static void loop_search(void)
{
	fl_cleanup(fl_closedir) DIR *dir = opendir("/sys/devices/virtual/block");
	struct dirent *entry;
	char path[300];

	must(dir != NULL, "opendir");
	while ((entry = readdir(dir))) {
		fl_cleanup(fl_close) int fd = -1;
		struct loop_info64 info;

		if (strncmp(entry->d_name, "loop", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/loop/backing_file", entry->d_name);
		if (faccessat(dirfd(dir), path, F_OK, 0) < 0)
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		must(fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) == 0 || errno == ENXIO, path);
	}
}

/* What stage and publish each begin with: the volume's lock, its owner, its image, its device. */
static void floor_look(int root)
{
	struct stat st;

	floor_lock(root);
	floor_read(root, "owner");
	must(fstatat(root, "floor/image", &st, AT_SYMLINK_NOFOLLOW) == 0, "image");
	must(fstatat(root, "floor/image", &st, 0) == 0, "image");
	loop_search();
	floor_read(root, "format");
}

static void loop_describe(int fd)
{
	struct loop_info64 info;
	uint64_t size;
	int read_only;

	must(ioctl(fd, LOOP_GET_STATUS64, &info) == 0, "LOOP_GET_STATUS64");
	must(ioctl(fd, BLKGETSIZE64, &size) == 0, "BLKGETSIZE64");
	must(ioctl(fd, BLKROGET, &read_only) == 0, "BLKROGET");
}

static int loop_new(int image)
{
	struct loop_config config = { .fd = (unsigned)image,
				      .block_size = 512,
				      .info.lo_flags = LO_FLAGS_DIRECT_IO };
	fl_cleanup(fl_close) int control = floor_open(AT_FDCWD, "/dev/loop-control", O_RDWR);

	for (;;) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		char path[32];

		must(number >= 0, "LOOP_CTL_GET_FREE");
		snprintf(path, sizeof(path), "/dev/loop%d", number);
		fl_cleanup(fl_close) int fd = floor_open(AT_FDCWD, path, O_RDWR);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			loop_describe(fd);
			return number;
		}
		must(errno == EBUSY, "LOOP_CONFIGURE");
	}
}

static int staged = -1;

void floor_grant(const char *directory)
{
	fl_cleanup(fl_close) int root = floor_folder(AT_FDCWD, directory);
	fl_cleanup(fl_close) int dir_fd = floor_folder(root, "floor");

	floor_record(dir_fd, "owner");
}

void floor_stage(const char *directory)
{
	char device[32], target[4096];
	fl_cleanup(fl_close) int root = floor_folder(AT_FDCWD, directory);
	fl_cleanup(fl_close) int dir_fd = floor_folder(root, "floor");
	struct stat st;

	floor_look(root);
	floor_read(root, "format");
	floor_record(dir_fd, "format");

	floor_look(root);
	fl_cleanup(fl_close) int image = floor_open(dir_fd, "image", O_RDWR);
	must(fstat(image, &st) == 0, "image");
	staged = loop_new(image);
	snprintf(device, sizeof(device), "/dev/loop%d", staged);
	snprintf(target, sizeof(target), "%s/device", directory);
	must(lstat(target, &st) < 0 && errno == ENOENT, target);
	fl_close(&(int){ floor_open(AT_FDCWD, target, O_WRONLY | O_CREAT | O_EXCL) });
	must(mount(device, target, NULL, MS_BIND, NULL) == 0, "bind");
	must(lstat(target, &st) == 0, target);
}

void floor_unstage(const char *directory)
{
	char device[32], target[4096];

	snprintf(device, sizeof(device), "/dev/loop%d", staged);
	snprintf(target, sizeof(target), "%s/device", directory);
	must(umount(target) == 0 && unlink(target) == 0, "umount");
	fl_cleanup(fl_close) int fd = floor_open(AT_FDCWD, device, O_RDONLY);
	must(ioctl(fd, LOOP_CLR_FD, 0) == 0, "LOOP_CLR_FD");
}
