/* SPDX-License-Identifier: Apache-2.0 */
#include "node/openers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"
#include "node/connect/image.h"

int openers_exist(const char *path, bool *ret_open, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	if (image_open(path, O_RDONLY, &fd, err) < 0) {
		if (err->code != FL_NOT_FOUND)
			return -1;
		*ret_open = false;
		return 0;
	}
	/* Whoever opens the file while we hold the lease makes the kernel signal us; SIGIO would
	 * end the process, SIGURG is ignored unless somebody wants it. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return fl_error_sys(err, errno, "preparing a lease on %s", path);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		*ret_open = false;
		return 0;
	}
	if (errno == EINVAL || errno == EOPNOTSUPP)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "the file system of %s has no leases, so nobody can prove that "
				    "the file is closed",
				    path);
	if (errno != EAGAIN && errno != EBUSY)
		return fl_error_sys(err, errno, "taking a lease on %s", path);
	*ret_open = true;
	return 0;
}

int openers_exist_after(const struct fl_op *op, const char *path, uint64_t wait_ms, bool *ret_open,
			struct fl_error *err)
{
	struct timespec until = fl_clock_earlier(op->deadline, fl_clock_after_ms(wait_ms));

	for (uint64_t pause_ms = 2;; pause_ms = pause_ms < 50 ? pause_ms * 2 : pause_ms) {
		if (openers_exist(path, ret_open, err) < 0)
			return -1;
		if (!*ret_open || fl_clock_passed(until))
			return 0;
		fl_clock_sleep_ms(pause_ms);
	}
}
