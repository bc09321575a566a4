/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* udev holds the lock for a moment after a device has appeared. */
#define TOOL_LOCK_MS 5000
#define TOOL_PAUSE_MS 10

/* Closing it unlocks, when the program has closed it, too. */
static int tool_lock(const struct fl_op *op, const char *device, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(device, O_RDONLY | O_CLOEXEC);
	struct timespec until = fl_clock_earlier(op->deadline, fl_clock_after_ms(TOOL_LOCK_MS));

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", device);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fl_error_sys(err, errno, "locking %s", device);
		if (fl_clock_passed(until))
			return fl_error_set(err, FL_BUSY,
					    "a program of an earlier attempt still runs on %s: "
					    "ask again",
					    device);
		fl_clock_sleep_ms(TOOL_PAUSE_MS);
	}
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

int tool_run(const struct fl_op *op, const char *device, const char *const argv[],
	     struct fl_proc_result *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int lock_fd = -1;

	if (tool_lock(op, device, &lock_fd, err) < 0)
		return -1;
	return fl_proc_run_with(op, argv, lock_fd, ret, err);
}

bool tool_is_running(const char *device)
{
	fl_cleanup(fl_close) int fd = open(device, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

const char *tool_complaint(const struct fl_op *op, const struct fl_proc_result *result)
{
	const char *text = result->errors;
	size_t length = strlen(text);
	const char *line;

	while (length > 0 && text[length - 1] == '\n')
		length--;
	for (line = text + length; line > text && line[-1] != '\n';)
		line--;
	return fl_arena_strndup(op->arena, line, (size_t)(text + length - line));
}
