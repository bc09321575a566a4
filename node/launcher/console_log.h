/* SPDX-License-Identifier: Apache-2.0 */
/* The console's log: appended to, and bounded by keeping one older part. */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct console_log {
	int dir_fd; /* borrowed */
	int fd;
	size_t size, max;
};

/* Opens console.log in dir_fd for appending.  A part has at most `max` bytes. */
int console_log_open(struct console_log *log, int dir_fd, size_t max, struct fl_error *err)
	fl_must_check;
/* A full disk loses output and nothing else. */
void console_log_write(struct console_log *log, const char *data, size_t size);
void console_log_close(struct console_log *log);
