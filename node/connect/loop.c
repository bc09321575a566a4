/* SPDX-License-Identifier: Apache-2.0 */
/* Files become loop devices. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "node/connect/connect.h"
#include "node/connect/image.h"
#include "node/connect/loop_device.h"

#define LOOP_ATTEMPTS 64  /* others take free devices, or make new ones of this volume, meanwhile */
#define LOOP_GONE_MS 3000 /* udev and blkid look at a device for less */
#define LOOP_ALONE_TRIES 10    /* a mkfs that ends closes its lock before its device … */
#define LOOP_ALONE_PAUSE_MS 10 /* … a moment before */
/* The same for a volume's whole life, and the one of its disk in a VM: on other sectors an XFS is
 * not mounted and a partition table not read.  It must not follow what direct I/O wants, which
 * changes as soon as the image shares blocks with a snapshot; the kernel does without direct I/O
 * then. */
#define LOOP_SECTOR 512

static int loop_check(const struct fl_op *op, const struct fl_source *source, struct fl_error *err)
{
	const char *path = source->file.path;
	struct stat st;

	(void)op;
	if (lstat(path, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	if (!S_ISREG(st.st_mode))
		return fl_error_set(err, FL_IN_USE, "%s is not a regular file", path);
	if ((uint64_t)st.st_size < source->size_bytes)
		return fl_error_set(err, FL_IN_USE,
				    "%s has %jd bytes, but the volume has %ju: it was truncated",
				    path, (intmax_t)st.st_size, (uintmax_t)source->size_bytes);
	return 0;
}

/* Fills *ret from an open device. */
static int loop_describe(const struct fl_op *op, int fd, unsigned number, struct connection *ret,
			 struct fl_error *err)
{
	struct stat st;
	int read_only;

	ret->path = fl_arena_printf(op->arena, "/dev/loop%u", number);
	ret->name = ret->path + strlen("/dev/");
	if (fstat(fd, &st) < 0 || ioctl(fd, BLKGETSIZE64, &ret->size_bytes) < 0 ||
	    ioctl(fd, BLKROGET, &read_only) < 0)
		return fl_error_sys(err, errno, "asking %s", ret->path);
	ret->device = st.st_rdev;
	ret->read_only = read_only != 0;
	ret->stale = false;
	return 0;
}

static int loop_foreign(const char *volume_id, unsigned number, struct fl_error *err)
{
	return fl_error_set(err, FL_IN_USE,
			    "somebody else attached the image of volume %s to /dev/loop%u: "
			    "losetup --detach /dev/loop%u",
			    volume_id, number, number);
}

static int loop_find(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		     bool *ret_found, struct connection *ret, struct fl_error *err)
{
	struct loop_image image;
	struct loop_device device;

	loop_image_of(volume_id, source, &image);
	if (loop_best(&image, &device, ret_found, err) < 0)
		return -1;
	if (!*ret_found)
		return 0;
	if (!device.ours)
		return loop_foreign(volume_id, device.number, err);
	fl_cleanup(fl_close) int fd = loop_open(device.number, O_RDONLY);

	if (fd < 0)
		return fl_error_sys(err, errno, "opening /dev/loop%u", device.number);
	if (loop_keep(fd, device.number, err) < 0 ||
	    loop_describe(op, fd, device.number, ret, err) < 0)
		return -1;
	ret->stale = image.known && !device.of_image;
	return 0;
}

/* Says in the log when the kernel did without direct I/O: then pages are cached twice. */
static void loop_log_made(const char *volume_id, int fd, unsigned number)
{
	struct loop_info64 info;
	struct fl_log_line line;
	bool direct =
		ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && (info.lo_flags & LO_FLAGS_DIRECT_IO);

	fl_log_begin(&line, direct ? FL_LOG_INFO : FL_LOG_WARNING, "connect");
	fl_log_text(&line, "volume", volume_id);
	fl_log_text(&line, "way", "loop");
	fl_log_number(&line, "loop", number);
	fl_log_text(&line, "direct_io", direct ? "yes" : "refused by the image's file system");
	fl_log_end(&line);
}

/* Binds a device to the image in one step, so that a crash leaves all of it or nothing.  Returns 1
 * when the device was taken by somebody else meanwhile. */
static int loop_bind(unsigned number, const struct loop_config *config, int *ret_fd,
		     struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = loop_open(number, O_RDWR);

	if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == EBUSY))
		return 1;
	if (fd < 0)
		return fl_error_sys(err, errno, "opening /dev/loop%u", number);
	if (ioctl(fd, LOOP_CONFIGURE, config) == 0) {
		*ret_fd = fl_take_fd(&fd);
		return 0;
	}
	if (errno == EBUSY || errno == ENXIO || errno == EINTR)
		return 1;
	if (errno == ENOTTY)
		return fl_error_set(
			err, FL_UNSUPPORTED,
			"this kernel has no LOOP_CONFIGURE: Linux 5.8 or newer is needed");
	return fl_error_sys(err, errno, "attaching an image to /dev/loop%u", number);
}

static int loop_make(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		     bool read_only, struct connection *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	fl_cleanup(fl_close) int image_fd = -1;
	struct loop_config config = { .block_size = LOOP_SECTOR };
	struct loop_image image;

	if (control < 0)
		return fl_error_sys(err, errno, "opening /dev/loop-control");
	if (image_open(source->file.path, read_only ? O_RDONLY : O_RDWR, &image_fd, err) < 0)
		return -1;
	config.fd = (uint32_t)image_fd;
	loop_image_of(volume_id, source, &image);
	memcpy(config.info.lo_file_name, image.tag, sizeof(config.info.lo_file_name));
	config.info.lo_flags = LO_FLAGS_DIRECT_IO | (read_only ? LO_FLAGS_READ_ONLY : 0u);

	for (int i = 0; i < LOOP_ATTEMPTS && !fl_clock_passed(op->deadline); i++) {
		fl_cleanup(fl_close) int fd = -1;
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int taken;

		if (number < 0)
			return fl_error_sys(err, errno, "asking for a free loop device");
		taken = loop_bind((unsigned)number, &config, &fd, err);
		if (taken < 0)
			return -1;
		if (taken == 0) {
			loop_log_made(volume_id, fd, (unsigned)number);
			return loop_describe(op, fd, (unsigned)number, ret, err);
		}
		/* Another process took it, or its node is not there yet. */
		fl_clock_sleep_ms(i < 8 ? 1 : 20);
	}
	return fl_error_set(err, FL_UNAVAILABLE, "no free loop device could be had");
}

static int loop_refresh(const struct fl_op *op, struct connection *connection, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	(void)op;
	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (ioctl(fd, LOOP_SET_CAPACITY, 0) < 0 ||
	    ioctl(fd, BLKGETSIZE64, &connection->size_bytes) < 0)
		return fl_error_sys(err, errno, "growing %s", connection->path);
	return 0;
}

/* A mkfs that outlived its service still holds the lock that it was given (node/filesystem.c). */
static bool loop_is_locked(unsigned number)
{
	fl_cleanup(fl_close) int fd = loop_open(number, O_RDONLY);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* O_EXCL refuses while the device is mounted or otherwise held.  *ret_fd is -1 when it is
 * unbound. */
static int loop_open_alone(unsigned number, int *ret_fd, struct fl_error *err)
{
	for (int i = 0; i < LOOP_ALONE_TRIES; i++) {
		*ret_fd = loop_open(number, O_RDONLY | O_EXCL);
		if (*ret_fd >= 0 || errno == ENXIO || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return fl_error_sys(err, errno, "opening /dev/loop%u", number);
		if (loop_is_locked(number))
			return fl_error_set(err, FL_BUSY,
					    "a mkfs of an earlier attempt still runs on "
					    "/dev/loop%u: ask again",
					    number);
		fl_clock_sleep_ms(LOOP_ALONE_PAUSE_MS);
	}
	return fl_error_set(err, FL_IN_USE,
			    "/dev/loop%u is mounted or held by a process: findmnt /dev/loop%u, "
			    "fuser /dev/loop%u",
			    number, number, number);
}

/* Asks the kernel to drop the device. */
static int loop_drop(unsigned number, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	if (loop_open_alone(number, &fd, err) < 0)
		return -1;
	if (fd < 0)
		return 0;
	/* What the device's cache still has goes to the image, and the image's to the disk. */
	if (fsync(fd) < 0)
		return fl_error_sys(err, errno, "flushing /dev/loop%u", number);
	if (ioctl(fd, LOOP_CLR_FD, 0) < 0 && errno != ENXIO)
		return fl_error_sys(err, errno, "detaching /dev/loop%u", number);
	return 0;
}

/* Drops what was found and waits until it is gone: with another opener the kernel only remembers
 * to drop it later, and that is not absence. */
static int loop_drop_and_wait(const struct fl_op *op, const struct loop_image *image,
			      struct loop_device device, struct fl_error *err)
{
	struct timespec until = fl_clock_earlier(op->deadline, fl_clock_after_ms(LOOP_GONE_MS));
	bool matches = true;

	if (loop_drop(device.number, err) < 0)
		return -1;
	for (int i = 0; matches; i++) {
		if (loop_inspect(device.number, image, &device, &matches, err) < 0)
			return -1;
		if (matches && fl_clock_passed(until))
			break;
		if (matches)
			fl_clock_sleep_ms(i < 10 ? 1 : 50);
	}
	if (!matches)
		return 0;
	fl_cleanup(fl_close) int fd = loop_open(device.number, O_RDONLY);

	if (fd >= 0 && loop_keep(fd, device.number, err) < 0)
		return -1;
	return fl_error_set(err, FL_IN_USE,
			    "/dev/loop%u is still open in another process: fuser /dev/loop%u",
			    device.number, device.number);
}

static int loop_remove(const struct fl_op *op, const char *volume_id,
		       const struct fl_source *source, struct fl_error *err)
{
	struct loop_image image;
	struct loop_device device;
	bool found;

	loop_image_of(volume_id, source, &image);
	/* Until a whole scan finds nothing: that is the proof. */
	for (int i = 0; i < LOOP_ATTEMPTS; i++) {
		if (loop_best(&image, &device, &found, err) < 0)
			return -1;
		if (!found)
			return 0;
		if (!device.ours)
			return loop_foreign(volume_id, device.number, err);
		if (loop_drop_and_wait(op, &image, device, err) < 0)
			return -1;
	}
	return fl_error_set(err, FL_IN_USE, "loop devices of volume %s come back all the time",
			    volume_id);
}

const struct connect_way connect_loop = {
	.kind = FL_SOURCE_FILE,
	.name = "loop",
	.check = loop_check,
	.find = loop_find,
	.make = loop_make,
	.refresh = loop_refresh,
	.remove = loop_remove,
};
