/* SPDX-License-Identifier: Apache-2.0 */
/* Qmp: a connection to QEMU's monitor.
 *
 * A thread of its own reads; any thread may call.  Requests carry ids, and an answer that comes
 * after its caller gave up is dropped.  Events only wake those who wait: what has happened is then
 * asked for, because events are lost while nobody is connected.  What QEMU sends is bounded; what
 * is no QMP ends the connection. */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/op.h"

struct qmp;

/* Connects to the socket at `path` and negotiates.  FL_UNAVAILABLE when nobody listens there (yet),
 * FL_TIMEOUT when the socket serves somebody else: QEMU greets one client at a time. */
int qmp_open(const struct fl_op *op, const char *path, struct qmp **ret, struct fl_error *err)
	fl_must_check;
/* The same on a connected socket, which belongs to the connection from now on, also on failure. */
int qmp_start(const struct fl_op *op, int fd, struct qmp **ret, struct fl_error *err) fl_must_check;
/* No other thread is in a call. */
void qmp_close(struct qmp *qmp);

/* One command.  `arguments` is stolen and may be NULL; *ret (may be NULL) is the value of "return".
 * QEMU's refusal is FL_INTERNAL with its words, FL_NOT_FOUND for a device that is not there,
 * FL_UNSUPPORTED for a command it does not know; FL_TIMEOUT and FL_UNAVAILABLE (QEMU is gone) say
 * that the command may have been or may still be executed. */
int qmp_call(const struct fl_op *op, struct qmp *qmp, const char *command, json_t *arguments,
	     json_t **ret, struct fl_error *err) fl_must_check;
/* The same, with a descriptor for commands such as add-fd; it stays the caller's. */
int qmp_call_fd(const struct fl_op *op, struct qmp *qmp, const char *command, json_t *arguments,
		int fd, json_t **ret, struct fl_error *err) fl_must_check;

/* How many events have come.  qmp_wait returns when there are others than `*seen`, which it sets
 * to the new number, or when the connection ends or `until` passes: false only in the last case. */
uint64_t qmp_events(struct qmp *qmp);
bool qmp_wait(struct qmp *qmp, uint64_t *seen, struct timespec until);
/* The connection has ended: QEMU is gone, or spoke no QMP. */
bool qmp_is_gone(struct qmp *qmp);
