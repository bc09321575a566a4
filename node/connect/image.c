/* SPDX-License-Identifier: Apache-2.0 */
#include "node/connect/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

int image_open(const char *path, int flags, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == EAGAIN)
		return fl_error_set(err, FL_BUSY, "%s is being copied just now: ask again", path);
	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return fl_error_set(err, FL_IN_USE, "%s is not a regular file", path);
	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", path);
	if (fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	if (!S_ISREG(st.st_mode))
		return fl_error_set(err, FL_IN_USE, "%s is not a regular file", path);
	if (fcntl(fd, F_SETFL, flags) < 0)
		return fl_error_sys(err, errno, "opening %s", path);
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

int image_identity(struct fl_arena *arena, int fd, const char *path, const char **ret,
		   struct fl_error *err)
{
	struct statx_timestamp birth = { 0 };
	struct statx st;

	if (statx(fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", *path ? path : "an open image");
	if (st.stx_mask & STATX_BTIME)
		birth = st.stx_btime;
	*ret = fl_arena_printf(arena, "%ju.%jd.%09u", (uintmax_t)st.stx_ino, (intmax_t)birth.tv_sec,
			       birth.tv_nsec);
	return 0;
}
