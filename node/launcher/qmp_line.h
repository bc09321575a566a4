/* SPDX-License-Identifier: Apache-2.0 */
/* Qmp lines: cuts the byte stream of a monitor into messages, one JSON object a line. */
#pragma once

#include <time.h>

#include "base/json.h"

#define QMP_LINE_MAX (16 << 20) /* bytes of one message: query-qmp-schema has 200 KB */

struct qmp_lines {
	char *data;
	size_t n, size; /* bytes in data; its room */
	size_t seen;    /* of which this many hold no end of line */
};

void qmp_lines_release(struct qmp_lines *lines);

/* The next message, from what is buffered or from fd (non-blocking).  Waits until *until, or
 * without an end when it is NULL.  FL_UNAVAILABLE at the end of the stream, FL_TIMEOUT, FL_INTERNAL
 * for a line that is too long or no JSON object: the stream is of no use then. */
int qmp_lines_next(struct qmp_lines *lines, int fd, const struct timespec *until, json_t **ret,
		   struct fl_error *err) fl_must_check;
