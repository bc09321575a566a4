/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* 60 bits of the hash: two handles of one pool that meet would only be told FL_BUSY by mistake. */
static off_t lock_offset(const struct fl_op *op, enum file_kind kind, const char *handle)
{
	const char *key = fl_arena_printf(op->arena, "%s/%s", file_kind_name(kind), handle);
	char hash[65];

	fl_text_sha256(key, strlen(key), hash);
	hash[15] = '\0';
	return (off_t)strtoull(hash, NULL, 16);
}

static int lock_set(int fd, short type, off_t offset)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1
	};

	return fcntl(fd, F_OFD_SETLK, &range);
}

int file_lock_take(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		   const char *handle, enum file_lock_mode mode, struct file_lock *ret,
		   struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		openat(file->root_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	off_t offset = lock_offset(op, kind, handle);

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s/lock", file->directory);
	if (lock_set(fd, mode == FILE_LOCK_WRITE ? F_WRLCK : F_RDLCK, offset) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return fl_error_set(err, FL_BUSY,
					    "%s %s is being worked on by another call or process; "
					    "ask again",
					    file_kind_name(kind), handle);
		return fl_error_sys(err, errno, "locking %s %s", file_kind_name(kind), handle);
	}
	ret->fd = fl_take_fd(&fd);
	ret->offset = offset;
	return 0;
}

/* Unlocked by name and not by closing alone: a child between fork and exec has the descriptor,
 * too. */
void file_lock_release(struct file_lock *lock)
{
	if (lock->fd >= 0)
		lock_set(lock->fd, F_UNLCK, lock->offset);
	fl_close(&lock->fd);
}
