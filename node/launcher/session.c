/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "session_serve.h"

#define SESSION_PAUSE_FIRST_MS 100
#define SESSION_PAUSE_MAX_MS 5000
#define SESSION_PATIENCE_MS 5000 /* how long a request waits for a connection */

/* A caller that waits for its answer; on its stack. */
struct session_waiter {
	int64_t id;
	bool answered;
	struct fl_channel_message answer;
	struct session_waiter *next;
};

struct session {
	struct vm *vm;
	pthread_mutex_t sending; /* before `lock`; held while something is sent or fd changes */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fd; /* -1: not connected */
	bool wanted;
	int64_t last_id;
	struct session_waiter *waiters;
	struct fl_error why; /* what the last attempt to connect said */
};

static void session_set_fd(struct session *session, int fd)
{
	pthread_mutex_lock(&session->sending);
	pthread_mutex_lock(&session->lock);
	fl_close(&session->fd);
	session->fd = fd;
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
	pthread_mutex_unlock(&session->sending);
}

static void session_answer(struct session *session, struct fl_channel_message *message)
{
	json_int_t id = json_integer_value(json_object_get(message->json, "id"));

	pthread_mutex_lock(&session->lock);
	for (struct session_waiter *w = session->waiters; w; w = w->next) {
		if (w->id == id && !w->answered) {
			w->answered = true;
			w->answer = *message;
			*message = (struct fl_channel_message){ .json = NULL };
			pthread_cond_broadcast(&session->changed);
			break;
		}
	}
	pthread_mutex_unlock(&session->lock);
}

/* Moves messages until the connection ends. */
static void session_converse(struct session *session, int fd)
{
	struct fl_error err = { .code = FL_OK };

	while (err.code == FL_OK || err.code == FL_TIMEOUT) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		fl_cleanup(fl_channel_message_release) struct fl_channel_message message = {
			.json = NULL
		};
		struct fl_op op = { "session", fl_clock_after_ms(60000), arena, NULL };

		err.code = FL_OK;
		if (fl_channel_receive(&op, fd, &message, &err) < 0)
			continue;
		if (json_object_get(message.json, "method")) {
			op.deadline = fl_clock_after_ms(20000);
			session_serve(&op, session->vm, fd, &message);
		} else {
			session_answer(session, &message);
		}
	}
	fl_log(FL_LOG_WARNING, "session", "the disk service is gone: %s", err.text);
}

static int session_connect(struct session *session, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { .json = NULL };
	fl_cleanup(fl_close) int fd = -1;
	fl_cleanup(fl_json_release) json_t *params =
		json_pack("{s:s}", "vm", session->vm->spec.name);
	struct fl_op op = { "hello", fl_clock_after_ms(5000), arena, NULL };

	if (fl_channel_connect(session->vm->spec.disk_service, &fd, err) < 0 ||
	    fl_channel_call(&op, fd, "hello", params, NULL, 0, &answer, err) < 0)
		return -1;
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

static void session_wait_until_wanted(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	while (!session->wanted)
		pthread_cond_wait(&session->changed, &session->lock);
	pthread_mutex_unlock(&session->lock);
}

static void session_failed(struct session *session, const struct fl_error *why)
{
	bool news;

	pthread_mutex_lock(&session->lock);
	news = strcmp(session->why.text, why->text) != 0;
	session->why = *why;
	pthread_mutex_unlock(&session->lock);
	if (news)
		fl_log(FL_LOG_WARNING, "session", "%s", why->text);
}

static void *session_run(void *cookie)
{
	struct session *session = cookie;
	uint64_t pause_ms = SESSION_PAUSE_FIRST_MS;

	session_wait_until_wanted(session);
	for (;;) {
		struct fl_error err = { .code = FL_OK };
		int fd;

		if (session_connect(session, &fd, &err) == 0) {
			fl_log(FL_LOG_INFO, "session", "connected to %s",
			       session->vm->spec.disk_service);
			pause_ms = SESSION_PAUSE_FIRST_MS;
			session_set_fd(session, fd);
			session_converse(session, fd);
			session_set_fd(session, -1);
		} else {
			session_failed(session, &err);
		}
		fl_clock_sleep_ms(pause_ms);
		pause_ms =
			pause_ms * 2 > SESSION_PAUSE_MAX_MS ? SESSION_PAUSE_MAX_MS : pause_ms * 2;
	}
	return NULL;
}

int session_start(struct vm *vm, struct fl_error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	pthread_condattr_t monotonic;
	pthread_t thread;

	if (!session)
		abort();
	session->vm = vm;
	session->fd = -1;
	pthread_mutex_init(&session->sending, NULL);
	pthread_mutex_init(&session->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&session->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* A restarted launcher is looked for by the service when it has volumes. */
	for (const struct disk *d = vm->disks; d; d = d->next)
		session->wanted = session->wanted || d->pass;
	vm->session = session;
	errno = pthread_create(&thread, NULL, session_run, session);
	if (errno != 0)
		return fl_error_sys(err, errno, "starting the session's thread");
	pthread_detach(thread);
	return 0;
}

static int session_wait_connected(struct session *session, struct timespec until,
				  struct fl_error *err)
{
	int late = 0;

	pthread_mutex_lock(&session->lock);
	session->wanted = true;
	pthread_cond_broadcast(&session->changed);
	while (session->fd < 0 && late != ETIMEDOUT)
		late = pthread_cond_timedwait(&session->changed, &session->lock, &until);
	if (session->fd < 0)
		fl_error_set(err, FL_UNAVAILABLE, "the disk service cannot be reached: %s",
			     session->why.text);
	pthread_mutex_unlock(&session->lock);
	return late == ETIMEDOUT ? -1 : 0;
}

/* Sends the request with the waiter on the list. */
static int session_send(const struct fl_op *op, struct session *session, const char *method,
			json_t *params, struct session_waiter *waiter, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *request = NULL;
	int failed = -1;

	pthread_mutex_lock(&session->sending);
	pthread_mutex_lock(&session->lock);
	waiter->id = ++session->last_id;
	waiter->next = session->waiters;
	session->waiters = waiter;
	pthread_mutex_unlock(&session->lock);
	request = json_pack("{s:I, s:s, s:O}", "id", (json_int_t)waiter->id, "method", method,
			    "params", params);
	/* Only the session's thread changes fd, and only with `sending` held. */
	if (session->fd >= 0)
		failed = fl_channel_send(op, session->fd, request, NULL, 0, err);
	else
		fl_error_set(err, FL_UNAVAILABLE, "the disk service has just gone");
	pthread_mutex_unlock(&session->sending);
	return failed;
}

static int session_wait_answer(const struct fl_op *op, struct session *session,
			       struct session_waiter *waiter, const char *method,
			       struct fl_error *err)
{
	struct session_waiter **p = &session->waiters;
	int late = 0, fd;

	pthread_mutex_lock(&session->lock);
	fd = session->fd;
	while (!waiter->answered && session->fd == fd && fd >= 0 && late != ETIMEDOUT)
		late = pthread_cond_timedwait(&session->changed, &session->lock, &op->deadline);
	while (*p != waiter)
		p = &(*p)->next;
	*p = waiter->next;
	pthread_mutex_unlock(&session->lock);
	if (waiter->answered)
		return 0;
	return fl_error_set(err, late ? FL_TIMEOUT : FL_UNAVAILABLE,
			    "the disk service has not answered %s", method);
}

static int session_result(struct session_waiter *waiter, struct fl_channel_message *ret,
			  struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = waiter->answer;
	const json_t *error = json_object_get(answer.json, "error");
	json_t *result = json_object_get(answer.json, "result");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "text"));

	if (error)
		return fl_error_set(err, fl_error_code_of(code ? code : ""), "disk service: %s",
				    text ? text : "an error without words");
	if (!json_is_object(result))
		return fl_error_set(err, FL_INTERNAL, "the disk service answers without a result");
	*ret = answer;
	ret->json = json_incref(result);
	json_decref(answer.json);
	answer = (struct fl_channel_message){ .json = NULL };
	return 0;
}

/* One request; `params` is stolen. */
static int session_call(const struct fl_op *op, struct session *session, const char *method,
			json_t *params, struct fl_channel_message *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *held = params;
	struct session_waiter waiter = { .answered = false };
	struct timespec until =
		fl_clock_earlier(op->deadline, fl_clock_after_ms(SESSION_PATIENCE_MS));
	struct fl_op sent = *op;

	if (session_wait_connected(session, until, err) < 0)
		return -1;
	/* A request that could not be sent has no answer: its wait ends at once. */
	if (session_send(op, session, method, held, &waiter, err) < 0) {
		struct fl_error late;

		sent.deadline = fl_clock_after_ms(0);
		if (session_wait_answer(&sent, session, &waiter, method, &late) == 0)
			fl_channel_message_release(&waiter.answer);
		return -1;
	}
	if (session_wait_answer(op, session, &waiter, method, err) < 0)
		return -1;
	return session_result(&waiter, ret, err);
}

static int session_take(struct fl_channel_message *answer, const struct diskpass *pass,
			struct medium *ret, bool *ret_readonly, struct fl_error *err)
{
	fl_cleanup(medium_release) struct medium medium = MEDIUM_NONE;
	const char *kind, *serial;
	bool readonly;

	if (fl_json_text(answer->json, "kind", "", &kind, err) < 0 ||
	    fl_json_text(answer->json, "serial", "", &serial, err) < 0 ||
	    fl_json_bool(answer->json, "readonly", false, &readonly, err) < 0)
		return -1;
	if (strcmp(kind, "file") != 0)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "volume %s is a source of kind \"%s\": this launcher takes "
				    "files",
				    pass->volume, kind);
	if (!fl_text_is_safe_name(serial, VM_SERIAL_MAX) || answer->n_fds != (readonly ? 1 : 2))
		return fl_error_set(err, FL_INTERNAL,
				    "the disk service's answer for volume %s is not whole",
				    pass->volume);
	if (!readonly)
		medium.rw = fl_take_fd(&answer->fds[0]);
	medium.ro = fl_take_fd(&answer->fds[readonly ? 0 : 1]);
	if (medium_inspect(&medium, pass->volume, err) < 0)
		return -1;
	medium.serial = serial;
	*ret = medium;
	*ret_readonly = readonly;
	medium = MEDIUM_NONE;
	return 0;
}

int session_attach(const struct fl_op *op, struct session *session, const struct diskpass *pass,
		   struct medium *ret, bool *ret_readonly, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { .json = NULL };
	json_t *params = json_pack("{s:s, s:s}", "volume", pass->volume, "token", pass->token);

	if (session_call(op, session, "attach", params, &answer, err) < 0 ||
	    session_take(&answer, pass, ret, ret_readonly, err) < 0)
		return -1;
	ret->serial = fl_arena_strdup(op->arena, ret->serial);
	return 0;
}

int session_release(const struct fl_op *op, struct session *session, const struct diskpass *pass,
		    struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { .json = NULL };
	json_t *params = json_pack("{s:s, s:s}", "volume", pass->volume, "token", pass->token);

	return session_call(op, session, "release", params, &answer, err);
}
