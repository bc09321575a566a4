/* SPDX-License-Identifier: Apache-2.0 */
/* Roster: the sessions of the disk service that are connected now, and which of them is a VM's. */
#pragma once

#include <pthread.h>

#include "node/session.h"

#define ROSTER_MAX 512

struct roster {
	pthread_mutex_t lock; /* taken before a session's */
	pthread_cond_t emptied;
	struct roster_entry {
		struct session *session; /* a reference */
		bool speaks;             /* it is its VM's session */
	} entries[ROSTER_MAX];
	size_t n;
	bool closed;
};

void roster_init(struct roster *roster);
/* No session may be in it. */
void roster_destroy(struct roster *roster);

/* Enters a session; FL_NO_SPACE when the roster is full, FL_UNAVAILABLE when it is closed. */
int roster_add(struct roster *roster, struct session *session, struct fl_error *err) fl_must_check;
void roster_remove(struct roster *roster, struct session *session);

/* From now on the session speaks for the VM; an older one of the same user is ended.  FL_DENIED
 * when the VM's session is another user's, FL_INVALID when this one speaks for another VM. */
int roster_hello(struct roster *roster, struct session *session, const char *vm,
		 struct fl_error *err) fl_must_check;
/* The session that speaks for the VM, with a reference; NULL when there is none. */
struct session *roster_find(struct roster *roster, const char *vm);

/* Lets nobody in any more, ends all sessions, and waits until all were removed. */
void roster_close(struct roster *roster);
