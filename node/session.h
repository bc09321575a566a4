/* SPDX-License-Identifier: Apache-2.0 */
/* Session: one connection of the disk service, on which both ends send requests.
 *
 * One thread reads the connection (disks.c).  Any thread may send a request to the peer and wait
 * for its answer, which the reading thread hands over by its id.  A session lives as long as
 * somebody has a reference. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/channel.h"

struct session;

/* Takes the descriptor.  One reference. */
struct session *session_new(int fd, pid_t pid, uid_t uid);
struct session *session_ref(struct session *session);
/* The last one closes the connection.  NULL is fine. */
void session_unref(struct session *session);
/* For fl_cleanup. */
void session_release(struct session **session);

int session_fd(const struct session *session);
pid_t session_pid(const struct session *session);
uid_t session_uid(const struct session *session);
/* The VM that said hello on it; NULL before.  Set once; the text lives as long as the session. */
const char *session_vm(const struct session *session);
void session_set_vm(struct session *session, const char *vm);

/* Sends a request to the peer and waits for its answer until op->deadline.  *ret is the result
 * object (fl_json_release).  The peer's error becomes *err; FL_UNAVAILABLE when the connection
 * ends, FL_TIMEOUT when no answer came (the peer may still do it), FL_BUSY with 64 requests under
 * way.  Never from the thread that reads the session. */
int session_call(struct session *session, const struct fl_op *op, const char *method,
		 const json_t *params, const int *fds, size_t n_fds, json_t **ret,
		 struct fl_error *err) fl_must_check;
/* Hands an answer of the peer to whoever waits for it; one that nobody waits for is dropped. */
void session_answer(struct session *session, const json_t *answer);

/* Ends the connection: the reading thread sees its end, and waiting requests fail. */
void session_end(struct session *session);
