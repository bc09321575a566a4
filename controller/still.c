/* SPDX-License-Identifier: Apache-2.0 */
#include "still.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"

/* A closed file may live on for a moment: in a child before its exec, in a loop device that is
 * being detached. */
#define STILL_TRIES 10
#define STILL_PAUSE_MS 10

static int still_lease(int fd)
{
	/* Who breaks a lease has its holder signalled, by default with SIGIO, which would end us;
	 * SIGURG is ignored by everybody who does not ask for it. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return -1;
	for (int i = 0; i < STILL_TRIES; i++) {
		if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
			return 0;
		if (errno != EAGAIN)
			return -1;
		fl_clock_sleep_ms(STILL_PAUSE_MS);
	}
	errno = EAGAIN;
	return -1;
}

int still_open(const struct object *volume, const char *path, struct still *ret,
	       struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == EAGAIN)
		return fl_error_set(err, FL_BUSY, "volume %s is being deleted: ask again",
				    volume->id);
	if (fd < 0)
		return fl_error_sys(err, errno, "opening volume %s", volume->id);
	ret->leased = still_lease(fd) == 0;
	if (!ret->leased && errno == EAGAIN)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is detached, but something on this machine has its "
				    "image open for writing: fuser %s",
				    volume->id, path);
	if (!ret->leased && errno != EINVAL && errno != EOPNOTSUPP)
		return fl_error_sys(err, errno, "proving that nobody writes to volume %s",
				    volume->id);
	ret->fd = fl_take_fd(&fd);
	return 0;
}

int still_prove(const struct still *still, const struct object *volume, struct fl_error *err)
{
	if (!still->leased || fcntl(still->fd, F_GETLEASE) == F_RDLCK)
		return 0;
	return fl_error_set(err, FL_BUSY,
			    "the image of volume %s was opened for writing while it was copied, so "
			    "the copy is thrown away: ask again",
			    volume->id);
}

void still_release(struct still *still)
{
	fl_close(&still->fd);
}
