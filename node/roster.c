/* SPDX-License-Identifier: Apache-2.0 */
#include "node/roster.h"

#include <string.h>

void roster_init(struct roster *roster)
{
	memset(roster, 0, sizeof(*roster));
	pthread_mutex_init(&roster->lock, NULL);
	pthread_cond_init(&roster->emptied, NULL);
}

void roster_destroy(struct roster *roster)
{
	pthread_cond_destroy(&roster->emptied);
	pthread_mutex_destroy(&roster->lock);
}

int roster_add(struct roster *roster, struct session *session, struct fl_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&roster->lock);
	if (roster->closed)
		rc = fl_error_set(err, FL_UNAVAILABLE, "the disk service is ending");
	else if (roster->n == ROSTER_MAX)
		rc = fl_error_set(err, FL_NO_SPACE, "the disk service has %d connections already",
				  ROSTER_MAX);
	else
		roster->entries[roster->n++].session = session_ref(session);
	pthread_mutex_unlock(&roster->lock);
	return rc;
}

void roster_remove(struct roster *roster, struct session *session)
{
	pthread_mutex_lock(&roster->lock);
	for (size_t i = 0; i < roster->n; i++) {
		if (roster->entries[i].session != session)
			continue;
		roster->entries[i] = roster->entries[--roster->n];
		roster->entries[roster->n] = (struct roster_entry){ NULL, false };
		session_unref(session);
		break;
	}
	if (roster->n == 0)
		pthread_cond_broadcast(&roster->emptied);
	pthread_mutex_unlock(&roster->lock);
}

/* The entry that speaks for the VM, or NULL. */
static struct roster_entry *roster_speaker_locked(struct roster *roster, const char *vm)
{
	for (size_t i = 0; i < roster->n; i++) {
		struct roster_entry *entry = &roster->entries[i];

		if (entry->speaks && strcmp(session_vm(entry->session), vm) == 0)
			return entry;
	}
	return NULL;
}

static int roster_hello_locked(struct roster *roster, struct session *session, const char *vm,
			       struct fl_error *err)
{
	struct roster_entry *older = roster_speaker_locked(roster, vm);

	if (older && older->session == session)
		return 0;
	if (session_vm(session))
		return fl_error_set(err, FL_INVALID, "this connection is VM %s's",
				    session_vm(session));
	if (older && session_uid(older->session) != session_uid(session))
		return fl_error_set(err, FL_DENIED, "VM %s belongs to another user", vm);
	if (older) {
		older->speaks = false;
		session_end(older->session);
	}
	session_set_vm(session, vm);
	for (size_t i = 0; i < roster->n; i++) {
		if (roster->entries[i].session == session)
			roster->entries[i].speaks = true;
	}
	return 0;
}

int roster_hello(struct roster *roster, struct session *session, const char *vm,
		 struct fl_error *err)
{
	int rc;

	pthread_mutex_lock(&roster->lock);
	rc = roster_hello_locked(roster, session, vm, err);
	pthread_mutex_unlock(&roster->lock);
	return rc;
}

struct session *roster_find(struct roster *roster, const char *vm)
{
	struct roster_entry *entry;
	struct session *session = NULL;

	pthread_mutex_lock(&roster->lock);
	entry = roster_speaker_locked(roster, vm);
	if (entry)
		session = session_ref(entry->session);
	pthread_mutex_unlock(&roster->lock);
	return session;
}

void roster_close(struct roster *roster)
{
	pthread_mutex_lock(&roster->lock);
	roster->closed = true;
	for (size_t i = 0; i < roster->n; i++)
		session_end(roster->entries[i].session);
	while (roster->n > 0)
		pthread_cond_wait(&roster->emptied, &roster->lock);
	pthread_mutex_unlock(&roster->lock);
}
