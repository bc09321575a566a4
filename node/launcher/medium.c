/* SPDX-License-Identifier: Apache-2.0 */
#include "medium.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void medium_release(struct medium *medium)
{
	fl_close(&medium->rw);
	fl_close(&medium->ro);
}

int medium_size(int fd, uint64_t *ret, struct fl_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "asking an image's size");
	*ret = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, ret) < 0)
		return fl_error_sys(err, errno, "asking a block device's size");
	return 0;
}

static void medium_identify(const struct stat *st, char *ret, size_t size)
{
	if (S_ISBLK(st->st_mode))
		snprintf(ret, size, "b:%u:%u", major(st->st_rdev), minor(st->st_rdev));
	else
		snprintf(ret, size, "f:%u:%u:%ju", major(st->st_dev), minor(st->st_dev),
			 (uintmax_t)st->st_ino);
}

/* tmpfs and some others refuse O_DIRECT; QEMU would then refuse the image. */
static bool medium_is_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (fcntl(fd, F_SETFL, flags | O_DIRECT) < 0)
		return false;
	(void)fcntl(fd, F_SETFL, flags);
	return true;
}

int medium_inspect(struct medium *medium, const char *what, struct fl_error *err)
{
	struct stat st;

	if (fstat(medium->ro, &st) < 0)
		return fl_error_sys(err, errno, "%s", what);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return fl_error_set(err, FL_INVALID, "%s is neither a file nor a block device",
				    what);
	medium->block = S_ISBLK(st.st_mode);
	medium_identify(&st, medium->identity, sizeof(medium->identity));
	medium->direct = medium_is_direct(medium->rw >= 0 ? medium->rw : medium->ro);
	if (medium_size(medium->ro, &medium->size_bytes, err) < 0)
		return fl_error_prefix(err, "%s", what);
	if (medium->size_bytes == 0 || medium->size_bytes % 512 != 0)
		return fl_error_set(err, FL_INVALID,
				    "%s has %" PRIu64 " bytes: a raw image has a multiple of 512",
				    what, medium->size_bytes);
	return 0;
}

static int medium_lock(int fd, int how, const char *path, struct fl_error *err)
{
	if (flock(fd, how | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return fl_error_set(err, FL_IN_USE, "%s is in use by another VM or program", path);
	return fl_error_sys(err, errno, "locking %s", path);
}

int medium_open(const char *path, bool readonly, struct medium *ret, struct fl_error *err)
{
	fl_cleanup(medium_release) struct medium medium = MEDIUM_NONE;
	char same[32];

	/* A FIFO at the path must not keep us waiting. */
	medium.ro = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (medium.ro < 0)
		return fl_error_sys(err, errno, "opening %s", path);
	/* What it is comes first: opening a device for writing can have effects. */
	if (medium_inspect(&medium, path, err) < 0)
		return -1;
	(void)fcntl(medium.ro, F_SETFL, fcntl(medium.ro, F_GETFL) & ~O_NONBLOCK);
	/* By way of the descriptor, so that both are the same file even if the path changes. */
	snprintf(same, sizeof(same), "/proc/self/fd/%d", medium.ro);
	if (!readonly)
		medium.rw = open(same, O_RDWR | O_CLOEXEC);
	if (!readonly && medium.rw < 0)
		return fl_error_sys(err, errno, "opening %s for writing", path);
	if (medium_lock(readonly ? medium.ro : medium.rw, readonly ? LOCK_SH : LOCK_EX, path, err) <
	    0)
		return -1;
	*ret = medium;
	medium = MEDIUM_NONE;
	return 0;
}

int medium_reopen(const struct disk *disk, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(disk->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char identity[64];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "opening %s again", disk->source);
	medium_identify(&st, identity, sizeof(identity));
	if (strcmp(identity, disk->image) != 0)
		return fl_error_set(err, FL_IN_USE,
				    "%s is not the image any more that was plugged in",
				    disk->source);
	*ret_fd = fl_take_fd(&fd);
	return 0;
}
