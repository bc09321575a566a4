/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp_line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define QMP_LINE_FIRST 4096

void qmp_lines_release(struct qmp_lines *lines)
{
	free(lines->data);
	*lines = (struct qmp_lines){ .data = NULL };
}

static int qmp_lines_room(struct qmp_lines *lines, struct fl_error *err)
{
	size_t size = lines->size ? lines->size * 2 : QMP_LINE_FIRST;
	char *data;

	if (lines->n < lines->size)
		return 0;
	if (size > QMP_LINE_MAX)
		return fl_error_set(err, FL_INTERNAL, "QEMU sent a message of more than %d bytes",
				    QMP_LINE_MAX);
	data = realloc(lines->data, size);
	if (!data)
		return fl_error_sys(err, ENOMEM, "a message of QEMU with %zu bytes", lines->n);
	lines->data = data;
	lines->size = size;
	return 0;
}

static int qmp_lines_wait(int fd, const struct timespec *until, struct fl_error *err)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (until && fl_clock_passed(*until))
		return fl_error_set(err, FL_TIMEOUT, "QEMU's monitor is silent");
	if (poll(&ready, 1, until ? (int)fl_clock_left_ms(*until) : -1) < 0 && errno != EINTR)
		return fl_error_sys(err, errno, "waiting for QEMU's monitor");
	return 0;
}

static int qmp_lines_read(struct qmp_lines *lines, int fd, const struct timespec *until,
			  struct fl_error *err)
{
	ssize_t n;

	if (qmp_lines_room(lines, err) < 0 || qmp_lines_wait(fd, until, err) < 0)
		return -1;
	n = read(fd, lines->data + lines->n, lines->size - lines->n);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return fl_error_set(err, FL_UNAVAILABLE, "QEMU is gone");
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return fl_error_sys(err, errno, "reading from QEMU's monitor");
	if (n > 0)
		lines->n += (size_t)n;
	return 0;
}

/* Takes the first line of `length` bytes off the buffer. */
static int qmp_lines_take(struct qmp_lines *lines, size_t length, json_t **ret,
			  struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	int failed = fl_json_parse(lines->data, length, "a message of QEMU", &json, err);

	lines->n -= length + 1;
	lines->seen = 0;
	memmove(lines->data, lines->data + length + 1, lines->n);
	if (failed)
		return -1;
	if (!json_is_object(json))
		return fl_error_set(err, FL_INTERNAL, "a message of QEMU is no JSON object");
	*ret = json_incref(json);
	return 0;
}

int qmp_lines_next(struct qmp_lines *lines, int fd, const struct timespec *until, json_t **ret,
		   struct fl_error *err)
{
	for (;;) {
		const char *end = lines->n > lines->seen ? memchr(lines->data + lines->seen, '\n',
								  lines->n - lines->seen)
							 : NULL;

		if (end)
			return qmp_lines_take(lines, (size_t)(end - lines->data), ret, err);
		lines->seen = lines->n;
		if (qmp_lines_read(lines, fd, until, err) < 0)
			return -1;
	}
}
