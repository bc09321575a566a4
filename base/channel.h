/* SPDX-License-Identifier: Apache-2.0 */
/* Channel: JSON messages with descriptors over a unix SOCK_SEQPACKET socket: how launchers, the
 * node's disk service and the command line speak to each other.
 *
 * A request is {"id": N, "method": "…", "params": {…}}; its answer {"id": N, "result": {…}} or
 * {"id": N, "error": {"code": "IN_USE", "text": "…"}} with the words of fl_error_name.  One packet
 * is one message of at most 64 KiB with at most 8 descriptors, which arrive close-on-exec.  Both
 * ends may send requests.  The functions here move single messages; who waits for what is the
 * business of the users. */
#pragma once

#include <sys/types.h>

#include "error.h"
#include "json.h"
#include "op.h"

#define FL_CHANNEL_MAX_BYTES 65536
#define FL_CHANNEL_MAX_FDS 8

struct fl_channel_message {
	json_t *json; /* an object */
	int fds[FL_CHANNEL_MAX_FDS];
	size_t n_fds;
};

/* Releases JSON and closes the descriptors that are still in it.  For fl_cleanup. */
void fl_channel_message_release(struct fl_channel_message *message);

/* A listening socket at `path`, mode 0600, made beside it and renamed over it, so that a successor
 * takes over without a gap.  Non-blocking, close-on-exec. */
int fl_channel_listen(const char *path, int *ret_fd, struct fl_error *err) fl_must_check;
/* A connection to `path`; FL_UNAVAILABLE when nobody listens. */
int fl_channel_connect(const char *path, int *ret_fd, struct fl_error *err) fl_must_check;
/* Who is at the other end of a connection (SO_PEERCRED). */
int fl_channel_peer(int fd, pid_t *ret_pid, uid_t *ret_uid, struct fl_error *err) fl_must_check;

/* Sends one message; descriptors stay the caller's.  Waits until `op->deadline`. */
int fl_channel_send(const struct fl_op *op, int fd, const json_t *json, const int *fds,
		    size_t n_fds, struct fl_error *err) fl_must_check;
/* Receives one message; FL_TIMEOUT at op->deadline, FL_UNAVAILABLE when the peer is gone,
 * FL_INVALID for a packet that is too long or no JSON object (its descriptors are closed). */
int fl_channel_receive(const struct fl_op *op, int fd, struct fl_channel_message *ret,
		       struct fl_error *err) fl_must_check;

/* One request and its answer on a connection that nobody else reads: sends {id: 1, method, params}
 * (params is borrowed and may be NULL) and waits for the answer; ret->json is the `result` object.
 * An error answer becomes *err with its code. */
int fl_channel_call(const struct fl_op *op, int fd, const char *method, const json_t *params,
		    const int *fds, size_t n_fds, struct fl_channel_message *ret,
		    struct fl_error *err) fl_must_check;
