/* SPDX-License-Identifier: Apache-2.0 */
#include "node/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A byte far inside what off_t can say. */
static off_t hold_byte(const char *volume_id)
{
	char hash[65];

	fl_text_sha256(volume_id, strlen(volume_id), hash);
	hash[15] = '\0';
	return (off_t)strtoull(hash, NULL, 16);
}

int hold_take(struct fl_busy *busy, int state_fd, const char *volume_id, const char *what,
	      struct hold *ret, struct fl_error *err)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = hold_byte(volume_id), .l_len = 1
	};
	fl_cleanup(fl_close) int fd = -1;

	if (fl_busy_try(busy, volume_id, what, &ret->mark, err) < 0)
		return -1;
	/* A description of its own: such locks belong to the description. */
	fd = openat(state_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0) {
		ret->lock_fd = fl_take_fd(&fd);
		return 0;
	}
	if (fd >= 0 && (errno == EAGAIN || errno == EACCES))
		fl_error_set(
			err, FL_BUSY,
			"volume %s is busy: another fairlead process of this node works on it; "
			"ask again",
			volume_id);
	else
		fl_error_sys(err, errno, "locking volume %s", volume_id);
	fl_busy_release(&ret->mark);
	memset(&ret->mark, 0, sizeof(ret->mark));
	return -1;
}

void hold_release(struct hold *hold)
{
	fl_close(&hold->lock_fd);
	hold->lock_fd = -1;
	fl_busy_release(&hold->mark);
}
