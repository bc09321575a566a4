/* SPDX-License-Identifier: Apache-2.0 */
/* Diskcalls: the requests that the disk service answers: between disks.c (who is connected),
 * diskserve.c (one connection) and the files that answer. */
#pragma once

#include <sys/stat.h>

#include "node/disks.h"
#include "node/node.h"
#include "node/roster.h"

struct disks {
	struct node *node;
	char *path;
	struct stat socket; /* as it was made: a successor's is another */
	int listen_fd;
	struct roster roster;
	pthread_t acceptor;
};

struct diskcall {
	struct disks *disks;
	struct session *session; /* it came on */
	const struct fl_op *op;
	const json_t *params; /* never NULL */
	json_t *result;       /* an empty object, to be filled */
	int fds[2];           /* to go with the answer; closed after it */
	size_t n_fds;
};

typedef int diskcall_handler(struct diskcall *call, struct fl_error *err);

/* diskcalls_launcher.c */
diskcall_handler diskcall_hello, diskcall_attach, diskcall_release;
/* diskcalls_copy.c */
diskcall_handler diskcall_where, diskcall_copy_start, diskcall_copy_status, diskcall_copy_finish;

/* diskcalls_limits.c */
diskcall_handler diskcall_limits;

/* The limits that are on record for a volume, as `attach` and `limits` carry them; the caller's. */
int diskcall_read_limits(const struct diskcall *call, const char *volume_id, json_t **ret,
			 struct fl_error *err) fl_must_check;
/* FL_DENIED for other users than the service's own: launchers may be some, one day. */
int diskcall_check_own(const struct diskcall *call, struct fl_error *err) fl_must_check;

/* diskcalls_hold.c */
diskcall_handler diskcall_hold, diskcall_unhold;

/* Sends `params` (stolen) with the volume's id on to the launcher that has the volume and takes
 * over its result; `fd` (-1: none) goes with it.  *ret_asked false when nobody has the volume, and
 * so nobody could be asked. */
int diskcall_forward(struct diskcall *call, const char *method, json_t *params, int fd,
		     bool *ret_asked, struct fl_error *err) fl_must_check;
/* Puts a value (stolen) into the result. */
int diskcall_set(struct diskcall *call, const char *key, json_t *value, struct fl_error *err)
	fl_must_check;
/* A required text parameter: FL_INVALID names the one that is missing. */
int diskcall_text(const struct diskcall *call, const char *key, const char **ret,
		  struct fl_error *err) fl_must_check;

/* Reads and answers what comes on the session until it ends. */
void diskserve(struct disks *disks, struct session *session);
