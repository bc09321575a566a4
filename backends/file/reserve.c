/* SPDX-License-Identifier: Apache-2.0 */
#include "reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define RESERVE "reserve"
#define RESERVE_BYTES (512 << 10)
/* What one record takes, its folder's growth included, on file systems with blocks up to 16 KiB. */
#define RESERVE_STEP (64 << 10)

static int reserve_open(const struct file_pool *file, off_t *ret_size)
{
	fl_cleanup(fl_close) int fd =
		openat(file->root_fd, RESERVE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	*ret_size = st.st_size;
	return fl_take_fd(&fd);
}

void file_reserve_fill(const struct file_pool *file)
{
	struct stat st;
	fl_cleanup(fl_close) int fd = -1;
	off_t size;

	if (fstatat(file->root_fd, RESERVE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size >= RESERVE_BYTES)
		return;
	fd = reserve_open(file, &size);
	if (fd < 0 || fallocate(fd, 0, 0, RESERVE_BYTES) < 0)
		fl_log(FL_LOG_DEBUG, "reserve", "%s: no room is kept back: errno %d",
		       file->directory, errno);
}

bool file_reserve_spend(const struct file_pool *file)
{
	off_t size = 0;
	fl_cleanup(fl_close) int fd = reserve_open(file, &size);

	if (fd < 0 || size == 0)
		return false;
	/* btrfs gives blocks back only with its next commit. */
	return ftruncate(fd, size > RESERVE_STEP ? size - RESERVE_STEP : 0) == 0 && syncfs(fd) == 0;
}
