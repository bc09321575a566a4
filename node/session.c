/* SPDX-License-Identifier: Apache-2.0 */
#include "node/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define SESSION_WAITS_MAX 64

/* A request under way, on the stack of who waits for it. */
struct session_wait {
	json_int_t id;
	bool answered;
	json_t *result; /* or … */
	struct fl_error error;
	struct session_wait *next;
};

struct session {
	pthread_mutex_t lock; /* of everything that changes below; never held while sending */
	pthread_cond_t changed;
	int fd;
	pid_t pid;
	uid_t uid;
	char *vm;
	unsigned refs;
	bool ended;
	json_int_t last_id;
	struct session_wait *waits;
	unsigned n_waits;
};

struct session *session_new(int fd, pid_t pid, uid_t uid)
{
	struct session *session = calloc(1, sizeof(*session));
	pthread_condattr_t attributes;

	if (!session)
		abort();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&session->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&session->lock, NULL);
	session->fd = fd;
	session->pid = pid;
	session->uid = uid;
	session->refs = 1;
	return session;
}

struct session *session_ref(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	session->refs++;
	pthread_mutex_unlock(&session->lock);
	return session;
}

void session_unref(struct session *session)
{
	unsigned refs;

	if (!session)
		return;
	pthread_mutex_lock(&session->lock);
	refs = --session->refs;
	pthread_mutex_unlock(&session->lock);
	if (refs > 0)
		return;
	fl_close(&session->fd);
	pthread_cond_destroy(&session->changed);
	pthread_mutex_destroy(&session->lock);
	free(session->vm);
	free(session);
}

void session_release(struct session **session)
{
	session_unref(*session);
}

int session_fd(const struct session *session)
{
	return session->fd;
}

pid_t session_pid(const struct session *session)
{
	return session->pid;
}

uid_t session_uid(const struct session *session)
{
	return session->uid;
}

const char *session_vm(const struct session *session)
{
	return session->vm;
}

void session_set_vm(struct session *session, const char *vm)
{
	session->vm = strdup(vm);
	if (!session->vm)
		abort();
}

static void session_unlink_locked(struct session *session, const struct session_wait *wait)
{
	for (struct session_wait **at = &session->waits; *at; at = &(*at)->next) {
		if (*at == wait) {
			*at = wait->next;
			session->n_waits--;
			return;
		}
	}
}

/* Puts the wait into the list before its request is sent, so that no answer is too early. */
static int session_enlist(struct session *session, struct session_wait *wait, struct fl_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&session->lock);
	if (session->ended) {
		rc = fl_error_set(err, FL_UNAVAILABLE, "the launcher of VM %s has left",
				  session->vm ? session->vm : "?");
	} else if (session->n_waits >= SESSION_WAITS_MAX) {
		rc = fl_error_set(err, FL_BUSY, "VM %s has %d requests to answer: ask again",
				  session->vm ? session->vm : "?", SESSION_WAITS_MAX);
	} else {
		wait->id = ++session->last_id;
		wait->next = session->waits;
		session->waits = wait;
		session->n_waits++;
	}
	pthread_mutex_unlock(&session->lock);
	return rc;
}

/* Waits until the answer is there and takes the wait out of the list. */
static int session_await(struct session *session, const struct fl_op *op, struct session_wait *wait,
			 const char *method, struct fl_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&session->lock);
	while (!wait->answered && !session->ended && rc == 0)
		rc = pthread_cond_timedwait(&session->changed, &session->lock, &op->deadline);
	session_unlink_locked(session, wait);
	pthread_mutex_unlock(&session->lock);
	if (wait->answered)
		return 0;
	if (rc == ETIMEDOUT)
		return fl_error_set(err, FL_TIMEOUT,
				    "the launcher of VM %s did not answer %s in time",
				    session->vm ? session->vm : "?", method);
	return fl_error_set(err, FL_UNAVAILABLE, "the launcher of VM %s left during %s",
			    session->vm ? session->vm : "?", method);
}

int session_call(struct session *session, const struct fl_op *op, const char *method,
		 const json_t *params, const int *fds, size_t n_fds, json_t **ret,
		 struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *request = NULL;
	struct session_wait wait = { 0 };

	if (session_enlist(session, &wait, err) < 0)
		return -1;
	request = json_pack("{s:I, s:s, s:O*}", "id", wait.id, "method", method, "params", params);
	if (fl_channel_send(op, session->fd, request, fds, n_fds, err) < 0) {
		pthread_mutex_lock(&session->lock);
		session_unlink_locked(session, &wait);
		pthread_mutex_unlock(&session->lock);
		json_decref(wait.result);
		return -1;
	}
	if (session_await(session, op, &wait, method, err) < 0)
		return -1;
	if (!wait.result) {
		*err = wait.error;
		return -1;
	}
	*ret = wait.result;
	return 0;
}

/* The answer's error object, or that there is none. */
static void session_read_error(const json_t *answer, struct fl_error *err)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "text"));

	fl_error_set(err, code ? fl_error_code_of(code) : FL_INTERNAL, "%s",
		     text ? text : "the launcher's answer is not understood");
	/* An error with the word "OK" is an error all the same. */
	if (err->code == FL_OK)
		err->code = FL_INTERNAL;
}

void session_answer(struct session *session, const json_t *answer)
{
	json_t *result = json_object_get(answer, "result");
	json_t *id = json_object_get(answer, "id");
	struct session_wait *wait;

	if (!json_is_integer(id))
		return;
	pthread_mutex_lock(&session->lock);
	for (wait = session->waits; wait && wait->id != json_integer_value(id);)
		wait = wait->next;
	if (wait && !wait->answered) {
		if (json_is_object(result))
			wait->result = json_incref(result);
		else
			session_read_error(answer, &wait->error);
		wait->answered = true;
		pthread_cond_broadcast(&session->changed);
	}
	pthread_mutex_unlock(&session->lock);
}

void session_end(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	session->ended = true;
	shutdown(session->fd, SHUT_RDWR);
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
}
