/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define CUT "cut"

int file_image_round(uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret, struct fl_error *err)
{
	uint64_t size = (min_bytes + FILE_IMAGE_UNIT - 1) / FILE_IMAGE_UNIT * FILE_IMAGE_UNIT;

	if (size > INT64_MAX)
		return fl_error_set(err, FL_OUT_OF_RANGE, "%" PRIu64 " bytes are too many",
				    min_bytes);
	if (max_bytes != 0 && size > max_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "an image has whole multiples of %u bytes: %" PRIu64
				    " is above the limit of %" PRIu64,
				    FILE_IMAGE_UNIT, size, max_bytes);
	*ret = size;
	return 0;
}

static int image_failed(int sys, uint64_t size, struct fl_error *err)
{
	if (sys == EFBIG)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "%" PRIu64 " bytes are too many for this file system", size);
	return fl_error_sys(err, sys, "making room for %" PRIu64 " bytes", size);
}

static int image_reserve(int fd, uint64_t from, uint64_t to)
{
	struct statvfs vfs;
	int result;

	/* What cannot fit is not tried: until it fails, it would take every block from the
	 * others. */
	if (fstatvfs(fd, &vfs) == 0 && to - from > (uint64_t)vfs.f_bavail * vfs.f_frsize) {
		errno = ENOSPC;
		return -1;
	}
	/* The size stays: a reservation that fails half-way must not look like a grown image. */
	do
		result = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
	while (result < 0 && errno == EINTR);
	return result;
}

int file_image_grow(int fd, uint64_t size, bool thin, struct fl_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "looking at the image");
	if (!thin && size > (uint64_t)st.st_size &&
	    image_reserve(fd, (uint64_t)st.st_size, size) < 0) {
		image_failed(errno, size, err);
		/* To the size it has: gives back what was reserved behind the end. */
		if (ftruncate(fd, st.st_size) < 0)
			return fl_error_sys(err, errno, "giving back reserved space");
		return -1;
	}
	if (size > (uint64_t)st.st_size && ftruncate(fd, (off_t)size) < 0)
		return image_failed(errno, size, err);
	if (fsync(fd) < 0)
		return fl_error_sys(err, errno, "syncing the image");
	return 0;
}

int file_image_thin(int fd, struct fl_error *err)
{
	struct stat st;
	off_t hole, data;

	if (fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "looking at the image");
	for (data = 0; data < st.st_size;) {
		/* Reserved and never written is a hole to SEEK_HOLE. */
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return fl_error_sys(err, errno, "looking for holes in the image");
		if (hole >= st.st_size)
			return 0;
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			data = st.st_size;
		if (data < 0)
			return fl_error_sys(err, errno, "looking for data in the image");
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, hole, data - hole) <
		    0)
			return errno == EOPNOTSUPP
				       ? 0
				       : fl_error_sys(err, errno, "giving back reserved space");
	}
	return 0;
}

static int image_create(int dir_fd, const char *name, int *ret_fd, struct fl_error *err)
{
	*ret_fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return fl_error_sys(err, errno, "making the image");
	return 0;
}

static int image_make(int dir_fd, const char *name, uint64_t size, bool thin, int *ret_fd,
		      struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	if (image_create(dir_fd, name, &fd, err) < 0 || file_image_grow(fd, size, thin, err) < 0)
		return -1;
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

int file_image_make(int dir_fd, const char *name, uint64_t size, bool thin, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	return image_make(dir_fd, name, size, thin, &fd, err);
}

/* A point in time of src_fd as file `name`. */
static int image_cut(int src_fd, int dir_fd, const char *name, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	if (image_create(dir_fd, name, &fd, err) < 0)
		return -1;
	if (ioctl(fd, FICLONE, src_fd) < 0)
		return fl_error_sys(err, errno, "cloning the image");
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

static int image_copy(const struct fl_op *op, int src_fd, int dir_fd, uint64_t size, bool thin,
		      struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	struct stat st;

	if (fstat(src_fd, &st) < 0)
		return fl_error_sys(err, errno, "looking at the image to copy");
	if (image_make(dir_fd, FILE_IMAGE, size ? size : (uint64_t)st.st_size, thin, &fd, err) < 0)
		return -1;
	return fl_file_copy_sparse(op, src_fd, fd, (uint64_t)st.st_size, err);
}

int file_image_make_from(const struct file_pool *file, const struct fl_op *op, int src_fd,
			 int dir_fd, uint64_t size, bool thin, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	if (!file->reflink)
		return image_copy(op, src_fd, dir_fd, size, thin, err);
	if (thin) {
		if (image_cut(src_fd, dir_fd, FILE_IMAGE, &fd, err) < 0)
			return -1;
		return file_image_grow(fd, size, true, err);
	}
	/* Shared blocks are no reserved blocks: a thick image is a copy, of a cut. */
	if (image_cut(src_fd, dir_fd, CUT, &fd, err) < 0 ||
	    image_copy(op, fd, dir_fd, size, false, err) < 0)
		return -1;
	if (unlinkat(dir_fd, CUT, 0) < 0)
		return fl_error_sys(err, errno, "removing the cut");
	return 0;
}

int file_image_open(int dir_fd, const char *name, int flags, int *ret_fd, struct fl_error *err)
{
	*ret_fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0)
		return fl_error_sys(err, errno, "opening the image");
	return 0;
}

int file_image_size(int dir_fd, const char *path, uint64_t *ret, struct fl_error *err)
{
	struct stat st;

	if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fl_error_sys(err, errno, "looking at the image");
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size % 512 != 0)
		return fl_error_set(err, FL_INTERNAL,
				    "the image is no regular file of whole 512-byte blocks");
	*ret = (uint64_t)st.st_size;
	return 0;
}

int file_image_lease(int fd)
{
	/* Who breaks a lease has its holder signalled, by default with SIGIO, which would end us;
	 * SIGURG is ignored by everybody who does not ask for it. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return -1;
	return fcntl(fd, F_SETLEASE, F_WRLCK);
}

int file_image_prove_unused(const struct file_pool *file, int dir_fd, int *ret_fd,
			    struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	*ret_fd = -1;
	if (!file->leases)
		return 0;
	if (file_image_open(dir_fd, FILE_IMAGE, O_RDONLY | O_NONBLOCK, &fd, err) < 0) {
		/* No image (a damaged entry): nobody can open it from here on. */
		if (err->sys == ENOENT)
			return 0;
		if (err->sys == EAGAIN)
			return fl_error_set(err, FL_IN_USE, "the image is in use");
		return -1;
	}
	/* A closed file may live on for a moment: in a child before its exec, in a loop device that
	 * is being detached. */
	for (int tries = 0; file_image_lease(fd) < 0; tries++) {
		if (errno != EAGAIN)
			return fl_error_sys(err, errno, "proving that the image is unused");
		if (tries == 10)
			return fl_error_set(err, FL_IN_USE,
					    "the image is in use: something on this machine has "
					    "it open");
		fl_clock_sleep_ms(10);
	}
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

bool file_image_proof_is_broken(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETLEASE) != F_WRLCK;
}
