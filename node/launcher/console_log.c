/* SPDX-License-Identifier: Apache-2.0 */
#include "console_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define CONSOLE_LOG_NAME "console.log"

int console_log_open(struct console_log *log, int dir_fd, size_t max, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		openat(dir_fd, CONSOLE_LOG_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "opening the console's log");
	*log = (struct console_log){
		.dir_fd = dir_fd, .fd = fl_take_fd(&fd), .size = (size_t)st.st_size, .max = max
	};
	return 0;
}

void console_log_close(struct console_log *log)
{
	fl_close(&log->fd);
}

static int console_log_rotate(struct console_log *log, struct fl_error *err)
{
	struct console_log next;

	if (renameat(log->dir_fd, CONSOLE_LOG_NAME, log->dir_fd, CONSOLE_LOG_NAME ".1") < 0)
		return fl_error_sys(err, errno, "putting the console's log aside");
	if (console_log_open(&next, log->dir_fd, log->max, err) < 0)
		return -1;
	fl_close(&log->fd);
	*log = next;
	return 0;
}

void console_log_write(struct console_log *log, const char *data, size_t size)
{
	struct fl_error err;

	if (log->fd < 0)
		return;
	if ((log->size + size <= log->max || console_log_rotate(log, &err) == 0) &&
	    fl_file_write_all(log->fd, data, size, &err) == 0) {
		log->size += size;
		return;
	}
	fl_log(FL_LOG_ERROR, "console", "the log ends here: %s", err.text);
	fl_close(&log->fd);
	log->fd = -1;
}
